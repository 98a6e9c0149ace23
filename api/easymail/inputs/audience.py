"""Read the requests of contacts, lists and custom fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationInfo, field_validator
from rest_framework.request import Request

from accounts.models import Account
from api.bodies import Body
from api.easymail.errors import Refusal, invalid
from api.easymail.field_keys import find_by_key
from api.easymail.inputs.fields import (
    LINE,
    Country,
    Email,
    Flag,
    Language,
    Uuid,
    check_as,
    choice,
    empty_as,
    read_body_as,
    required,
    spelled,
    text,
    wrong,
)
from api.http import read_object
from audience.fields import Shape, read_value
from audience.lists import LONGEST_NAME
from audience.models import FieldDefinition, FieldForm, FieldType
from foundation.addresses import address_key

TEXT_LENGTH: Final = 255
PHONE_LENGTH: Final = 32
DESCRIPTION_LENGTH: Final = 1000
MOST_LISTS: Final = 100
MOST_FIELDS: Final = 120
MOST_OPTIONS, OPTION_LENGTH = 100, 255
ITEM_LENGTH: Final = 255
FIELD_KEY: Final = re.compile("[a-z][a-z0-9-]{0,99}")
NOT_OF_KEY: Final = re.compile("[^a-z0-9]+")
FORMS: Final = {
    **{type_.value: (type_, FieldForm.ANY) for type_ in FieldType},
    **{form.value: (FieldType.TEXT, form) for form in FieldForm if form.value},
}
"""The core's type and form of a custom field, by the names that this API has for types."""


def check_list_of_lists(value: Any) -> Any:
    """Refuse anything but an array that is not too long."""
    if not isinstance(value, list) or len(value) > MOST_LISTS:
        raise wrong("uuids", most=MOST_LISTS)
    return value


def check_list_of_options(value: Any) -> Any:
    """Refuse anything but an array with one option at least, and not too many."""
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_OPTIONS:
        raise wrong("strings", most=MOST_OPTIONS)
    return value


def without_repeats(values: list[Any]) -> list[Any]:
    """Return the values once each, in their order."""
    return list(dict.fromkeys(values))


Line = Annotated[str, text(TEXT_LENGTH), LINE, empty_as("")]
Item = Annotated[str, text(ITEM_LENGTH), LINE]
ITEMS: Final[TypeAdapter[list[str]]] = TypeAdapter(list[Item])
Lists = Annotated[list[Uuid], BeforeValidator(check_list_of_lists), AfterValidator(without_repeats), empty_as([])]
Options = Annotated[
    list[Annotated[str, text(OPTION_LENGTH), LINE]],
    BeforeValidator(check_list_of_options),
    AfterValidator(without_repeats),
    empty_as([]),
]


class Person(Body):
    """The columns of a contact, except its address, which cannot be changed. Absent columns are left unchanged."""

    first_name: Line = ""
    last_name: Line = ""
    phone_number: Annotated[str, text(PHONE_LENGTH), LINE, empty_as("")] = Field("", alias="phone")
    external_id: Annotated[str | None, text(TEXT_LENGTH), LINE, empty_as(None)] = None
    language: Annotated[Language, empty_as("")] = ""
    country: Annotated[Country, empty_as("")] = Field("", alias="country_code")


class Address(Body):
    """The address of a new contact."""

    email: Annotated[Email, required()]


class NewContact(Person, Address):
    """A new contact, and the lists that it is put on."""

    contact_lists: Lists = []


class ListFields(Body):
    """The fields of a list. Absent fields are left unchanged."""

    name: Annotated[str, text(LONGEST_NAME), LINE, required()] = ""
    description: Annotated[str, text(DESCRIPTION_LENGTH), empty_as("")] = ""
    is_public: Annotated[Flag, empty_as(True)] = True


class NewList(ListFields):
    """The fields of a new list, which has to have a name."""

    name: Annotated[str, text(LONGEST_NAME), LINE, required()]


class Member(Body):
    """The contact that is put on a list."""

    contact_uuid: Annotated[Uuid, required()]


class ItemBody(Body):
    """An item of a custom field that holds a list."""

    value: Annotated[Item, required()]


class CustomField(Body):
    """The fields of a new custom field."""

    name: Annotated[str, text(TEXT_LENGTH), LINE, required()]
    field_key: Annotated[
        str | None, spelled("format", lambda key: key if FIELD_KEY.fullmatch(key) else None), empty_as(None)
    ] = None
    type: Annotated[str, choice(*FORMS), required()]
    options: Options = Field(None, validate_default=True)

    @field_validator("options")
    @classmethod
    def check_options(cls, options: list[str], info: ValidationInfo) -> list[str]:
        """Refuse a select without options."""
        if info.data.get("type") == FieldForm.SELECT and not options:
            raise wrong("no_options")
        return options


