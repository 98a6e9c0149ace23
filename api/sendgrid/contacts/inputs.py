"""The requests of contacts.

No document has texts for what is wrong with them: these are ours."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

from rest_framework.request import Request

from accounts.models import Account
from api.http import BodyTooLarge, keep_body
from api.sendgrid.errors import Problem, Refusal
from api.sendgrid.field_readers import Field, one_field, read_fields, several_uuids
from api.sendgrid.fields.ids import read_field_id
from api.sendgrid.ids import find_uuid, to_uuids
from api.sendgrid.reading import read_flag, read_list, read_object, said_of
from audience.drafts import MOST_ALTERNATES, read_identifier
from audience.errors import InvalidContact, UnknownContact, UnknownSegment
from audience.jobs.imports import COLUMNS
from audience.jobs.upserts import UPSERT_LIMIT, Given
from audience.lists import find_lists
from audience.models import IDENTIFIERS
from audience.segments import list_segments

UPSERT_BYTES: Final = 6 * 2**20
MAX_IDS: Final = 100
MAX_LISTS: Final = 100
MAX_PROBLEMS: Final = 20
"""That are told of one request."""
LONGEST_TEXT: Final = 10_000
"""Of one value, in any field: what is longer is no contact's. What each field may hold the job knows."""

NO_CONTACTS: Final = Problem(f"contacts must be an array of 1 to {UPSERT_LIMIT} objects", "contacts")
NO_IDS: Final = Problem("either ids or delete_all_contacts=true is required", "ids")
INVALID_IDS: Final = Problem("ids must be UUIDs", "ids")
NO_QUERY: Final = Problem("query must be a string", "query")


# --- contacts ---------------------------------------------------------------------------------------------------------


def read_contact_id(text: str) -> UUID:
    """The contact a path names. Raises UnknownContact for what is no UUID."""
    uuid = find_uuid(text)
    if uuid is None:
        raise UnknownContact
    return uuid


def read_upsert(request: Request, account: Account) -> tuple[list[Given], list[int]]:
    """The body of PUT contacts: contacts, and the numbers of the lists they are put on. What makes a contact that
    cannot be stored the job tells; here is refused what is no contact at all. Raises UnknownList."""
    if len(keep_body(request._request)) > UPSERT_BYTES:
        raise BodyTooLarge
    given = read_object(request)
    contacts = given.get("contacts")
    if not isinstance(contacts, list) or not 1 <= len(contacts) <= UPSERT_LIMIT:
        raise Refusal(400, NO_CONTACTS)
    problems: list[Problem] = []
    taken = [read_contact(each, f"contacts[{place}]", problems) for place, each in enumerate(contacts)]
    lists = read_list_ids(given, account, problems)
    if problems:
        raise Refusal(400, *problems[:MAX_PROBLEMS])
    return taken, lists


def read_contact(given: Any, where: str, problems: list[Problem]) -> Given:
    """Values by the names of columns, and custom values by the ids of their fields."""
    if not isinstance(given, dict):
        problems.append(Problem(f"{where} must be an object", where))
        return Given({})
    columns = {name: value for name, value in given.items() if name in COLUMNS}
    for name, value in columns.items():
        if not (is_list_of_texts(value) if name == "alternate_emails" else is_value(value)):
            problems.append(Problem(f"{name} has a value that it cannot have", f"{where}.{name}"))
    return Given(columns, read_custom(given.get("custom_fields"), where, problems))


def read_custom(given: Any, where: str, problems: list[Problem]) -> Mapping[int, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        problems.append(Problem("custom_fields must be an object", f"{where}.custom_fields"))
        return {}
    custom: dict[int, Any] = {}
    for name, value in given.items():
        number = read_field_id(name)
        if number is None:
            problems.append(Problem("custom_fields must be named by their ids", f"{where}.custom_fields"))
        elif not is_value(value):
            problems.append(Problem(f"{name} must be a string or a number", f"{where}.custom_fields"))
        else:
            custom[number] = value
    return custom


def is_value(value: Any) -> bool:
    """Whether a field could have it."""
    if isinstance(value, str):
        return len(value) <= LONGEST_TEXT
    # A number in JSON may have thousands of digits.
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 10**30)


def is_list_of_texts(value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, list) and len(value) <= MOST_ALTERNATES and all(map(is_text, value))


def is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_TEXT


def read_list_ids(given: Mapping[str, Any], account: Account, problems: list[Problem]) -> list[int]:
    """The numbers of the lists in `list_ids`, if there is nothing wrong with them. Raises UnknownList."""
    read, wrong = read_fields(said_of(given, "list_ids"), [Field("list_ids", several_uuids(MAX_LISTS), "lists")])
    problems += wrong
    return numbers_of_lists(account, read.get("lists", ()))


def numbers_of_lists(account: Account, uuids: Collection[UUID]) -> list[int]:
    """Raises UnknownList."""
    return [found.pk for found in find_lists(account, uuids)]


def numbers_of_segments(account: Account, uuids: Collection[UUID]) -> list[int]:
    """Raises UnknownSegment."""
    found = list(list_segments(account).filter(uuid__in=uuids).values_list("pk", flat=True))
    if len(found) < len(set(uuids)):
        raise UnknownSegment(field="segment_ids")
    return found


def read_deletion(request: Request) -> list[UUID] | None:
    """`?ids=a,b` or `?delete_all_contacts=true`; None: all of them."""
    is_all = read_flag(request, "delete_all_contacts")
    given = read_list(request, "ids", highest=MAX_IDS)
    if is_all == bool(given):
        raise Refusal(400, NO_IDS)
    return None if is_all else to_uuids(given)


def read_batch(request: Request) -> list[UUID]:
    """The body of POST contacts/batch."""
    return list(one_field(several_uuids(MAX_IDS), read_object(request).get("ids"), "ids"))


def read_query_text(request: Request) -> str:
    """The body of POST contacts/search: a query, which the core reads."""
    query = read_object(request).get("query")
    if not isinstance(query, str):
        raise Refusal(400, NO_QUERY)
    return query


def read_identifiers(request: Request, name: str, kind: str) -> list[str]:
    """Return up to a hundred different identifiers of a kind, in the form in which contacts have them. Blank strings
    are left out, so there may be none."""
    given = read_object(request).get(name)
    if not isinstance(given, list) or not given or not all(isinstance(each, str) for each in given):
        raise Refusal(400, Problem(f"{name} must be an array of 1 to {MAX_IDS} strings", name))
    texts = [(place, text) for place, text in enumerate(given) if text.strip()]
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
