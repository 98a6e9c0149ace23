"""The import of a file: whose contacts they are, which lists they go to, and the file, whose header says what its
columns are."""

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
"""What people call columns, beside their own names."""


class ImportForm(forms.Form):
    """The account is chosen first, by the page's address: its lists are offered then."""

    lists = forms.ModelMultipleChoiceField(
        ContactList.objects.none(),
        label="Put the contacts on",
        required=False,
        widget=UnfoldAdminSelect2MultipleWidget,
        help_text="None is needed.",
    )
    file = forms.FileField(
        widget=UnfoldAdminFileFieldWidget,
        help_text="CSV with commas, semicolons, or tabs, in UTF-8 or UTF-16, plain or gzip, with a header. Broken rows "
        "are kept aside with the reason; the others are stored.",
    )

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = ContactList.objects.filter(account=account, deleted_at=None).order_by("name")
        self.fields["lists"].queryset = own  # type: ignore[attr-defined]


class AccountForm(forms.Form):
    """Whose contacts they are."""

    account = forms.ModelChoiceField(Account.objects.order_by("username"), widget=UnfoldAdminSelectWidget)


def import_file(request: HttpRequest) -> HttpResponse:
    """Ask whose, then for the file; on POST begin the import, and go on to its page."""
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


def begin(request: HttpRequest, account: Account, said: dict[str, Any]) -> Job:
    """Store the file and begin. Raises UnusableColumns, UnknownList, FileTooLarge."""
    header = read_header(said["file"])
    columns = name_columns(account, header)
    job = begin_import(account, columns, list_ids=[each.pk for each in said["lists"]])
    upload_file(job, said["file"].chunks())
    ignored = [cell for cell, column in zip(header, columns, strict=True) if column is None and cell.strip()]
    if ignored:
        messages.warning(request, f"These columns are no field of a contact, and are left out: {', '.join(ignored)}.")
    return job


def read_header(file: UploadedFile[Any]) -> list[str]:
    """The cells of the first row that is not empty. Raises UnusableColumns if there is none that can be read."""
    try:
        header, _ = csv_files.read_header(unpack(file.chunks()))
    except UnreadableFile as error:
        raise UnusableColumns(str(error)) from None
    if header is None or header.problem:
        raise UnusableColumns(header.problem if header else "the file is empty")
    return header.cells


def name_columns(account: Account, header: Iterable[str]) -> list[Column]:
    """What each column is, by its name in the header; None: nothing that contacts have."""
    custom = {field.name.lower(): field.pk for field in list_fields(account)}
    return [_name(cell, custom) for cell in header]


def _name(cell: str, custom: dict[str, int]) -> Column:
    said = cell.strip().strip('"').strip().lower()
    if said in custom:
        return custom[said]
    name = said.replace(" ", "_").replace("-", "_")
    name = ALIASES.get(name, name)
    return name if name in COLUMNS else custom.get(name)
