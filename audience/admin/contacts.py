"""Contacts: found by exact identifiers or by a query, those of a list or a segment, or the newest. To look at."""

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
from audience.contacts import newest_contacts
from audience.fields import list_fields
from audience.lists import contacts_of_list, list_lists, lists_of
from audience.models import IDENTIFIERS, TEXT_FIELDS, Contact, ContactList, Segment
from audience.query.sgql import read_query
from audience.query.vocabulary import vocabulary_of
from audience.segments import condition_of, find_matching, list_segments
from batches.admin.batches import AccountFilter
from batches.admin.figures import draw_label
from batches.admin.refusing import say
from foundation.addresses import address_key
from foundation.admin import ReadOnlyAdmin, draw_link, write_time
from foundation.errors import SluiceError
from mailer.models import Suppression, SuppressionKind

SHOWN = 50
OFFERED = 50
SAYS_MORE: Final = re.compile(r"[=<>(]|\s(?:like|in|is|between)\s", re.IGNORECASE)
"""What a query has, and an identifier has not."""


class PartFilter(admin.SimpleListFilter):
    """By a list or a segment. What is offered depends on the account that was chosen first."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        account = chosen_account(request)
        parts = self.parts_of(account)[:OFFERED] if account else []
        return [(str(part.pk), part.name) for part in parts]

    def parts_of(self, account: Account) -> QuerySet[Any]:
        raise NotImplementedError

    def queryset(self, request: HttpRequest, queryset: QuerySet[Contact]) -> QuerySet[Contact]:
        """`FoundContacts` does it."""
        return queryset


class ListFilter(PartFilter):
    title, parameter_name = "list", "list"

    def parts_of(self, account: Account) -> QuerySet[ContactList]:
        return list_lists(account)


class SegmentFilter(PartFilter):
    title, parameter_name = "segment", "segment"

    def parts_of(self, account: Account) -> QuerySet[Segment]:
        return list_segments(account)


class FoundContacts(ChangeList):
    """One page, in which nothing is counted."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Contact]:
        # What is offered to filter by, of which nothing is counted.
        super().get_queryset(request, exclude_parameters)
        try:
            found = [contact.pk for contact in choose(request, self.query)]
        except SluiceError as error:
            messages.warning(request, say(error))
            found = []
        return Contact.objects.filter(pk__in=found).select_related("account").order_by("-pk")


def choose(request: HttpRequest, query: str) -> Iterable[Contact]:
    """The contacts that a page is to show. Raises what the search refuses."""
    account = chosen_account(request)
    if query:
        return find_by_query(account, query) if account and SAYS_MORE.search(query) else find_exact(account, query)
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
    """By e-mail address or another identifier, number or UUID. Each account is probed: there is no index without it."""
    term = term.strip()
    accounts = [account.pk] if account else list(Account.objects.values_list("pk", flat=True))
    own = Contact.objects.filter(account_id__in=accounts)
    keys: list[dict[str, Any]] = [
        {name: address_key(term) if name == "email" else term} for name in IDENTIFIERS if "\0" not in term
    ]
    if term.isascii() and term.isdecimal() and len(term) <= 18:
        keys.append({"pk": int(term)})
    with suppress(ValueError):
        keys.append({"uuid": uuid.UUID(term)})
    found = (contact for key in keys for contact in own.filter(**key)[:SHOWN])
    return list(islice({contact.pk: contact for contact in found}.values(), SHOWN))


def chosen_account(request: HttpRequest) -> Account | None:
    """The account that the page is narrowed to."""
    account: Account | None = _chosen(request, "account", Account.objects.all())
    return account


def _chosen(request: HttpRequest, name: str, rows: QuerySet[Any]) -> Any:
    number = request.GET.get(name, "")
    is_number = number.isascii() and number.isdecimal() and len(number) <= 9
    return rows.filter(pk=int(number)).first() if is_number else None


@admin.register(Contact)
class ContactAdmin(ReadOnlyAdmin[Contact]):
    """Contacts are stored through the APIs and by imports."""

    list_display = ("__str__", "first_name", "last_name", "shown_account", "made", "emailed")
    list_filter = (AccountFilter, ListFilter, SegmentFilter)
    search_fields = ("email",)
    search_help_text = (
        "E-mail address, external id or contact id; of one account also a query, as email like '%@example.com'"
    )
    list_per_page = SHOWN
    change_form_template = "audience/contact.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return FoundContacts

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        context.update(show_contact(kwargs["obj"]))
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="account")
    def shown_account(self, contact: Contact) -> str:
        return contact.account.username

    @admin.display(description="made (UTC)")
    def made(self, contact: Contact) -> str:
        return write_time(contact.created_at)

    @admin.display(description="last e-mailed (UTC)")
    def emailed(self, contact: Contact) -> str:
        return write_time(contact.last_emailed_at)


def show_contact(contact: Contact) -> dict[str, Any]:
    """What a contact's page says."""
    custom = {str(field.pk): field.name for field in list_fields(contact.account)}
    given = [(name.replace("_", " "), getattr(contact, name)) for name in (*IDENTIFIERS, *TEXT_FIELDS)]
    given.append(("alternate e-mails", ", ".join(contact.alternate_emails)))
    values = [(custom.get(key, f"field {key}"), value) for key, value in contact.custom.items()]
    return {
        "contact": contact,
        "values": [(name, value) for name, value in given if value] + values,
        "lists": _link_lists(lists_of(contact.account, [contact.pk])[contact.pk]),
        "suppressions": _label_suppressions(contact),
        "times": [
            (name, write_time(moment))
            for name, moment in (
                ("made", contact.created_at),
                ("changed", contact.updated_at),
                ("last e-mailed", contact.last_emailed_at),
                ("last opened", contact.last_opened_at),
                ("last clicked", contact.last_clicked_at),
            )
            if moment
        ],
    }


def _link_lists(lists: list[ContactList]) -> SafeString:
    links = ((draw_link(reverse("admin:audience_contactlist_change", args=[each.pk]), each.name),) for each in lists)
    return format_html_join(", ", "{}", links)


def _label_suppressions(contact: Contact) -> SafeString:
    """Why campaigns leave it out, if they do."""
    if not contact.email:
        return SafeString()
    of_address = Suppression.objects.filter(account=contact.account, email=address_key(contact.email))
    labels = (
        (draw_label(f"left {each.group}" if each.group else SuppressionKind(each.kind).label, "warning"),)
        for each in of_address.select_related("group").order_by("pk")[:OFFERED]
    )
    return format_html_join(" ", "{}", labels)
