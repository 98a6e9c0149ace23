"""Read the requests of legacy lists, recipients and custom fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import Field
from rest_framework.request import Request

from accounts.models import Account
from api.bodies import ANY, Body, as_one, condition
from api.sendgrid.contactdb.recipient_ids import Key, find_recipients, read_recipient_id
from api.sendgrid.errors import Problem, Refusal
from api.sendgrid.ids import HIGHEST_ID
from api.sendgrid.reading import read_array, read_fields, read_number, read_object
from api.sendgrid.values import ListName, Texts
from audience.drafts import make_draft
from audience.errors import InvalidContact, UnknownContact
from audience.fields import list_fields
from audience.lists import NAME_LENGTH
from audience.models import TEXT_FIELDS, Contact, FieldDefinition, FieldType
from audience.upsert import Row

MAX_RECIPIENTS: Final = 1000
MAX_LISTS: Final = 1000
PAGE, HIGHEST_PAGE = 100, 1000
LAST_PAGE: Final = 10**6
SHOWN_NAMES: Final = 10
"""The most unknown names that a message shows."""
NUMBER: Final = re.compile("[0-9]{1,18}", re.ASCII)
BOOLEANS: Final = {"true": True, "false": False}
READ_ONLY: Final = frozenset(
    {"id", "created_at", "updated_at", "last_emailed", "last_clicked", "last_opened", "lists", "campaigns"}
)
"""Fields of a recipient that a request cannot set. They are ignored."""

INVALID_ID: Final = Problem("invalid id")
INVALID_LIST: Final = Problem("list_id is invalid", "list_id")
INVALID_MEMBER: Final = Problem("recipient_id is invalid", "recipient_id")
NO_VALID_MEMBERS: Final = Problem("no valid recipients were provided", "recipient_id")
TOO_MANY_MEMBERS: Final = Problem(f"there is a limit of {MAX_RECIPIENTS} recipients", "recipient_id")
UNKNOWN_MEMBER: Final = "recipient_id does not exist"
UNKNOWN_MEMBERS: Final = Problem(UNKNOWN_MEMBER, "recipient_id")
INVALID_LIST_IDS: Final = Problem("list id was invalid")
NO_IDS: Final = Problem("No recipient ids provided")
NOT_BOOLEAN: Final = Problem("delete_contacts not a bool", "delete_contacts")
TOO_MANY: Final = Problem(f"there is a limit of {MAX_RECIPIENTS} recipients")
NO_FIELDS: Final = "The following parameters are not custom fields or reserved fields: [{}]"


class NamedList(Body):
    """The name of a list."""

    name: ListName


class NewField(Body):
    """A new custom field."""

    type: Annotated[str, condition("field_type", lambda name: name in list(FieldType)), as_one("field_type")]
    name: Annotated[str, Field(min_length=1)]


LIST_TEXTS: Final[Texts] = {("name", ANY): f"name must be a string of 1 to {NAME_LENGTH} characters"}
FIELD_TEXTS: Final[Texts] = {
    ("name", ANY): "name is required",
    ("type", ANY): f"type must be one of {', '.join(FieldType)}",
}


def read_id(text: str, problem: Problem = INVALID_ID) -> int:
    """Return the number that a path names; 0, which is the id of nothing, if it is out of range."""
    if not NUMBER.fullmatch(text):
        raise Refusal(400, problem)
    return int(text) if int(text) <= HIGHEST_ID else 0


def read_flag(request: Request, name: str = "delete_contacts", problem: Problem = NOT_BOOLEAN) -> bool:
    """Return a parameter that is `true` or `false`; false if it is missing."""
    value = request.query_params.get(name, "false").lower()
    if value not in BOOLEANS:
        raise Refusal(400, problem)
    return BOOLEANS[value]


def read_page(request: Request) -> tuple[int, int]:
    """Return how many recipients are skipped and shown at most, from `page` (1 and higher) and `page_size`."""
    page = read_number(request, "page", lowest=1, highest=LAST_PAGE) or 1
    size = read_number(request, "page_size", lowest=1, highest=HIGHEST_PAGE) or PAGE
    return (page - 1) * size, size


# --- lists ------------------------------------------------------------------------------------------------------------


def read_list_name(request: Request) -> str:
    """Return the name in the body of POST and PATCH lists."""
    return read_fields(NamedList, read_object(request), LIST_TEXTS).name


def read_list_ids(request: Request) -> list[int]:
    """Return the entries of the body of DELETE lists that can be ids of lists."""
    entries = read_array(request)
    ids = [each for each in entries if type(each) is int and 1 <= each <= HIGHEST_ID]
    if not ids or len(entries) > MAX_LISTS:
        raise Refusal(400, INVALID_LIST_IDS)
    return list(dict.fromkeys(ids))


# --- recipients -------------------------------------------------------------------------------------------------------


def read_recipient(account: Account, text: str, problem: Problem) -> Contact:
    """Return the recipient that a path names.

    Raises UnknownContact, and Refusal with `problem` for a text that is not an id.
    """
    key = read_recipient_id(text)
    if key is None:
        raise Refusal(400, problem)
    contacts = find_recipients(account, [key])
    if not contacts:
        raise UnknownContact
    return contacts[0]


def read_members(request: Request) -> list[Key]:
    """Return the ids in the body of POST lists/{id}/recipients. Other entries are ignored."""
    entries = read_array(request)
    if len(entries) > MAX_RECIPIENTS:
        raise Refusal(400, TOO_MANY_MEMBERS)
    keys = read_keys(entries)
    if not keys:
        raise Refusal(400, NO_VALID_MEMBERS)
    return keys


def read_deleted(request: Request) -> list[Key]:
    """Return the ids in the body of DELETE recipients. Other entries are ignored."""
    entries = read_array(request)
    if len(entries) > MAX_RECIPIENTS:
        raise Refusal(400, TOO_MANY)
    keys = read_keys(entries)
    if not keys:
        raise Refusal(400, NO_IDS)
    return keys


def read_keys(entries: list[Any]) -> list[Key]:
    return [key for each in entries if isinstance(each, str) and (key := read_recipient_id(each))]


def read_recipients(request: Request, account: Account) -> list[Row]:
    """Return the entries of the body of POST and PATCH recipients: drafts, and errors for invalid ones."""
    entries = read_array(request)
    if len(entries) > MAX_RECIPIENTS:
        raise Refusal(400, TOO_MANY)
    fields = {field.name.lower(): field for field in list_fields(account)}
    return [read_row(each, fields) for each in entries]


def read_row(entry: Any, fields: Mapping[str, FieldDefinition]) -> Row:
    if not isinstance(entry, dict):
        return InvalidContact("the recipient is not an object")
    columns, custom, unknown = {}, {}, []
    for name, value in entry.items():
        if name == "email" or name in TEXT_FIELDS:
            columns[name] = value
        elif field := fields.get(name.lower()):
            custom[field.pk] = value
        elif name not in READ_ONLY:
            unknown.append(name[:100])
    if unknown:
        return InvalidContact(NO_FIELDS.format(", ".join(unknown[:SHOWN_NAMES])))
    if not isinstance(columns.get("email"), str) or not columns["email"].strip():
        return InvalidContact("Invalid email.", field="email")
    try:
        return make_draft(columns, custom, fields={field.pk: field for field in fields.values()})
    except InvalidContact as error:
        return error


# --- custom fields ----------------------------------------------------------------------------------------------------


def read_new_field(request: Request) -> tuple[str, FieldType]:
    """Return the name and the type in the body of POST custom_fields. The core tells which names are valid."""
    field = read_fields(NewField, read_object(request), FIELD_TEXTS)
    return field.name, FieldType(field.type)
