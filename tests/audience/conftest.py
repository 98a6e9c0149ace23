"""Fixtures for tests of the audience."""

from __future__ import annotations

import pytest

from accounts.models import Account
from audience.drafts import ContactDraft, make_draft
from audience.fields import create_field, list_fields
from audience.models import Contact, FieldDefinition, FieldType
from audience.upsert import Upserted, upsert_contacts


@pytest.fixture
def fields(alice: Account) -> dict[str, FieldDefinition]:
    """Create custom fields of Alice, one of each type."""
    return {
        name: create_field(alice, name, type_)
        for name, type_ in (("pet", FieldType.TEXT), ("orders", FieldType.NUMBER), ("born", FieldType.DATE))
    }


def draft(account: Account, **values: object) -> ContactDraft:
    """Return a draft of a contact from reserved and custom fields, by name."""
    known = {field.name: field for field in list_fields(account)}
    custom = {known[name].pk: values.pop(name) for name in list(values) if name in known}
    return make_draft(values, custom, fields={field.pk: field for field in known.values()})


def store(account: Account, *rows: dict[str, object], list_ids: tuple[int, ...] = ()) -> Upserted:
    """Store contacts as a caller would."""
    return upsert_contacts(account, [draft(account, **row) for row in rows], list_ids=list_ids)


def emails(contacts: list[Contact]) -> list[str]:
    return [contact.email or "" for contact in contacts]
