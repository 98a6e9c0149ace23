"""The requests of legacy segments and searches: conditions in JSON, or in a query string."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from rest_framework.request import Request

from accounts.models import Account
from api.sendgrid.audience_texts import INVALID_LIST
from api.sendgrid.contactdb.inputs import NO_FIELDS, SHOWN_NAMES
from api.sendgrid.errors import Problem, Refusal
from api.sendgrid.ids import HIGHEST_ID
from api.sendgrid.reading import read_object
from audience.dates import read_date
from audience.lists import check_lists
from audience.query.conditions import And, Column, Condition, InList, Kind
from audience.query.legacy_conditions import EVENTS, MOST_CONDITIONS, PARTS, read_legacy
from audience.query.vocabulary import Vocabulary, vocabulary_of

INVALID_NAME: Final = Problem("the name is not valid", "name")
INVALID_VALUE: Final = Problem("invalid value is passed into one of the request body parameters")
NO_PARAMETERS: Final = Problem("No search params are specified")
LONGEST_VALUE: Final = 1000


@dataclass(frozen=True, slots=True)
class SegmentRequest:
    """A segment to be; None: nothing was said of it."""

    name: str | None
    list_id: int | None
    condition: Condition | None
    written: list[dict[str, str]] | None


def read_new_segment(request: Request, account: Account) -> SegmentRequest:
    """The body of POST segments."""
    given = read_object(request)
    return read_segment({"name": None, "conditions": None, **given}, account)


def read_segment_change(request: Request, account: Account) -> SegmentRequest:
    """The body of PATCH segments: what is given changes."""
    return read_segment(read_object(request), account)


def read_segment(given: Mapping[str, Any], account: Account) -> SegmentRequest:
    name = given.get("name")
    if "name" in given and (not isinstance(name, str) or not name.strip()):
        raise Refusal(400, INVALID_NAME)
    list_id = read_list_id(given)
    if "conditions" not in given:
        return SegmentRequest(name, list_id, None, None)
    written = read_written(given["conditions"])
    return SegmentRequest(name, list_id, read_legacy(written, vocabulary_of(account)), written)


def read_list_id(given: Mapping[str, Any]) -> int | None:
    """The list whose contacts are asked alone; None and 0: all are asked."""
    list_id = given.get("list_id")
    if list_id in (None, 0) and list_id is not False:
        return None
    if type(list_id) is not int or not 1 <= list_id <= HIGHEST_ID:
        raise Refusal(400, Problem(INVALID_LIST, "list_id"))
    return list_id


def read_written(given: Any) -> list[dict[str, str]]:
    """The conditions as they are kept: their four parts, all strings."""
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_CONDITIONS:
        raise Refusal(400, INVALID_VALUE)
    if not all(isinstance(each, dict) for each in given):
        raise Refusal(400, INVALID_VALUE)
    written = [{part: each.get(part) or "" for part in PARTS} for each in given]
    if any(isinstance(part, str) and len(part) > LONGEST_VALUE for each in written for part in each.values()):
        raise Refusal(400, INVALID_VALUE)
    return written


def read_search(request: Request, account: Account) -> Condition:
    """The body of POST recipients/search. Raises UnknownList."""
    given = read_object(request)
    list_id = read_list_id(given)
    condition = read_legacy(read_written(given.get("conditions")), vocabulary_of(account))
    if list_id is None:
        return condition
    check_lists(account, [list_id])
    return And((InList(list_id), condition))


def read_search_parameters(request: Request, account: Account) -> Condition:
    """Return the condition of `?first_name=Ann&pet=dog`, all of which must be so. A time in a reserved date field
    stands for its whole day in UTC. Source: SendGrid, "Search recipients"."""
    given = request.query_params
    if not given:
        raise Refusal(400, NO_PARAMETERS)
    vocabulary = vocabulary_of(account)
    unknown = [name for name in given if not is_searchable(vocabulary, name)]
    if unknown:
        raise Refusal(400, Problem(NO_FIELDS.format(", ".join(unknown[:SHOWN_NAMES]))))
    asked = [(name, value) for name in given for value in given.getlist(name)]
    written = [
        {
            "field": name,
            "operator": "eq" if value else "empty",
            "value": whole_day(value) if is_reserved_date(vocabulary, name) else value,
            "and_or": "and" if number else "",
        }
        for number, (name, value) in enumerate(asked)
    ]
    return read_legacy(written, vocabulary)


def is_reserved_date(vocabulary: Vocabulary, name: str) -> bool:
    subject = vocabulary.find(name)
    return isinstance(subject, Column) and subject.kind is Kind.DATE


def whole_day(value: str) -> str:
    """Return the day of a time, which a condition takes as all of its seconds. What is not a time stays: the condition
    refuses it."""
    try:
        return read_date(value).date().isoformat()
    except ValueError:
        return value


def is_searchable(vocabulary: Vocabulary, name: str) -> bool:
    """Whether the legacy wire has such a field."""
    subject = vocabulary.find(name)
    return name in {"lists", *EVENTS} or (subject is not None and subject.kind is not Kind.TEXTS)
