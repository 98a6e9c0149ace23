"""Test values of a contact that can be stored, and the errors for others."""

from __future__ import annotations

import pytest

from audience.drafts import read_phone
from audience.errors import InvalidContact
from tests.audience.conftest import FIELDS, draft_from
from tests.examples import for_each


def test_values_are_kept_in_one_shape() -> None:
    values = {
        "email": " Ann@X.org ",
        "first_name": " Ann ",
        "last_name": None,
        "postal_code": 10115,
        "time_zone": "Europe/Berlin",
        "alternate_emails": ["O@y.org", "o@y.org"],
        "pet": 17,
        "orders": "12.50",
        "born": "11/21/2026",
        "unknown": "ignored",
    }
    made = draft_from(FIELDS, values)
    assert made.email == "ann@x.org"
    assert made.texts == {
        "first_name": "Ann",
        "last_name": "",
        "postal_code": "10115",
        "time_zone": "Europe/Berlin",
    }
    assert made.alternate_emails == ("o@y.org",)
    assert list(made.custom.values()) == ["17", 12.5, "2026-11-21T00:00:00Z"]


UNSTORABLE = [
    ({}, "email"),
    ({"first_name": "Ann"}, "email"),
    ({"email": ""}, "email"),
    ({"external_id": " "}, "external_id"),
    ({"email": "ann"}, "email"),
    ({"email": ["a@x.org"]}, "email"),
    ({"email": "a@x.org", "external_id": "x" * 255}, "external_id"),
    ({"email": "a@x.org", "first_name": "x" * 51}, "first_name"),
    ({"email": "a@x.org", "first_name": True}, "first_name"),
    ({"email": "a@x.org", "city": "a\0b"}, "city"),
    ({"email": "a@x.org", "time_zone": "Mars/Base"}, "time_zone"),
    ({"email": "a@x.org", "alternate_emails": "b@x.org"}, "alternate_emails"),
    ({"email": "a@x.org", "alternate_emails": ["b"]}, "alternate_emails"),
    ({"email": "a@x.org", "alternate_emails": [f"{n}@x.org" for n in range(6)]}, "alternate_emails"),
    ({"email": "a@x.org", "orders": "many"}, "orders"),
    ({"email": "a@x.org", "orders": float("inf")}, "orders"),
    ({"email": "a@x.org", "orders": 10**30}, "orders"),
    ({"email": "a@x.org", "orders": True}, "orders"),
    ({"email": "a@x.org", "born": "soon"}, "born"),
    ({"email": "a@x.org", "pet": {"a": 1}}, "pet"),
    ({"email": "a@x.org", "pet": "\ud800"}, "pet"),
]


@for_each(("values", "field"), UNSTORABLE)
def test_a_value_that_cannot_be_stored_is_refused_with_its_field(values: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidContact) as caught:
        draft_from(FIELDS, values)
    assert caught.value.field == field


@for_each(
    ("text", "stored"),
    [
        ("+14155550100", "+14155550100"),
        ("+1 (415) 555-0100", "+14155550100"),
        ("+49.30/123.456-78", "+493012345678"),
        ("+2901234", "+2901234"),
        ("+123456789012345", "+123456789012345"),
        *(
            (wrong, None)
            for wrong in ("abc", "+", "+abc", "4155550100", "0049301234567", "(415) 555-0100", "+0301234567")
        ),
        *(
            (wrong, None)
            for wrong in ("+123456", "+1234567890123456", "++14155550100", "+1415555010x", "+1415555 ext 5")
        ),
        *(
            (wrong, None)
            for wrong in (
                "+49 (0)30 1234567",
                "+49 ( 0)30 1234567",
                "+1415555\u06600100",
                "\uff0b14155550100",
                "4.15E+09",
            )
        ),
        *(
            (wrong, None)
            for wrong in ("+1" + "-" * 100 + "4155550100", "+14155550100,+14155550101", "tel:+14155550100")
        ),
    ],
)
def test_a_telephone_number_has_one_form(text: str, stored: str | None) -> None:
    if stored is None:
        with pytest.raises(ValueError, match=r"such as \+14155550100"):
            read_phone(text)
    else:
        assert read_phone(text) == stored
