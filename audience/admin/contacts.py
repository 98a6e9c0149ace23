"""Show contacts: those with an identifier, those that match a query, those of a list or a segment, or the newest."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from accounts.models import Account
from audience.contacts import last_times_of, newest_contacts
from audience.fields import list_fields
from audience.lists import contacts_of_list, list_lists, lists_of
from audience.models import IDENTIFIERS, TEXT_FIELDS, Contact, ContactList, Segment
from audience.query.sgql import read_query
from audience.query.vocabulary import vocabulary_of
from audience.segments import condition_of, find_matching, list_segments
from batches.admin.batches import AccountFilter
from batches.admin.refusing import say
from foundation.addresses import address_key
from foundation.admin import ReadOnlyAdmin, draw_label, draw_link, write_time
from foundation.errors import SluiceError
from mailer.models import Suppression, SuppressionKind

SHOWN = 50
OFFERED = 50
QUERY: Final = re.compile(r"[=<>(]|\s(?:like|in|is|between)\s", re.IGNORECASE)
"""Matches a query, which has an operator or a parenthesis, and no identifier."""


class PartFilter(admin.SimpleListFilter):
    """Filter by a list or a segment. The choices are those of the account that was chosen first."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        account = chosen_account(request)
        parts = self.parts_of(account)[:OFFERED] if account else []
        return [(str(part.pk), part.name) for part in parts]

    def parts_of(self, account: Account) -> QuerySet[Any]:
        raise NotImplementedError

    def queryset(self, request: HttpRequest, queryset: QuerySet[Contact]) -> QuerySet[Contact]:
        """Return all rows: `ChosenContacts` filters them."""
        return queryset


class ListFilter(PartFilter):
    title, parameter_name = "list", "list"

    def parts_of(self, account: Account) -> QuerySet[ContactList]:
        return list_lists(account)


class SegmentFilter(PartFilter):
    title, parameter_name = "segment", "segment"

    def parts_of(self, account: Account) -> QuerySet[Segment]:
        return list_segments(account)


class ChosenContacts(ChangeList):
    """Show one page of contacts without counting any rows."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Contact]:
        # Sets up the filters. Its result would be counted, so it is not used.
        super().get_queryset(request, exclude_parameters)
        try:
            ids = [contact.pk for contact in choose(request, self.query)]
        except SluiceError as error:
            messages.warning(request, say(error))
            ids = []
        return Contact.objects.filter(pk__in=ids).select_related("account", "last_times").order_by("-pk")


def choose(request: HttpRequest, query: str) -> Iterable[Contact]:
    """Return the contacts that a page shows. Raises the errors of the search."""
    account = chosen_account(request)
    if query:
        return find_by_query(account, query) if account and QUERY.search(query) else find_exact(account, query)
    chosen_list = _chosen(request, "list", ContactList.objects.filter(deleted_at=None))
    if chosen_list:
        return contacts_of_list(chosen_list, limit=SHOWN)
    segment = _chosen(request, "segment", Segment.objects.select_related("account"))
    if segment:
        return find_matching(segment.account, condition_of(segment), limit=SHOWN)
    if account:
        return newest_contacts(account, limit=SHOWN)
    return Contact.objects.order_by("-pk")[:SHOWN]


def find_by_query(account: Account, query: str) -> list[Contact]:
    return find_matching(account, read_query(query, vocabulary_of(account)), limit=SHOWN)


def find_exact(account: Account | None, term: str) -> list[Contact]:
    """Return the contacts with this e-mail address, other identifier, number or UUID.

    Without an account each one is probed, since every index of contacts begins with the account.
    """
    term = term.strip()
    accounts = [account.pk] if account else list(Account.objects.values_list("pk", flat=True))
    contacts = Contact.objects.filter(account_id__in=accounts)
    keys: list[dict[str, Any]] = [
        {name: address_key(term) if name == "email" else term} for name in IDENTIFIERS if "\0" not in term
    ]
    if term.isascii() and term.isdecimal() and len(term) <= 18:
        keys.append({"pk": int(term)})
    with suppress(ValueError):
        keys.append({"uuid": uuid.UUID(term)})
    matches = (contact for key in keys for contact in contacts.filter(**key)[:SHOWN])
    return list(islice({contact.pk: contact for contact in matches}.values(), SHOWN))


def chosen_account(request: HttpRequest) -> Account | None:
    """Return the account that the page is filtered by, or None."""
    account: Account | None = _chosen(request, "account", Account.objects.all())
    return account


def _chosen(request: HttpRequest, name: str, rows: QuerySet[Any]) -> Any:
    number = request.GET.get(name, "")
    is_number = number.isascii() and number.isdecimal() and len(number) <= 9
    return rows.filter(pk=int(number)).first() if is_number else None


@admin.register(Contact)
class ContactAdmin(ReadOnlyAdmin[Contact]):
    """Show contacts. They are stored through the APIs and by imports, and cannot be edited here."""

    list_display = ("__str__", "first_name", "last_name", "shown_account", "made", "emailed")
    list_filter = (AccountFilter, ListFilter, SegmentFilter)
    search_fields = ("email",)
    search_help_text = (
        "E-mail address, external id or contact id. With an account chosen, also a query "
        "such as email like '%@example.com'"
    )
    list_per_page = SHOWN
    change_form_template = "audience/contact.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ChosenContacts

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        context.update(show_contact(kwargs["obj"]))
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="account")
    def shown_account(self, contact: Contact) -> str:
        return contact.account.username

    @admin.display(description="created (UTC)")
    def made(self, contact: Contact) -> str:
        return write_time(contact.created_at)

    @admin.display(description="last e-mail (UTC)")
    def emailed(self, contact: Contact) -> str:
        return write_time(contact.last_times.last_emailed_at if hasattr(contact, "last_times") else None)


def show_contact(contact: Contact) -> dict[str, Any]:
    """Return the context of a contact's page."""
    custom = {str(field.pk): field.name for field in list_fields(contact.account)}
    columns = [(name.replace("_", " "), getattr(contact, name)) for name in (*IDENTIFIERS, *TEXT_FIELDS)]
    columns.append(("alternate e-mails", ", ".join(contact.alternate_emails)))
    values = [(custom.get(key, f"field {key}"), value) for key, value in contact.custom.items()]
    last_times = last_times_of([contact])[contact.pk]
    return {
        "contact": contact,
        "values": [(name, value) for name, value in columns if value] + values,
        "lists": _link_lists(lists_of(contact.account, [contact.pk])[contact.pk]),
        "suppressions": _label_suppressions(contact),
        "times": [
            (name, write_time(moment))
            for name, moment in (
                ("created", contact.created_at),
                ("changed", contact.updated_at),
                ("last e-mail", last_times.last_emailed_at),
                ("last opened", last_times.last_opened_at),
                ("last clicked", last_times.last_clicked_at),
            )
            if moment
        ],
    }


def _link_lists(lists: list[ContactList]) -> SafeString:
    links = ((draw_link(reverse("admin:audience_contactlist_change", args=[each.pk]), each.name),) for each in lists)
    return format_html_join(", ", "{}", links)


def _label_suppressions(contact: Contact) -> SafeString:
    """Return labels with the reasons why campaigns leave the contact out; an empty text if it is not suppressed."""
    if not contact.email:
        return SafeString()
    of_address = Suppression.objects.filter(account=contact.account, email=address_key(contact.email))
    labels = (
        (draw_label(f"unsubscribed from {each.group}" if each.group else SuppressionKind(each.kind).label, "warning"),)
        for each in of_address.select_related("group").order_by("pk")[:OFFERED]
    )
    return format_html_join(" ", "{}", labels)
