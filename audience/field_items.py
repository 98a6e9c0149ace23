"""The items of a contact's field that holds a list: one added, one removed, each harmless to be done twice."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.db import transaction

from accounts.models import Account
from audience.contacts import find_contact, lock_audience
from audience.models import Contact, FieldDefinition
from foundation.clock import Now
from foundation.texts import check_line

Items = list[str]


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
