"""Provide fixtures for tests of the audience."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from accounts.models import Account
from audience.drafts import ContactDraft, make_draft
from audience.fields import create_field, list_fields
from audience.models import Contact, FieldDefinition, FieldType
from audience.query.conditions import Custom, Kind
from audience.query.vocabulary import Vocabulary, read_campaign_number
from audience.upsert import Upserted, upsert_contacts

TYPES = {"pet": FieldType.TEXT, "orders": FieldType.NUMBER, "born": FieldType.DATE}
FIELDS = [FieldDefinition(pk=pk, name=name, type=type_) for pk, (name, type_) in enumerate(TYPES.items(), start=1)]
"""Custom fields for tests of parsers, which need no database."""
VOCABULARY = Vocabulary({each.name: Custom(each.pk, Kind(each.type)) for each in FIELDS}, read_campaign_number)


@pytest.fixture
def fields(alice: Account) -> dict[str, FieldDefinition]:
    """Create custom fields of Alice, one of each type."""
    return {name: create_field(alice, name, type_) for name, type_ in TYPES.items()}


def draft_from(fields: Iterable[FieldDefinition], values: Mapping[str, object]) -> ContactDraft:
    """Return a draft of a contact from values of reserved and custom fields, by name."""
    known, values = {field.name: field for field in fields}, dict(values)
    custom = {known[name].pk: values.pop(name) for name in list(values) if name in known}
    return make_draft(values, custom, fields={field.pk: field for field in known.values()})


def draft(account: Account, **values: object) -> ContactDraft:
    """Return a draft of a contact of an account."""
    return draft_from(list_fields(account), values)


def store(account: Account, *rows: dict[str, object], list_ids: tuple[int, ...] = ()) -> Upserted:
    """Store contacts as a caller would."""
    return upsert_contacts(account, [draft(account, **row) for row in rows], list_ids=list_ids)


def emails(contacts: list[Contact]) -> list[str]:
    return [contact.email or "" for contact in contacts]
