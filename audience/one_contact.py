"""One contact: made by hand, changed, put on a list. Many at once are `upsert.py`'s affair."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from typing import Any

from django.db import connection, transaction

from accounts.models import Account
from audience.contacts import find_contact, lock_audience
from audience.errors import ContactTaken
from audience.lists import find_lists
from audience.models import IDENTIFIERS, Contact, ContactList, Membership
from audience.queries import ADD_MEMBERS, COUNT_NEW
from foundation.addresses import address_key, check_address
from foundation.clock import Now
from foundation.texts import check_line, check_text
from mailer.models import Suppression, SuppressionKind

Columns = Mapping[str, Any]
"""Values by the names of columns."""


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
