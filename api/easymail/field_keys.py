"""The two names of a custom field on the wire: its key, with hyphens where the core has underscores, and its UUID."""

from __future__ import annotations

from typing import Final
from uuid import UUID, uuid5

from accounts.models import Account
from audience.fields import list_fields
from audience.models import FieldDefinition

FIELDS: Final = UUID("2b0b7a2e-6a8e-4a55-9d0c-7f6f3f0f2c11")
"""The namespace of their UUIDs."""


def key_of(field: FieldDefinition) -> str:
    return field.name.lower().replace("_", "-")


def uuid_of(field: FieldDefinition) -> UUID:
    """The core knows them by numbers; no two have the same."""
    return uuid5(FIELDS, str(field.pk))


def find_by_key(account: Account, key: str) -> FieldDefinition | None:
    """The account's field of that key or UUID."""
    return next((field for field in list_fields(account) if key in {key_of(field), str(uuid_of(field))}), None)
