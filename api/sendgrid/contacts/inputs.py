"""Read the requests of contacts. No document has texts for wrong ones: these are ours.

The contacts of an upsert are read one by one: a request may hold 30,000 of them, and their problems are named by their
places.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import Field, ValidationError
from rest_framework.request import Request

from accounts.models import Account
from api.bodies import ANY, Body, Uuid, condition, find_uuid
from api.http import BodyTooLarge, keep_body
from api.sendgrid.errors import Problem, Refusal
from api.sendgrid.ids import numbers_of_lists, read_field_id, to_uuids
from api.sendgrid.reading import problems_of, read_fields, read_flag, read_list, read_object, without_nulls
from api.sendgrid.values import Texts, Uuids, is_short
from audience.drafts import MOST_ALTERNATES, read_identifier
from audience.errors import InvalidContact, UnknownContact
from audience.jobs.imports import COLUMNS
from audience.jobs.upserts import UPSERT_LIMIT, ContactValues
from audience.models import IDENTIFIERS

UPSERT_BYTES: Final = 6 * 2**20
MAX_IDS: Final = 100
MAX_LISTS: Final = 100
MAX_PROBLEMS: Final = 20
"""The most problems that an answer names."""
LONGEST_TEXT: Final = 10_000
"""The longest text that any field can hold. The job knows the limit of each field."""

BODY_TYPES: Final = {name.replace("_", "").upper(): name for name in IDENTIFIERS}
"""The names of the kinds of identifiers in a body, such as PHONENUMBERID; paths name them as the core does."""

NO_CONTACTS: Final = Problem(f"contacts must be an array of 1 to {UPSERT_LIMIT} objects", "contacts")
NO_IDS: Final = Problem("either ids or delete_all_contacts=true is required", "ids")


class Lists(Body):
    """The lists that contacts are put on."""

    lists: Annotated[list[Uuid], Uuids(MAX_LISTS)] = Field([], alias="list_ids")


class Batch(Body):
    """The ids of several contacts."""

    ids: Annotated[list[Uuid], Uuids(MAX_IDS)]


class Removal(Body):
    """An identifier that is taken from a contact."""

    kind: Annotated[str, condition("identifier_type", BODY_TYPES.__contains__)] = Field(alias="identifier_type")
    value: Annotated[str, is_short(LONGEST_TEXT)] = Field(alias="identifier_value")


class Query(Body):
    """A query, which the core reads."""

    query: str


TEXTS: Final[Texts] = {
    ("query", ANY): "{name} must be a string",
    ("identifier_type", ANY): f"{{name}} must be one of {', '.join(BODY_TYPES)}",
    ("identifier_value", "missing"): "{name} must be a string",
}


def read_contact_id(text: str) -> UUID:
    """Return the id of the contact that a path names. Raises UnknownContact."""
    uuid = find_uuid(text)
    if uuid is None:
        raise UnknownContact
    return uuid


def read_upsert(request: Request, account: Account) -> tuple[list[ContactValues], list[int]]:
    """Return the contacts in the body of PUT contacts, and the core's ids of their lists. Raises UnknownList.

    Only values that no contact can have are refused here. The job tells which contacts cannot be stored.
    """
    if len(keep_body(request._request)) > UPSERT_BYTES:
        raise BodyTooLarge
    fields = read_object(request)
    contacts = fields.get("contacts")
    if not isinstance(contacts, list) or not 1 <= len(contacts) <= UPSERT_LIMIT:
        raise Refusal(400, NO_CONTACTS)
    problems: list[Problem] = []
    rows = [read_contact(contact, f"contacts[{place}]", problems) for place, contact in enumerate(contacts)]
    lists = read_list_ids(fields, account, problems)
    if problems:
        raise Refusal(400, *problems[:MAX_PROBLEMS])
    return rows, lists


def read_contact(contact: Any, place: str, problems: list[Problem]) -> ContactValues:
    """Return values by the names of columns, and custom values by the ids of their fields."""
    if not isinstance(contact, dict):
        problems.append(Problem(f"{place} must be an object", place))
        return ContactValues({})
    columns = {name: value for name, value in contact.items() if name in COLUMNS}
    for name, value in columns.items():
        if not (is_list_of_texts(value) if name == "alternate_emails" else is_value(value)):
            problems.append(Problem(f"{name} has a value that it cannot have", f"{place}.{name}"))
    return ContactValues(columns, read_custom(contact.get("custom_fields"), place, problems))


def read_custom(fields: Any, place: str, problems: list[Problem]) -> Mapping[int, Any]:
    """Return the values of custom fields by the ids of the fields."""
    if fields is None:
        return {}
    if not isinstance(fields, dict):
        problems.append(Problem("custom_fields must be an object", f"{place}.custom_fields"))
        return {}
    custom: dict[int, Any] = {}
    for name, value in fields.items():
        number = read_field_id(name)
        if number is None:
            problems.append(Problem("custom_fields must be named by their ids", f"{place}.custom_fields"))
        elif not is_value(value):
            problems.append(Problem(f"{name} must be a string or a number", f"{place}.custom_fields"))
        else:
            custom[number] = value
    return custom


def is_value(value: Any) -> bool:
    """Return whether a field can have a value."""
    if isinstance(value, str):
        return len(value) <= LONGEST_TEXT
    # A number in JSON may have thousands of digits.
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 10**30)


def is_list_of_texts(value: Any) -> bool:
    """Return whether the field of alternate addresses can have a value."""
    if value is None:
        return True
    return isinstance(value, list) and len(value) <= MOST_ALTERNATES and all(map(is_text, value))


def is_text(value: Any) -> bool:
    """Return whether a value is a text that is not too long for any field."""
    return isinstance(value, str) and len(value) <= LONGEST_TEXT


def read_list_ids(fields: Mapping[str, Any], account: Account, problems: list[Problem]) -> list[int]:
    """Return the core's ids of the lists, or add to `problems`. Raises UnknownList."""
    try:
        lists = Lists.model_validate(without_nulls(fields)).lists
    except ValidationError as error:
        problems += problems_of(error, {})
        return []
    return numbers_of_lists(account, lists)


