"""Test custom fields."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Account
from audience.errors import FieldInUse, FieldLimitReached, InvalidName, NameTaken, UnknownField
from audience.fields import create_field, delete_field, find_field, list_fields, rename_field
from audience.models import FieldDefinition, FieldType
from audience.query.conditions import Compare, Custom, Kind, Operator
from audience.segments import create_segment, delete_segment


def test_fields_are_listed_in_the_order_they_were_made(alice: Account, fields: dict[str, FieldDefinition]) -> None:
    assert [(field.name, field.type) for field in list_fields(alice)] == [
        ("pet", "text"),
        ("orders", "number"),
        ("born", "date"),
    ]


def test_a_field_of_another_account_is_unknown(
    alice: Account, charlie: Account, fields: dict[str, FieldDefinition]
) -> None:
    pet = fields["pet"].pk
    for act in (find_field, delete_field, lambda account, pk: rename_field(account, pk, "new")):
        with pytest.raises(UnknownField):
            act(charlie, pet)
    assert find_field(alice, pet).name == "pet"
    assert create_field(charlie, "pet", FieldType.DATE).type == "date"
    for nonsense in (0, -1, 2**40):
        with pytest.raises(UnknownField):
            find_field(alice, nonsense)


def test_an_invalid_name_is_refused(alice: Account, subtests: pytest.Subtests) -> None:
    for name in ("", "1st", "a b", "a-b", "é", "a" * 101, "a\0", "a'"):
        with subtests.test(name=name), pytest.raises(InvalidName):
            create_field(alice, name, FieldType.TEXT)


def test_names_are_unique_in_any_case_and_not_reserved(alice: Account, fields: dict[str, FieldDefinition]) -> None:
    for name in ("Pet", "email", "First_Name", "event_type", "lists", "unsubscribe"):
        with pytest.raises(NameTaken):
            create_field(alice, name, FieldType.TEXT)
    with pytest.raises(NameTaken):
        rename_field(alice, fields["born"].pk, "PET")
    assert rename_field(alice, fields["pet"].pk, "Pet").name == "Pet"


def test_there_is_a_limit(alice: Account, charlie: Account, fields: dict[str, FieldDefinition], settings: Any) -> None:
    settings.CUSTOM_FIELDS_LIMIT = 3
    with pytest.raises(FieldLimitReached):
        create_field(alice, "more", FieldType.TEXT)
    create_field(charlie, "more", FieldType.TEXT)


def test_a_field_that_a_segment_uses_cannot_be_deleted(alice: Account, fields: dict[str, FieldDefinition]) -> None:
    condition = Compare(Custom(fields["orders"].pk, Kind.NUMBER), Operator.EQ, Decimal(5))
    segment = create_segment(alice, "five", condition, dialect="sgql", written="orders = 5")
    with pytest.raises(FieldInUse):
        delete_field(alice, fields["orders"].pk)
    delete_field(alice, fields["pet"].pk)
    delete_segment(alice, segment.pk)
    delete_field(alice, fields["orders"].pk)
    assert [field.name for field in list_fields(alice)] == ["born"]
