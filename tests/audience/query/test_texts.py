"""The core refuses control characters from every API, and stores nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from accounts.models import Account
from audience.contacts import add_item, create_contact, update_contact
from audience.fields import create_field
from audience.lists import create_list, update_list
from audience.models import Contact, FieldDefinition, FieldForm, FieldType
from foundation.errors import UnfitCharacter

BAD = "a\x1db"


@pytest.fixture
def tags(alice: Account) -> FieldDefinition:
    """Create a field that holds a list."""
    return create_field(alice, "tags", FieldType.TEXT, form=FieldForm.LIST)


CALLS: dict[str, Callable[[Account, uuid.UUID, FieldDefinition], object]] = {
    "a new contact": lambda account, _, field: create_contact(account, {"email": "b@x.org", "first_name": BAD}),
    "a new identifier": lambda account, _, field: create_contact(account, {"email": "b@x.org", "external_id": "a\nb"}),
    "a name": lambda account, contact, field: update_contact(account, contact, {"last_name": BAD}),
    "a custom value": lambda account, contact, field: update_contact(account, contact, {}, custom={field.pk: BAD}),
    "an item": lambda account, contact, field: add_item(account, contact, field, "a\nb"),
    "a label": lambda account, contact, field: create_field(account, "pet", FieldType.TEXT, label="a\nb"),
    "an option": lambda account, contact, field: create_field(account, "pet", FieldType.TEXT, options=["cat", BAD]),
    "a description": lambda account, contact, field: create_list(account, "news", description=BAD),
}


def test_a_control_character_is_refused(alice: Account, tags: FieldDefinition, subtests: pytest.Subtests) -> None:
    ann = create_contact(alice, {"email": "a@x.org", "address_line_1": "1 Street\nBack yard"})
    for name, call in CALLS.items():
        with subtests.test(name):
            with pytest.raises(UnfitCharacter):
                call(alice, ann.uuid, tags)
            stored = Contact.objects.get()
            assert (stored.last_name, stored.custom, FieldDefinition.objects.count()) == ("", {}, 1)


def test_a_changed_description_is_looked_at(alice: Account) -> None:
    made = create_list(alice, "news", description="several\nlines")
    with pytest.raises(UnfitCharacter):
        update_list(alice, made.uuid, {"description": BAD})
