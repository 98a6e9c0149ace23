"""Check a contact that a caller sends: return the values that can be stored, or say what is wrong."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from audience.errors import InvalidContact
from audience.fields import read_value
from audience.models import IDENTIFIERS, TEXT_FIELDS, FieldDefinition
from foundation.addresses import LONGEST_EMAIL, address_key, is_email
from foundation.texts import LINE_RULE, TEXT_RULE, is_line, is_text

LENGTHS: Final = {
    "email": LONGEST_EMAIL,
    "phone_number_id": 254,
    "external_id": 254,
    "anonymous_id": 254,
    "first_name": 50,
    "last_name": 50,
    "address_line_1": 100,
    "address_line_2": 100,
    "city": 60,
    "state_province_region": 50,
    "postal_code": 60,
    "country": 50,
    "phone_number": 60,
    "time_zone": 60,
    **dict.fromkeys(("whatsapp", "line", "facebook", "unique_name"), 254),
}
"""The longest value of each column, in characters."""
MOST_ALTERNATES: Final = 5

PHONE: Final = re.compile(r"\+[1-9](?:[ ()./-]{0,3}[0-9]){6,14}", re.ASCII)
PHONE_SEPARATORS: Final = re.compile(r"[ ()./-]+")
TRUNK_PREFIX: Final = "(0)"
"""This prefix is dialled only inside a country and is not part of the number."""
PHONE_RULE: Final = "Use the international form, such as +14155550100: a plus sign, the country code, 7 to 15 digits."

Custom = str | int | float | None


@dataclass(frozen=True, slots=True)
class ContactDraft:
    """A draft holds the values that a caller sent for one contact.

    Columns that are not named keep their values. An empty text, or None in `custom`, removes the value.
    """

    email: str | None = None
    phone_number_id: str | None = None
    external_id: str | None = None
    anonymous_id: str | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    alternate_emails: tuple[str, ...] | None = None
    custom: Mapping[int, Custom] = field(default_factory=dict)

    @property
    def identifiers(self) -> dict[str, str]:
        """Return the identifiers by which the contact is looked up, in this order."""
        return {name: value for name in IDENTIFIERS if (value := getattr(self, name)) is not None}


def make_draft(
    columns: Mapping[str, object],
    custom: Mapping[int, object] | None = None,
    *,
    fields: Mapping[int, FieldDefinition],
) -> ContactDraft:
    """Make a draft of values keyed by column name, and of custom values keyed by the ids of their `fields`.

    Other names are ignored. Raises InvalidContact.
    """
    identifiers = {name: read_identifier(name, columns[name]) for name in IDENTIFIERS if columns.get(name)}
    if not identifiers:
        raise InvalidContact(f"one of {', '.join(IDENTIFIERS)} is required", field="email")
    return ContactDraft(
        **identifiers,
        texts={name: _read_text(name, columns[name]) for name in TEXT_FIELDS if name in columns},
        alternate_emails=_read_alternates(columns["alternate_emails"]) if "alternate_emails" in columns else None,
        custom={field_id: _read_custom(fields, field_id, value) for field_id, value in (custom or {}).items()},
    )


def read_identifier(name: str, value: object) -> str:
    """Return an identifier, one of `IDENTIFIERS`, in the form in which it is stored. Raises InvalidContact."""
    text = _read_text(name, value)
    if not text:
        raise InvalidContact(f"{name} is empty", field=name)
    match name:
        case "email":
            return _read_email(text, name)
        case "phone_number_id":
            return _read_phone(text, name)
        case _:
            return text


def read_phone(text: str) -> str:
    """Return the phone number as a plus sign and digits.

    The rule is ITU-T E.164: a plus sign, the country code, and 7 to 15 digits in all. Whether the number is assigned is
    not checked, since the numbering plans of the countries change every month. Spaces, hyphens, dots, slashes and
    parentheses between the digits are removed, so that each number has one form. Raises ValueError.
    """
    if not PHONE.fullmatch(text) or TRUNK_PREFIX in text.replace(" ", ""):
        raise ValueError(f"not a telephone number. {PHONE_RULE}")
    return PHONE_SEPARATORS.sub("", text)


def _read_phone(text: str, name: str) -> str:
    try:
        return read_phone(text)
    except ValueError as error:
        raise InvalidContact(f"{name} is {error}", field=name) from None


def _read_email(text: str, name: str) -> str:
    """Return an address in the form in which it is stored and compared."""
    if not is_email(text):
        raise InvalidContact("Invalid email.", field=name)
    return address_key(text)


def _read_text(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidContact(f"{name} is not a text", field=name)
    text = str(value).strip()
    if len(text) > LENGTHS[name]:
        raise InvalidContact(f"{name} is longer than {LENGTHS[name]} characters", field=name)
    # Names and postal addresses may have several lines: a line break becomes a space in a header.
    is_fit, rule = (is_line, LINE_RULE) if name in IDENTIFIERS else (is_text, TEXT_RULE)
    if not is_fit(text):
        raise InvalidContact(f"{name}: {rule}", field=name)
    if name == "time_zone" and text and text not in _time_zones():
        raise InvalidContact("time_zone is not the name of a time zone, such as Europe/Berlin", field=name)
    return text


def _read_alternates(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise InvalidContact("alternate_emails is not a list of texts", field="alternate_emails")
    if len(value) > MOST_ALTERNATES:
        raise InvalidContact(f"there are more than {MOST_ALTERNATES} alternate_emails", field="alternate_emails")
    return tuple(dict.fromkeys(_read_email(each.strip(), "alternate_emails") for each in value))


def _read_custom(fields: Mapping[int, FieldDefinition], field_id: int, value: object) -> Custom:
    definition = fields.get(field_id)
    if definition is None:
        raise InvalidContact("there is no such custom field", field="custom_fields")
    try:
        return read_value(definition, value)
    except ValueError as error:
        raise InvalidContact(f"{definition.name}: {error}", field=definition.name) from None


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