@dataclass(frozen=True, slots=True)
class ContactChange:
    """The columns of a contact that change, and its custom fields by their ids. None removes a value."""

    columns: Mapping[str, Any]
    custom: Mapping[int, object]


@dataclass(frozen=True, slots=True)
class NewField:
    """A new custom field: the core's name and type, and the rest of its shape."""

    name: str
    type: FieldType
    shape: Shape


def read_new_contact(request: Request) -> tuple[Mapping[str, Any], list[UUID]]:
    """Return the columns of a new contact, and the lists that it is put on."""
    columns = read_body_as(NewContact, request).sent_fields()
    lists: list[UUID] = columns.pop("contact_lists", [])
    return columns, lists


def read_contact_change(request: Request, account: Account, email: str | None) -> ContactChange:
    """Return the change of the contact with this address. The address itself cannot be changed."""
    fields = read_object(request._request, may_be_empty=True)
    person, problems = check_as(Person, fields)
    if not is_same_address(fields.get("email"), email):
        problems["email"] = ["The email field is prohibited."]
    custom, custom_problems = _read_values(fields.get("custom_fields"), account)
    problems |= custom_problems
    if person is None or problems:
        raise invalid(problems)
    return ContactChange(person.sent_fields(), custom)


def is_same_address(value: Any, email: str | None) -> bool:
    """Return whether a value is empty, or names the same address."""
    if value in (None, ""):
        return True
    return isinstance(value, str) and email is not None and address_key(value.strip()) == email


def _read_values(entries: Any, account: Account) -> tuple[dict[int, object], dict[str, list[str]]]:
    """Read `[{"field_key", "value"}, …]`. Return the values in the form in which they are stored, and the problems."""
    if entries is None:
        return {}, {}
    if not isinstance(entries, list) or len(entries) > MOST_FIELDS:
        return {}, {"custom_fields": [f"The custom fields field must be an array of at most {MOST_FIELDS} items."]}
    values: dict[int, object] = {}
    problems: dict[str, list[str]] = {}
    for number, each in enumerate(entries):
        place = f"custom_fields.{number}"
        key = each.get("field_key") if isinstance(each, dict) else None
        field = find_by_key(account, key) if isinstance(key, str) else None
        if field is None:
            problems[f"{place}.field_key"] = [f"The selected {place}.field_key is invalid."]
            continue
        try:
            values[field.pk] = _read_value(field, each.get("value"))
        except ValueError:
            problems[f"{place}.value"] = [f"The {place}.value field is invalid."]
    return values, problems


def _read_value(field: FieldDefinition, value: Any) -> object:
    """Return a value in its stored form. Raises ValueError, which includes pydantic's ValidationError."""
    if field.form != FieldForm.LIST or value is None:
        return read_value(field, value)
    if not isinstance(value, list) or len(value) > MOST_OPTIONS:
        raise ValueError("not a list of texts")
    return "\n".join(without_repeats(ITEMS.validate_python(value))) or None


def read_new_list(request: Request) -> Mapping[str, Any]:
    """Return the fields of a new list."""
    return read_body_as(NewList, request).sent_fields()


def read_list_change(request: Request) -> Mapping[str, Any]:
    """Return the fields of a list that change."""
    return read_body_as(ListFields, request).sent_fields()


def read_member(request: Request) -> UUID:
    """Return the contact that is put on a list."""
    return read_body_as(Member, request).contact_uuid


def read_new_field(request: Request) -> NewField:
    """Return a new custom field. Its key is made of its name if it is not given."""
    field = read_body_as(CustomField, request)
    key = field.field_key or NOT_OF_KEY.sub("-", field.name.lower()).strip("-")
    if not FIELD_KEY.fullmatch(key):
        raise invalid({"field_key": ["The field key field is required: none can be made of the name."]})
    type_, form = FORMS[field.type]
    options = field.options if form == FieldForm.SELECT else []
    return NewField(key.replace("-", "_"), type_, {"form": form, "label": field.name, "options": options})


def read_item(request: Request, field: FieldDefinition) -> str:
    """Return an item for a custom field that holds a list."""
    if field.form != FieldForm.LIST:
        raise NOT_A_LIST
    return read_body_as(ItemBody, request).value


NOT_A_LIST: Final[Refusal] = invalid({"field": ["The custom field does not hold a list."]})
