"""Make the two names of a custom field in Easymail's API: its UUID, and its key with hyphens for underscores."""

from __future__ import annotations

from typing import Final
from uuid import UUID, uuid5

from accounts.models import Account
from audience.fields import list_fields
from audience.models import FieldDefinition

FIELDS: Final = UUID("2b0b7a2e-6a8e-4a55-9d0c-7f6f3f0f2c11")
"""The namespace of the UUIDs."""


def key_of(field: FieldDefinition) -> str:
    """Return the key of a field."""
    return field.name.lower().replace("_", "-")


def uuid_of(field: FieldDefinition) -> UUID:
    """Return the UUID of a field. It is made of the field's number, which no other field has."""
    return uuid5(FIELDS, str(field.pk))


def find_by_key(account: Account, key: str) -> FieldDefinition | None:
    """Return the account's field with this key or UUID, or None."""
    return next((field for field in list_fields(account) if key in {key_of(field), str(uuid_of(field))}), None)
