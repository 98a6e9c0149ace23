"""The ids of a contact's fields in the newer API: `e7_T` is the custom field of number 7, a text; `_rf2_T` a reserved
one. The letter of the type may be missing, and documents show a `w` for the `e`."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from audience.jobs.imports import Column
from audience.models import FieldDefinition, FieldType

LETTERS: Final = {FieldType.TEXT: "T", FieldType.NUMBER: "N", FieldType.DATE: "D"}
TYPE_NAMES: Final = {type_: type_.value.capitalize() for type_ in FieldType}
CUSTOM: Final = re.compile(r"[ew]([0-9]{1,10})(?:_[TND])?", re.ASCII)
RESERVED: Final = re.compile(r"_rf([0-9]{1,2})(?:_[TND])?", re.ASCII)
HIGHEST: Final = 2**31 - 1


class ReservedField(NamedTuple):
    """A field that every contact has; what is read-only cannot be imported."""

    name: str
    type: FieldType = FieldType.TEXT
    is_read_only: bool = False


RESERVED_FIELDS: Final = {
    **dict(
        enumerate(
            ReservedField(name)
            for name in (
                *("first_name", "last_name", "email", "alternate_emails", "address_line_1", "address_line_2", "city"),
                *("state_province_region", "postal_code", "country", "phone_number", "whatsapp", "line", "facebook"),
                "unique_name",
            )
        )
    ),
    15: ReservedField("email_domains", is_read_only=True),
    16: ReservedField("last_clicked", FieldType.DATE, is_read_only=True),
    17: ReservedField("last_opened", FieldType.DATE, is_read_only=True),
    18: ReservedField("last_emailed", FieldType.DATE, is_read_only=True),
    19: ReservedField("singlesend_id", is_read_only=True),
    21: ReservedField("created_at", FieldType.DATE, is_read_only=True),
    22: ReservedField("updated_at", FieldType.DATE, is_read_only=True),
    23: ReservedField("contact_id", is_read_only=True),
    24: ReservedField("phone_number_id"),
    25: ReservedField("external_id"),
    26: ReservedField("anonymous_id"),
    27: ReservedField("time_zone"),
}
"""By their numbers: as documents have them up to 23; those that are missing there do not exist here."""


def write_field_id(found: FieldDefinition) -> str:
    """Of a custom field."""
    return f"e{found.pk}_{LETTERS[FieldType(found.type)]}"


def write_reserved_id(number: int) -> str:
    """Of a reserved field."""
    return f"_rf{number}_{LETTERS[RESERVED_FIELDS[number].type]}"


def read_field_id(text: str) -> int | None:
    """The number of a custom field; None: that is no id of one."""
    match = CUSTOM.fullmatch(text)
    return int(match[1]) if match and int(match[1]) <= HIGHEST else None


def read_column(text: str) -> Column:
    """What a column of a file can be; None: nothing of that kind."""
    if match := RESERVED.fullmatch(text):
        field = RESERVED_FIELDS.get(int(match[1]))
        return None if field is None or field.is_read_only else field.name
    return read_field_id(text)
