"""Contacts of an account: find, list and search them; create, change and delete one or a page of them.

Many contacts at a time are stored by `upsert.py`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Q, QuerySet, TextField, Value
from django.db.models.functions import Concat

from accounts.models import Account
from audience.drafts import is_email
from audience.errors import ContactTaken, UnknownContact
from audience.lists import find_lists, ids_of_list
from audience.locks import expensive_call, lock_audience
from audience.models import IDENTIFIERS, Audience, Contact, ContactList, FieldDefinition, Membership
from audience.queries import ADD_MEMBERS, COUNT_NEW, DELETE_CONTACTS
from foundation.addresses import address_key, check_address
from foundation.clock import Now
from foundation.texts import check_line, check_text
from mailer.models import Suppression, SuppressionKind

Columns = Mapping[str, Any]
"""Values by the names of columns."""
Items = list[str]


class Page(NamedTuple):
    """How many to leave out, and how many to show at most."""

    offset: int
    limit: int


def count_contacts(account: Account) -> int:
    """How many contacts the account has: one row is read."""
    return Audience.objects.filter(pk=account.pk).values_list("contacts", flat=True).first() or 0


def find_contact(account: Account, contact_uuid: uuid.UUID) -> Contact:
    """Raises UnknownContact."""
    contact = Contact.objects.filter(account=account, uuid=contact_uuid).first()
    if contact is None:
        raise UnknownContact
    return contact


def find_contacts(account: Account, uuids: Collection[uuid.UUID]) -> list[Contact]:
    """Those of them that there are, the oldest first."""
    return list(Contact.objects.filter(account=account, uuid__in=uuids).order_by("pk"))


def find_by_identifier(account: Account, identifier: str, values: Iterable[str]) -> dict[str, Contact]:
    """The contacts that have one of these as their `identifier` (one of `IDENTIFIERS`), by it. An e-mail address, in
    any spelling, finds those, too, whose alternate it is; of several the one whose own it is, or the oldest. They are
    returned by its canonical form (`address_key`)."""
    wanted = {address_key(value) if identifier == "email" else value for value in values}
    own = Contact.objects.filter(account=account, **{f"{identifier}__in": wanted})
    found = {getattr(contact, identifier): contact for contact in own}
    if identifier == "email" and (missing := wanted - found.keys()):
        alternates = Contact.objects.filter(account=account, alternate_emails__overlap=sorted(missing))
        # As the partial index says it.
        for contact in alternates.exclude(alternate_emails=[]).order_by("pk"):
            for address in missing.intersection(contact.alternate_emails):
                found.setdefault(address, contact)
    return found


def list_contacts(account: Account, *, after: int = 0, offset: int = 0, limit: int) -> list[Contact]:
    """A page of the contacts, the oldest first: those with ids above `after`, without the first `offset` of them."""
    ids = Contact.objects.filter(account=account, pk__gt=after).order_by("pk").values("pk")[offset : offset + limit]
    # The ids first, from the index alone.
    return list(Contact.objects.filter(pk__in=ids).order_by("pk"))


def newest_contacts(account: Account, *, limit: int) -> list[Contact]:
    """The contacts that were made last, the newest first."""
    return list(Contact.objects.filter(account=account).order_by("-pk")[:limit])


def last_contact_id(account: Account) -> int:
    """The highest id of its contacts: up to where a deletion of all of them goes. 0: it has none."""
    newest = Contact.objects.filter(account=account).order_by("-pk").values_list("pk", flat=True)
    return newest.first() or 0


def delete_contacts(account: Account, contact_ids: Collection[int]) -> int:
    """Delete up to some thousand contacts of the account with their memberships; returns how many there were."""
    with transaction.atomic(), connection.cursor() as cursor:
        lock_audience(account)
        cursor.execute(DELETE_CONTACTS, {"account": account.pk, "contacts": sorted(set(contact_ids))})
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def delete_some(account: Account, *, through: int, limit: int) -> int:
    """Delete the oldest `limit` contacts with ids up to `through`; returns how many there were. 0: none is left."""
    ids = Contact.objects.filter(account=account, pk__lte=through).order_by("pk").values_list("pk", flat=True)
    return delete_contacts(account, list(ids[:limit]))


def delete_contacts_of_list(found: ContactList, *, limit: int) -> int:
    """Delete the oldest `limit` contacts of a list; returns how many there were. 0: none is left."""
    return delete_contacts(found.account, ids_of_list(found.pk, 0, 0, limit))


# --- search -----------------------------------------------------------------------------------------------------------


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


# --- one contact ------------------------------------------------------------------------------------------------------


def create_contact(account: Account, columns: Columns, *, list_ids: Collection[uuid.UUID] = ()) -> Contact:
    """A new contact, on these lists unless it has left the account's mail. Raises UnfitCharacter, ContactTaken and
    UnknownList."""
    _check_characters(columns)
    columns = _with_key(columns)
    with transaction.atomic():
        lock_audience(account)
        lists = find_lists(account, list_ids)
        _refuse_taken(account, columns)
        made = Contact.objects.create(account=account, **columns)
        with connection.cursor() as cursor:
            cursor.execute(COUNT_NEW, [1, account.pk])
        if lists and not has_left(made):
            _add(made, lists)
    made.refresh_from_db()
    return made


def update_contact(
    account: Account, contact_id: uuid.UUID, columns: Columns, *, custom: Mapping[int, object] | None = None
) -> Contact:
    """Change these columns, and the values of these custom fields, None removing one. Raises UnfitCharacter,
    UnknownContact and ContactTaken."""
    _check_characters(columns)
    columns = _with_key(columns)
    for value in (custom or {}).values():
        if isinstance(value, str):
            check_text(value, field="custom_fields")
    with transaction.atomic():
        lock_audience(account)
        found = find_contact(account, contact_id)
        _refuse_taken(account, columns, except_contact=found.pk)
        merged = {**found.custom, **{str(field): value for field, value in (custom or {}).items()}}
        kept = {key: value for key, value in merged.items() if value is not None}
        Contact.objects.filter(pk=found.pk).update(**columns, custom=kept, updated_at=Now())
    return find_contact(account, contact_id)


def put_on_list(contact: Contact, found: ContactList) -> bool:
    """Whether the contact was not on the list before. Who has left the account's mail is not put back, and nobody is
    told."""
    with transaction.atomic():
        lock_audience(contact.account)
        if Membership.objects.filter(list=found, contact=contact).exists():
            return False
        if not has_left(contact):
            _add(contact, [found])
    return True


def has_left(contact: Contact) -> bool:
    """Whether the contact has unsubscribed from all of the account's mail."""
    if contact.email is None:
        return False
    left = Suppression.objects.filter(account=contact.account_id, kind=SuppressionKind.GLOBAL)
    return left.filter(email=address_key(contact.email)).exists()