def read_deletion(request: Request) -> list[UUID] | None:
    """Return the ids of `?ids=a,b`, or None for `?delete_all_contacts=true`."""
    is_all = read_flag(request, "delete_all_contacts")
    ids = read_list(request, "ids", highest=MAX_IDS)
    if is_all == bool(ids):
        raise Refusal(400, NO_IDS)
    return None if is_all else to_uuids(ids)


def read_batch(request: Request) -> list[UUID]:
    """Return the ids in the body of POST contacts/batch."""
    return read_fields(Batch, {"ids": None, **read_object(request)}).ids


def read_query_text(request: Request) -> str:
    """Return the query in the body of POST contacts/search."""
    return read_fields(Query, read_object(request), TEXTS).query


def read_removal(request: Request) -> tuple[str, str]:
    """Return the kind of an identifier and its value, in the form in which contacts have it."""
    removal = read_fields(Removal, read_object(request), TEXTS)
    kind = BODY_TYPES[removal.kind]
    try:
        return kind, read_identifier(kind, removal.value)
    except InvalidContact as error:
        raise Refusal(400, Problem(str(error), "identifier_value")) from None


def read_identifiers(request: Request, name: str, kind: str) -> list[str]:
    """Return up to a hundred different identifiers of a kind, in the form in which contacts have them.

    Blank strings are left out, so there may be none.
    """
    values = read_object(request).get(name)
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        raise Refusal(400, Problem(f"{name} must be an array of 1 to {MAX_IDS} strings", name))
    texts = [(place, text) for place, text in enumerate(values) if text.strip()]
    if len(texts) > MAX_IDS:
        raise Refusal(400, Problem(f"{name} must be an array of 1 to {MAX_IDS} strings", name))
    identifiers: dict[str, None] = {}
    problems = []
    for place, text in texts:
        try:
            identifiers[read_identifier(kind, text)] = None
        except InvalidContact as error:
            problems.append(Problem(str(error), f"{name}[{place}]"))
    if problems:
        raise Refusal(400, *problems[:MAX_PROBLEMS])
    return list(identifiers)


def read_identifier_type(text: str) -> str:
    """Return the kind of identifier that a path names."""
    if text not in IDENTIFIERS:
        raise Refusal(400, Problem(f"identifier_type must be one of {', '.join(IDENTIFIERS)}", "identifier_type"))
    return text
