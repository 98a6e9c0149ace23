"""Find, list and search the contacts of an account; create, change and delete one contact or a page of them.

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
from audience.errors import ContactTaken, LastIdentifier, UnknownContact, UnknownIdentifier
from audience.lists import find_lists, ids_of_list
from audience.locks import expensive_call, lock_audience
from audience.models import IDENTIFIERS, Audience, Contact, ContactList, FieldDefinition, LastTimes, Membership
from audience.queries import ADD_MEMBERS, COUNT_NEW, DELETE_CONTACTS
from foundation.addresses import address_key, check_address, is_email
from foundation.clock import Now
from foundation.texts import check_line, check_text
from mailer.models import Suppression, SuppressionKind

Columns = Mapping[str, Any]
"""Values of a contact, keyed by column name."""
Items = list[str]


class Page(NamedTuple):
    """The bounds of a page: the number of rows to skip, and the largest number of rows to return."""

    offset: int
    limit: int


def count_contacts(account: Account) -> int:
    """Return the number of the account's contacts. It reads one row."""
    return Audience.objects.filter(pk=account.pk).values_list("contacts", flat=True).first() or 0


def find_contact(account: Account, contact_uuid: uuid.UUID) -> Contact:
    """Return a contact of the account by its UUID. Raises UnknownContact."""
    contact = Contact.objects.filter(account=account, uuid=contact_uuid).first()
    if contact is None:
        raise UnknownContact
    return contact


def find_contacts(account: Account, uuids: Collection[uuid.UUID]) -> list[Contact]:
    """Return the account's contacts that have one of these UUIDs, the oldest first."""
    return list(Contact.objects.filter(account=account, uuid__in=uuids).order_by("pk"))


def find_by_identifier(account: Account, identifier: str, values: Iterable[str]) -> dict[str, Contact]:
    """Return the contacts that have one of the values as their `identifier` (one of `IDENTIFIERS`), keyed by it.

    E-mail addresses may be spelled in any way and are returned in canonical form (`address_key`). If no contact has an
    address as its main one, the oldest contact that has it as an alternate is returned.
    """
    searched = {address_key(value) if identifier == "email" else value for value in values}
    contacts = Contact.objects.filter(account=account, **{f"{identifier}__in": searched})
    by_value = {getattr(contact, identifier): contact for contact in contacts}
    if identifier == "email" and (missing := searched - by_value.keys()):
        alternates = Contact.objects.filter(account=account, alternate_emails__overlap=sorted(missing))
        # The condition of the partial index.
        for contact in alternates.exclude(alternate_emails=[]).order_by("pk"):
            for address in missing.intersection(contact.alternate_emails):
                by_value.setdefault(address, contact)
    return by_value


def list_contacts(account: Account, *, after: int = 0, offset: int = 0, limit: int) -> list[Contact]:
    """Return a page of the contacts, the oldest first.

    The page holds contacts with ids above `after`, without the first `offset` of them.
    """
    ids = Contact.objects.filter(account=account, pk__gt=after).order_by("pk").values("pk")[offset : offset + limit]
    # Read the ids first, from the index alone.
    return list(Contact.objects.filter(pk__in=ids).order_by("pk"))


def newest_contacts(account: Account, *, limit: int) -> list[Contact]:
    """Return the most recently created contacts, the newest first."""
    return list(Contact.objects.filter(account=account).order_by("-pk")[:limit])


def last_times_of(contacts: Collection[Contact]) -> dict[int, LastTimes]:
    """Return the last times of each contact, keyed by its id. A contact without any has empty ones."""
    ids = [contact.pk for contact in contacts]
    return {contact_id: LastTimes(contact_id=contact_id) for contact_id in ids} | LastTimes.objects.in_bulk(ids)


def last_contact_id(account: Account) -> int:
    """Return the highest id of the account's contacts, up to which a deletion of all of them goes; 0 if it has none."""
    newest = Contact.objects.filter(account=account).order_by("-pk").values_list("pk", flat=True)
    return newest.first() or 0


