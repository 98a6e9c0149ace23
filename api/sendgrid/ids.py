"""Read and write the ids that requests, paths and answers hold.

In the newer API `e7_T` is the custom field of number 7, a text, and `_rf2_T` a reserved field. The letter of the type
may be missing, and some documents show a `w` instead of the `e`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from accounts.models import Account
from api.bodies import UUID_TEXT
from api.sendgrid.errors import Problem, Refusal
from audience.errors import UnknownSegment
from audience.jobs.imports import Column
from audience.lists import find_lists
from audience.models import FieldDefinition, FieldType
from audience.segments import list_segments

HIGHEST_ID: Final = 2**31 - 1

LETTERS: Final = {FieldType.TEXT: "T", FieldType.NUMBER: "N", FieldType.DATE: "D"}
TYPE_NAMES: Final = {type_: type_.value.capitalize() for type_ in FieldType}
CUSTOM_FIELD: Final = re.compile(r"[ew]([0-9]{1,10})(?:_[TND])?", re.ASCII)
RESERVED_FIELD: Final = re.compile(r"_rf([0-9]{1,2})(?:_[TND])?", re.ASCII)


class ReservedField(NamedTuple):
    """A field that every contact has. A field that is read-only cannot be imported."""

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
"""The numbers up to 23 are SendGrid's. A number that is missing does not exist here."""


def read_id(text: str) -> int | None:
    """Return the id that a path names, or None for a text that no id has."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= 10
    return int(text) if is_number and 1 <= int(text) <= HIGHEST_ID else None


def to_uuids(texts: Sequence[str], name: str = "ids") -> list[UUID]:
    """Return the UUIDs that a parameter holds. Raises Refusal."""
    if not all(map(UUID_TEXT.fullmatch, texts)):
        raise Refusal(400, Problem(f"{name} must be UUIDs", name))
    return [UUID(text) for text in texts]


def numbers_of_lists(account: Account, uuids: Collection[UUID]) -> list[int]:
    """Return the core's ids of several lists. Raises UnknownList."""
    return [contact_list.pk for contact_list in find_lists(account, uuids)]


def numbers_of_segments(account: Account, uuids: Collection[UUID]) -> list[int]:
    """Return the core's ids of several segments. Raises UnknownSegment."""
    numbers = list(list_segments(account).filter(uuid__in=uuids).values_list("pk", flat=True))
    if len(numbers) < len(set(uuids)):
        raise UnknownSegment(field="segment_ids")
    return numbers


def write_field_id(field: FieldDefinition) -> str:
    """Return the id of a custom field."""
    return f"e{field.pk}_{LETTERS[FieldType(field.type)]}"


def write_reserved_id(number: int) -> str:
    """Return the id of a reserved field."""
    return f"_rf{number}_{LETTERS[RESERVED_FIELDS[number].type]}"


def read_field_id(text: str) -> int | None:
    """Return the number of a custom field, or None for a text that no custom field has as its id."""
    match = CUSTOM_FIELD.fullmatch(text)
    return int(match[1]) if match and int(match[1]) <= HIGHEST_ID else None


def read_column(text: str) -> Column:
    """Return the column of an import that an id of a field stands for, or None for a text that is not such an id."""
    if match := RESERVED_FIELD.fullmatch(text):
        field = RESERVED_FIELDS.get(int(match[1]))
        return None if field is None or field.is_read_only else field.name
    return read_field_id(text)