def _with_key(columns: Columns) -> Columns:
    """Return the columns with the address in the form in which it is kept. Raises UnfitCharacter."""
    email = columns.get("email")
    if not email:
        return columns
    check_address(email, field="email")
    return {**columns, "email": address_key(email)}


def _check_characters(columns: Columns) -> None:
    for name, value in columns.items():
        if isinstance(value, str):
            (check_line if name in IDENTIFIERS else check_text)(value, field=name)


def _add(contact: Contact, lists: Collection[ContactList]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(ADD_MEMBERS, {"lists": [each.pk for each in lists], "contacts": [contact.pk]})


def _refuse_taken(account: Account, columns: Columns, *, except_contact: int = 0) -> None:
    """Under `lock_audience`, so that it stays free."""
    for name in ("email", "external_id"):
        others = Contact.objects.filter(account=account, **{name: columns.get(name)}).exclude(pk=except_contact)
        if columns.get(name) is not None and others.exists():
            raise ContactTaken(field=name)


def add_item(account: Account, contact_id: uuid.UUID, field: FieldDefinition, item: str) -> Items:
    """The items afterwards; one that is there stays where it is. Raises UnfitCharacter and UnknownContact."""
    check_line(item, field="value")
    return _change(account, contact_id, field, lambda items: items if item in items else [*items, item])


def remove_item(account: Account, contact_id: uuid.UUID, field: FieldDefinition, item: str) -> Items:
    """The items afterwards. Raises UnknownContact."""
    return _change(account, contact_id, field, lambda items: [each for each in items if each != item])


def _change(account: Account, contact_id: uuid.UUID, field: FieldDefinition, change: Callable[[Items], Items]) -> Items:
    with transaction.atomic():
        lock_audience(account)
        contact = find_contact(account, contact_id)
        key = str(field.pk)
        before = contact.custom.get(key, "").splitlines()
        items = change(before)
        if items != before:
            others = {name: value for name, value in contact.custom.items() if name != key}
            kept = {**others, key: "\n".join(items)} if items else others
            Contact.objects.filter(pk=contact.pk).update(custom=kept, updated_at=Now())
    return items