def delete_contacts(account: Account, contact_ids: Collection[int]) -> int:
    """Delete up to some thousand contacts with their memberships. Return how many existed."""
    with transaction.atomic(), connection.cursor() as cursor:
        lock_audience(account)
        cursor.execute(DELETE_CONTACTS, {"account": account.pk, "contacts": sorted(set(contact_ids))})
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def delete_some(account: Account, *, through: int, limit: int) -> int:
    """Delete the oldest `limit` contacts with ids up to `through`. Return their number; 0 if none is left."""
    ids = Contact.objects.filter(account=account, pk__lte=through).order_by("pk").values_list("pk", flat=True)
    return delete_contacts(account, list(ids[:limit]))


def delete_contacts_of_list(contact_list: ContactList, *, limit: int) -> int:
    """Delete the oldest `limit` contacts of a list. Return their number; 0 if none is left."""
    return delete_contacts(contact_list.account, ids_of_list(contact_list.pk, 0, 0, limit))


# --- search -----------------------------------------------------------------------------------------------------------


def search_contacts(
    account: Account, page: Page, *, search: str = "", contact_list: ContactList | None = None
) -> tuple[list[Contact], int]:
    """Return a page of the contacts of an account or of a list, the newest first, and the total number.

    A `search` text that is an e-mail address selects the contacts that have it; any other text selects those that
    contain it in their name or phone number. Raises SearchTooSlow and TooManyCalls.
    """
    contacts = Contact.objects.filter(account=account)
    if contact_list is not None:
        contacts = contacts.filter(pk__in=Membership.objects.filter(list=contact_list).values("contact_id"))
    with expensive_call(account.pk):
        if search:
            contacts = _matching(contacts, search)
            total = contacts.count()
        else:
            total = count_contacts(account) if contact_list is None else contact_list.contact_count
        if page.offset >= total:
            return [], total
        return list(contacts.order_by("-pk")[page.offset : page.offset + page.limit]), total


def newest_matching(account: Account, search: str, *, limit: int) -> list[Contact]:
    """Return the newest contacts of an account that `search_contacts` finds. The caller limits the time."""
    return list(_matching(Contact.objects.filter(account=account), search).order_by("-pk")[:limit])


def members_of(contact_list: ContactList, page: Page) -> list[Membership]:
    """Return a page of a list's memberships with their contacts, the latest addition first.

    Raises SearchTooSlow and TooManyCalls.
    """
    if page.offset >= contact_list.contact_count:
        return []
    members = (
        Membership.objects.filter(list=contact_list).select_related("contact").order_by("-added_at", "-contact_id")
    )
    with expensive_call(contact_list.account_id):
        return list(members[page.offset : page.offset + page.limit])


def _matching(contacts: QuerySet[Contact], search: str) -> QuerySet[Contact]:
    if is_email(search):
        return contacts.filter(email=address_key(search))
    with_names = contacts.annotate(full_name=Concat("first_name", Value(" "), "last_name", output_field=TextField()))
    return with_names.filter(Q(full_name__icontains=search) | Q(phone_number__icontains=search))


# --- one contact ------------------------------------------------------------------------------------------------------


def create_contact(account: Account, columns: Columns, *, list_ids: Collection[uuid.UUID] = ()) -> Contact:
    """Create a contact and put it on lists, unless its address has unsubscribed from all mail of the account.

    Raises UnfitCharacter, ContactTaken and UnknownList.
    """
    _check_characters(columns)
    columns = _with_key(columns)
    with transaction.atomic():
        lock_audience(account)
        lists = find_lists(account, list_ids)
        _refuse_taken(account, columns)
        contact = Contact.objects.create(account=account, **columns)
        with connection.cursor() as cursor:
            cursor.execute(COUNT_NEW, [1, account.pk])
        if lists and not has_unsubscribed(contact):
            _add_to_lists(contact, lists)
    contact.refresh_from_db()
    return contact


def update_contact(
    account: Account, contact_id: uuid.UUID, columns: Columns, *, custom: Mapping[int, object] | None = None
) -> Contact:
    """Change some columns and custom fields of a contact; None removes the value of a custom field.

    Raises UnfitCharacter, UnknownContact and ContactTaken.
    """
    _check_characters(columns)
    columns = _with_key(columns)
    for value in (custom or {}).values():
        if isinstance(value, str):
            check_text(value, field="custom_fields")
    with transaction.atomic():
        lock_audience(account)
        contact = find_contact(account, contact_id)
        _refuse_taken(account, columns, except_contact=contact.pk)
        merged = {**contact.custom, **{str(field): value for field, value in (custom or {}).items()}}
        stored = {key: value for key, value in merged.items() if value is not None}
        Contact.objects.filter(pk=contact.pk).update(**columns, custom=stored, updated_at=Now())
    return find_contact(account, contact_id)


