"""Finding contacts by what a person remembers of them, and pages that are numbered."""

from __future__ import annotations

from typing import NamedTuple

from django.db.models import Q, QuerySet, TextField, Value
from django.db.models.functions import Concat

from accounts.models import Account
from audience.contacts import count_contacts
from audience.drafts import is_email
from audience.expensive import expensive_call
from audience.models import Contact, ContactList, Membership
from foundation.addresses import address_key


class Page(NamedTuple):
    """How many to leave out, and how many to show at most."""

    offset: int
    limit: int


def search_contacts(
    account: Account, page: Page, *, search: str = "", found_on: ContactList | None = None
) -> tuple[list[Contact], int]:
    """A page of the account's contacts, of one list if it is named, the newest first, and how many there are: those
    with this address, or else with these letters in name or telephone number. Raises SearchTooSlow and TooManyCalls."""
    found = Contact.objects.filter(account=account)
    if found_on is not None:
        found = found.filter(pk__in=Membership.objects.filter(list=found_on).values("contact_id"))
    with expensive_call(account.pk):
        if search:
            found = _matching(found, search)
            total = found.count()
        else:
            total = count_contacts(account) if found_on is None else found_on.contact_count
        if page.offset >= total:
            return [], total
        return list(found.order_by("-pk")[page.offset : page.offset + page.limit]), total


def members_of(found: ContactList, page: Page) -> list[Membership]:
    """A page of a list, who was put on it last first, with the contacts. Raises SearchTooSlow and TooManyCalls."""
    if page.offset >= found.contact_count:
        return []
    members = Membership.objects.filter(list=found).select_related("contact").order_by("-added_at", "-contact_id")
    with expensive_call(found.account_id):
        return list(members[page.offset : page.offset + page.limit])


def _matching(contacts: QuerySet[Contact], search: str) -> QuerySet[Contact]:
    if is_email(search):
        return contacts.filter(email=address_key(search))
    named = contacts.annotate(full_name=Concat("first_name", Value(" "), "last_name", output_field=TextField()))
    return named.filter(Q(full_name__icontains=search) | Q(phone_number__icontains=search))
