"""Import a file: ask for the account, the lists and the file. The header of the file tells what its columns are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelect2MultipleWidget, UnfoldAdminSelectWidget

from accounts.models import Account
from audience.errors import UnusableColumns
from audience.fields import list_fields
from audience.jobs import csv_files
from audience.jobs.files import upload_file
from audience.jobs.imports import COLUMNS, Column, begin_import
from audience.jobs.unpacking import UnreadableFile, unpack
from audience.models import IDENTIFIERS, ContactList, Job
from batches.admin.asking import require
from batches.admin.refusing import say
from foundation.errors import SluiceError

MAY_IMPORT = "audience.add_contact"
ALIASES: Final = {
    "e_mail": "email",
    "mail": "email",
    "email_address": "email",
    "e_mail_address": "email",
    "firstname": "first_name",
    "lastname": "last_name",
    "zip": "postal_code",
    "state": "state_province_region",
    "phone": "phone_number",
}
"""Common names of columns, and the names that they have here."""


class ImportForm(forms.Form):
    """Ask for the lists and the file. The account comes from the URL, since it decides which lists are offered."""

    lists = forms.ModelMultipleChoiceField(
        ContactList.objects.none(),
        label="Put the contacts on",
        required=False,
        widget=UnfoldAdminSelect2MultipleWidget,
        help_text="Optional.",
    )
    file = forms.FileField(
        widget=UnfoldAdminFileFieldWidget,
        help_text="CSV with a header, separated by commas, semicolons or tabs, in UTF-8 or UTF-16, plain or gzip. "
        "Rows with errors are listed with the reason; all other rows are stored.",
    )

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        lists = ContactList.objects.filter(account=account, deleted_at=None).order_by("name")
        self.fields["lists"].queryset = lists  # type: ignore[attr-defined]


class AccountForm(forms.Form):
    """Ask for the account whose contacts are imported."""

    account = forms.ModelChoiceField(Account.objects.order_by("username"), widget=UnfoldAdminSelectWidget)


def import_file(request: HttpRequest) -> HttpResponse:
    """Ask for the account, then for the file. On POST start the import and redirect to its page."""
    require(request, MAY_IMPORT, "audience.view_job")
    choosing = AccountForm(request.GET or None)
    account = choosing.cleaned_data["account"] if choosing.is_valid() else None
    form: forms.Form = choosing
    if account is not None:
        form = ImportForm(request.POST or None, request.FILES or None, account=account)
        if form.is_valid():
            try:
                job = begin(request, account, form.cleaned_data)
                return HttpResponseRedirect(reverse("admin:audience_job_change", args=[job.pk]))
            except SluiceError as error:
                form.add_error("file", say(error))
    context = {
        **admin.site.each_context(request),
        "title": f"Import contacts of {account}" if account else "Import contacts",
        "opts": Job._meta,
        "account": account,
        "form": form,
        "columns": [*IDENTIFIERS, *sorted(COLUMNS - set(IDENTIFIERS))],
        "custom": list_fields(account) if account else [],
        "media": form.media,
    }
    return TemplateResponse(request, "audience/import.html", context)


def begin(request: HttpRequest, account: Account, fields: dict[str, Any]) -> Job:
    """Store the file and start the import. Raises UnusableColumns, UnknownList and FileTooLarge."""
    header = read_header(fields["file"])
    columns = name_columns(account, header)
    job = begin_import(account, columns, list_ids=[each.pk for each in fields["lists"]])
    upload_file(job, fields["file"].chunks())
    ignored = [cell for cell, column in zip(header, columns, strict=True) if column is None and cell.strip()]
    if ignored:
        messages.warning(
            request, f"Contacts have no such fields, so these columns are not imported: {', '.join(ignored)}."
        )
    return job


def read_header(file: UploadedFile[Any]) -> list[str]:
    """Return the cells of the first row that is not empty. Raises UnusableColumns if no such row can be read."""
    try:
        header, _ = csv_files.read_header(unpack(file.chunks()))
    except UnreadableFile as error:
        raise UnusableColumns(str(error)) from None
    if header is None or header.problem:
        raise UnusableColumns(header.problem if header else "the file is empty")
    return header.cells


def name_columns(account: Account, header: Iterable[str]) -> list[Column]:
    """Return the field that each column of a header means; None where contacts have no such field."""
    custom = {field.name.lower(): field.pk for field in list_fields(account)}
    return [_name(cell, custom) for cell in header]


def _name(cell: str, custom: dict[str, int]) -> Column:
    title = cell.strip().strip('"').strip().lower()
    if title in custom:
        return custom[title]
    name = title.replace(" ", "_").replace("-", "_")
    name = ALIASES.get(name, name)
    return name if name in COLUMNS else custom.get(name)