def check_identifier(contact: Contact, identifier: str, value: str) -> None:
    """Accept an identifier (one of `IDENTIFIERS`) that a contact has. Raises UnknownIdentifier."""
    if getattr(contact, identifier) != value:
        raise UnknownIdentifier(field="identifier_value")


def remove_identifier(account: Account, contact_id: uuid.UUID, identifier: str, value: str) -> None:
    """Take an identifier from a contact. Raises UnknownContact, UnknownIdentifier and LastIdentifier."""
    with transaction.atomic():
        lock_audience(account)
        contact = find_contact(account, contact_id)
        check_identifier(contact, identifier, value)
        if sum(getattr(contact, each) is not None for each in IDENTIFIERS) == 1:
            raise LastIdentifier
        Contact.objects.filter(pk=contact.pk).update(**{identifier: None}, updated_at=Now())


def put_on_list(contact: Contact, contact_list: ContactList) -> bool:
    """Put a contact on a list, and return whether it was not on the list before.

    A contact that has unsubscribed from all of the account's mail is not put on the list, and the result does not show
    it.
    """
    with transaction.atomic():
        lock_audience(contact.account)
        if Membership.objects.filter(list=contact_list, contact=contact).exists():
            return False
        if not has_unsubscribed(contact):
            _add_to_lists(contact, [contact_list])
    return True


def has_unsubscribed(contact: Contact) -> bool:
    """Return whether the contact has unsubscribed from all of the account's mail."""
    if contact.email is None:
        return False
    suppressions = Suppression.objects.filter(account=contact.account_id, kind=SuppressionKind.GLOBAL)
    return suppressions.filter(email=address_key(contact.email)).exists()


def _with_key(columns: Columns) -> Columns:
    """Return the columns with the address in canonical form. Raises UnfitCharacter."""
    email = columns.get("email")
    if not email:
        return columns
    check_address(email, field="email")
    return {**columns, "email": address_key(email)}


def _check_characters(columns: Columns) -> None:
    for name, value in columns.items():
        if isinstance(value, str):
            (check_line if name in IDENTIFIERS else check_text)(value, field=name)


def _add_to_lists(contact: Contact, lists: Collection[ContactList]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(ADD_MEMBERS, {"lists": [each.pk for each in lists], "contacts": [contact.pk]})


def _refuse_taken(account: Account, columns: Columns, *, except_contact: int = 0) -> None:
    """Raise ContactTaken if another contact has an identifier. `lock_audience` must be held, so that it stays free."""
    for name in ("email", "external_id"):
        holders = Contact.objects.filter(account=account, **{name: columns.get(name)}).exclude(pk=except_contact)
        if columns.get(name) is not None and holders.exists():
            raise ContactTaken(field=name)


# --- items of a custom field that holds a list ------------------------------------------------------------------------


def add_item(account: Account, contact_id: uuid.UUID, field: FieldDefinition, item: str) -> Items:
    """Add an item to a field that holds a list, and return the items. An item that is present keeps its place.

    Raises UnfitCharacter and UnknownContact.
    """
    check_line(item, field="value")
    return _change_items(account, contact_id, field, lambda items: items if item in items else [*items, item])


def remove_item(account: Account, contact_id: uuid.UUID, field: FieldDefinition, item: str) -> Items:
    """Remove an item from a field that holds a list, and return the other items. Raises UnknownContact."""
    return _change_items(account, contact_id, field, lambda items: [each for each in items if each != item])


def _change_items(
    account: Account, contact_id: uuid.UUID, field: FieldDefinition, change: Callable[[Items], Items]
) -> Items:
    with transaction.atomic():
        lock_audience(account)
        contact = find_contact(account, contact_id)
        key = str(field.pk)
        before = contact.custom.get(key, "").splitlines()
        items = change(before)
        if items != before:
            custom = {name: value for name, value in contact.custom.items() if name != key}
            custom = {**custom, key: "\n".join(items)} if items else custom
            Contact.objects.filter(pk=contact.pk).update(custom=custom, updated_at=Now())
    return items
