"""The requests of contacts, lists and custom fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from rest_framework.request import Request

from accounts.models import Account
from api.easymail.errors import Refusal, invalid
from api.easymail.field_keys import find_by_key
from api.easymail.inputs import rules
from api.easymail.inputs.queries import SEARCH
from api.easymail.inputs.rules import REQUIRED, Field, Wrong, find_problems, read_fields, read_object
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
CONTACT_SEARCH: Final = (SEARCH, Field("list_uuid", rules.read_uuid))


def read_uuids(value: Any) -> list[UUID]:
    if not isinstance(value, list) or len(value) > MOST_LISTS:
        raise Wrong(f"The {{name}} field must be an array of at most {MOST_LISTS} UUIDs.")
    return list(dict.fromkeys(map(rules.read_uuid, value)))


def read_options(value: Any) -> list[str]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_OPTIONS:
        raise Wrong(f"The {{name}} field must be an array of 1 to {MOST_OPTIONS} strings.")
    return list(dict.fromkeys(map(rules.line(OPTION_LENGTH), value)))


def read_key(value: Any) -> str:
    if not isinstance(value, str) or not FIELD_KEY.fullmatch(value):
        raise Wrong("The {name} field format is invalid.")
    return value


PERSON: Final = (
    *(Field(name, rules.line(TEXT_LENGTH), "") for name in ("first_name", "last_name")),
    Field("phone", rules.line(PHONE_LENGTH), ""),
    Field("external_id", rules.line(TEXT_LENGTH)),
    Field("language", rules.read_language, ""),
    Field("country_code", rules.read_country, ""),
)
COLUMNS: Final = {"phone": "phone_number", "country_code": "country"}
"""What the core calls them, where it has another name."""
NEW_CONTACT: Final = (Field("email", rules.read_email, REQUIRED), *PERSON, Field("contact_lists", read_uuids, []))
LIST: Final = (
    Field("name", rules.line(LONGEST_NAME), REQUIRED),
    Field("description", rules.text(DESCRIPTION_LENGTH), ""),
    Field("is_public", rules.read_flag, True),
)
MEMBER: Final = (Field("contact_uuid", rules.read_uuid, REQUIRED),)
FORMS: Final = {
    **{type_.value: (type_, FieldForm.ANY) for type_ in FieldType},
    **{form.value: (FieldType.TEXT, form) for form in FieldForm if form.value},
}
"""By the wire's words for types."""
FIELD: Final = (
    Field("name", rules.line(TEXT_LENGTH), REQUIRED),
    Field("field_key", read_key),
    Field("type", rules.one_of(*FORMS), REQUIRED),
    Field("options", read_options, []),
)
ITEM: Final = (Field("value", rules.line(ITEM_LENGTH), REQUIRED),)


@dataclass(frozen=True, slots=True)
class ContactChange:
    """Columns of a contact, and values of custom fields by their ids, None removing one."""

    columns: Mapping[str, Any]
    custom: Mapping[int, object]


@dataclass(frozen=True, slots=True)
class NewField:
    """A custom field: the core's name and type, and what else it is made with."""

    name: str
    type: FieldType
    shape: Shape


def read_new_contact(request: Request) -> tuple[Mapping[str, Any], list[UUID]]:
    """The columns of a contact, and the lists it shall be on."""
    said = read_fields(read_object(request), NEW_CONTACT)
    lists: list[UUID] = said.pop("contact_lists", [])
    return named(said), lists


def read_contact_change(request: Request, account: Account, email: str | None) -> ContactChange:
    """The change of a contact with this address, which stays as it is."""
    given = read_object(request)
    said, problems = find_problems(given, PERSON, is_new=False)
    if not is_same_address(given.get("email"), email):
        problems["email"] = ["The email field is prohibited."]
    custom, wrong = _read_values(given.get("custom_fields"), account)
    problems |= wrong
    if problems:
        raise invalid(problems)
    return ContactChange(named(said), custom)


def is_same_address(given: Any, email: str | None) -> bool:
    """Return whether what was given names no address, or this one."""
    if given in (None, ""):
        return True
    return isinstance(given, str) and email is not None and address_key(given.strip()) == email


def named(said: Mapping[str, Any]) -> Mapping[str, Any]:
    return {COLUMNS.get(name, name): value for name, value in said.items()}


def _read_values(given: Any, account: Account) -> tuple[dict[int, object], dict[str, list[str]]]:
    """`[{"field_key", "value"}, …]`: the values as they are kept, and what is wrong with them."""
    if given is None:
        return {}, {}
    if not isinstance(given, list) or len(given) > MOST_FIELDS:
        return {}, {"custom_fields": [f"The custom fields field must be an array of at most {MOST_FIELDS} items."]}
    values: dict[int, object] = {}
    problems: dict[str, list[str]] = {}
    for number, each in enumerate(given):
        place = f"custom_fields.{number}"
        key = each.get("field_key") if isinstance(each, dict) else None
        field = find_by_key(account, key) if isinstance(key, str) else None
        if field is None:
            problems[f"{place}.field_key"] = [f"The selected {place}.field_key is invalid."]
            continue
        try:
            values[field.pk] = _read_value(field, each.get("value"))
        except (ValueError, Wrong):
            problems[f"{place}.value"] = [f"The {place}.value field is invalid."]
    return values, problems


def _read_value(field: FieldDefinition, given: Any) -> object:
    """As it is kept."""
    if field.form != FieldForm.LIST or given is None:
        return read_value(field, given)
    if not isinstance(given, list) or len(given) > MOST_OPTIONS:
        raise ValueError("not a list of texts")
    return "\n".join(dict.fromkeys(map(rules.line(ITEM_LENGTH), given))) or None


def read_new_list(request: Request) -> Mapping[str, Any]:
    return read_fields(read_object(request), LIST)


def read_list_change(request: Request) -> Mapping[str, Any]:
    return read_fields(read_object(request), LIST, is_new=False)


def read_member(request: Request) -> UUID:
    """Who shall be put on a list."""
    contact: UUID = read_fields(read_object(request), MEMBER)["contact_uuid"]
    return contact


def read_new_field(request: Request) -> NewField:
    said, problems = find_problems(read_object(request), FIELD)
    if said.get("type") == FieldForm.SELECT and not said.get("options"):
        problems.setdefault("options", ["The options field is required when type is select."])
    key = said.get("field_key") or NOT_OF_KEY.sub("-", said.get("name", "").lower()).strip("-")
    if not problems and not FIELD_KEY.fullmatch(key):
        problems["field_key"] = ["The field key field is required: none can be made of the name."]
    if problems:
        raise invalid(problems)
    type_, form = FORMS[said["type"]]
    options = said.get("options", []) if form == FieldForm.SELECT else []
    return NewField(key.replace("-", "_"), type_, {"form": form, "label": said["name"], "options": options})


def read_item(request: Request, field: FieldDefinition) -> str:
    """An item of a field that holds a list."""
    if field.form != FieldForm.LIST:
        raise NOT_A_LIST
    item: str = read_fields(read_object(request), ITEM)["value"]
    return item


NOT_A_LIST: Final[Refusal] = invalid({"field": ["The custom field does not hold a list."]})
