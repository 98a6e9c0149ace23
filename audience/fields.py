"""Create, rename and delete custom fields, and convert the values that callers send to the values that are stored."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final, TypedDict, Unpack

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from accounts.models import Account
from audience.dates import read_date, write_date
from audience.errors import FieldInUse, FieldLimitReached, InvalidName, NameTaken, UnknownField
from audience.locks import lock_audience
from audience.models import FieldDefinition, FieldForm, FieldType, Segment
from audience.query import vocabulary
from audience.query.condition_json import from_json
from audience.query.conditions import custom_fields_of
from audience.query.sgql_operands import EVENT_NAMES, EVENT_SOURCE
from foundation.texts import TEXT_RULE, check_line, is_text

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
RESERVED_NAMES: Final = frozenset(
    {
        *vocabulary.COLUMNS,
        *EVENT_NAMES,
        EVENT_SOURCE,
        *("event_data", "segment_ids", "custom_fields", "lists", "campaigns", "id", "unsubscribe"),
    }
)
"""Names that no custom field may have, since conditions, contacts or the tags of a campaign use them."""
LARGEST_NUMBER: Final = 10**18


class Shape(TypedDict, total=False):
    """Optional properties of a new field are its form, its label and its options."""

    form: FieldForm
    label: str
    options: list[str]


def create_field(account: Account, name: str, type_: FieldType, **shape: Unpack[Shape]) -> FieldDefinition:
    """Create a custom field. Raises InvalidName, UnfitCharacter, NameTaken and FieldLimitReached."""
    _check_name(name)
    check_line(shape.get("label", ""), field="label")
    for option in shape.get("options", ()):
        check_line(option, field="options")
    with transaction.atomic():
        lock_audience(account)
        if list_fields(account).count() >= settings.CUSTOM_FIELDS_LIMIT:
            raise FieldLimitReached
        try:
            with transaction.atomic():
                return FieldDefinition.objects.create(account=account, name=name, type=type_, **shape)
        except IntegrityError:
            raise NameTaken(field="name") from None


def list_fields(account: Account) -> QuerySet[FieldDefinition]:
    """Return the account's custom fields, the oldest first."""
    return FieldDefinition.objects.filter(account=account).order_by("pk")


def find_field(account: Account, field_id: int) -> FieldDefinition:
    """Return a custom field of the account by its id. Raises UnknownField."""
    if not 0 < field_id < 2**31:
        raise UnknownField
    field = list_fields(account).filter(pk=field_id).first()
    if field is None:
        raise UnknownField
    return field


def rename_field(account: Account, field_id: int, name: str) -> FieldDefinition:
    """Rename a custom field. Conditions and values refer to its id, so they are not changed.

    Raises UnknownField, InvalidName and NameTaken.
    """
    _check_name(name)
    field = find_field(account, field_id)
    field.name = name
    try:
        with transaction.atomic():
            field.save(update_fields=["name"])
    except IntegrityError:
        raise NameTaken(field="name") from None
    return field


def delete_field(account: Account, field_id: int) -> None:
    """Delete a custom field. Its values are no longer shown, but stay in the contacts.

    Raises UnknownField and FieldInUse.
    """
    with transaction.atomic():
        # Segments are stored under the same lock, so none can start to use the field meanwhile.
        lock_audience(account)
        field = find_field(account, field_id)
        conditions = Segment.objects.filter(account=account).values_list("condition", flat=True)
        if any(field_id in custom_fields_of(from_json(condition)) for condition in conditions):
            raise FieldInUse
        field.delete()


def read_value(field: FieldDefinition, value: object) -> str | int | float | None:
    """Return the value to store for a value that a caller has sent, or None for no value. Raises ValueError."""
    if value is None or value == "":
        return None
    if field.form == FieldForm.BOOLEAN and isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("the value is neither a text nor a number")
    match FieldType(field.type):
        case FieldType.TEXT if field.form == FieldForm.DATETIME:
            return _read_date(value)
        case FieldType.TEXT if field.form:
            return _read_formed(field, str(value))
        case FieldType.TEXT:
            return _read_text(str(value))
        case FieldType.NUMBER:
            return _read_number(value)
        case FieldType.DATE:
            return _read_date(value)


def _read_formed(field: FieldDefinition, value: str) -> str:
    text = _read_text(value)
    match FieldForm(field.form):
        case FieldForm.BOOLEAN if text.lower() not in {"true", "false"}:
            raise ValueError("the value is neither true nor false")
        case FieldForm.BOOLEAN:
            return text.lower()
        case FieldForm.SELECT if text not in field.options:
            raise ValueError("the value is not one of the options")
    return text


def _read_date(value: str | int | float) -> str:
    """Return the date in the form in which it is stored. JSON does not distinguish 1705276800.0 from 1705276800."""
    number = isinstance(value, float) and value.is_integer()
    return write_date(read_date(str(int(value) if number else value)))


def _read_text(value: str) -> str:
    """Return the text, which may have several lines. Raises ValueError for one that no mail could hold."""
    if not is_text(value):
        raise ValueError(TEXT_RULE)
    return vocabulary.check_text(value)


def _read_number(value: str | int | float) -> int | float:
    number: int | float | Decimal = value if isinstance(value, int | float) else vocabulary.read_number(value)
    if not -LARGEST_NUMBER <= number <= LARGEST_NUMBER:
        raise ValueError("the number is too large")
    if isinstance(number, Decimal):
        return int(number) if number == number.to_integral_value() else float(number)
    return number


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise InvalidName("a name has letters, digits and underscores, 100 at most, and no digit first", field="name")
    if name.lower() in RESERVED_NAMES:
        raise NameTaken(f"{name} is a reserved field", field="name")
