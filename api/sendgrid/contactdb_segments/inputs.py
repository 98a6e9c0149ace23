"""Read the requests of legacy segments and searches: conditions in JSON, or in a query string."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field
from rest_framework.request import Request

from accounts.models import Account
from api.bodies import ANY, Body, condition
from api.sendgrid.contactdb.inputs import NO_FIELDS, SHOWN_NAMES
from api.sendgrid.errors import Problem, Refusal
from api.sendgrid.reading import read_fields, read_object
from api.sendgrid.values import Id, Texts
from audience.dates import read_date
from audience.lists import check_lists
from audience.query.conditions import And, Column, Condition, InList, Kind
from audience.query.legacy_conditions import EVENTS, MOST_CONDITIONS, PARTS, read_legacy
from audience.query.vocabulary import Vocabulary, vocabulary_of

BAD_JSON: Final = "request body is not valid json"
INVALID_LIST: Final = "the list_id is not valid"
NO_PARAMETERS: Final = Problem("No search params are specified")
LONGEST_VALUE: Final = 1000


def take_parts(conditions: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return conditions in the form in which they are kept, with their four parts. The core checks the values."""
    written = [{part: each.get(part) or "" for part in PARTS} for each in conditions]
    if any(isinstance(part, str) and len(part) > LONGEST_VALUE for each in written for part in each.values()):
        raise ValueError("a part is too long")
    return written


ListId = Annotated[Id | None, BeforeValidator(lambda value: value if value is False or value != 0 else None)]
"""The list to whose contacts a condition is limited; null and 0 stand for all contacts."""
Conditions = Annotated[
    list[dict[str, Any]], Field(min_length=1, max_length=MOST_CONDITIONS), AfterValidator(take_parts)
]


class Search(Body):
    """A search for recipients."""

    list_id: ListId = None
    conditions: Conditions


class Segment(Body):
    """A segment. In a change, a field that is missing is left unchanged."""

    name: Annotated[str, condition("blank", str.strip)] = ""
    list_id: ListId = None
    conditions: Conditions = []


TEXTS: Final[Texts] = {
    ("name", ANY): "the name is not valid",
    ("list_id", ANY): INVALID_LIST,
    ("conditions", ANY): Problem("invalid value is passed into one of the request body parameters"),
}


@dataclass(frozen=True, slots=True)
class SegmentRequest:
    """A segment. In a change, None leaves a field unchanged, and the list 0 stands for all contacts."""

    name: str | None
    list_id: int | None
    condition: Condition | None
    written: list[dict[str, str]] | None


def read_new_segment(request: Request, account: Account) -> SegmentRequest:
    """Return the segment that the body of POST segments asks for."""
    return read_segment({"name": None, "conditions": None, **read_object(request)}, account)


def read_segment_change(request: Request, account: Account) -> SegmentRequest:
    """Return the change that the body of PATCH segments asks for."""
    fields = read_object(request)
    change = read_segment(fields, account)
    return replace(change, list_id=change.list_id or 0) if "list_id" in fields else change


def read_segment(fields: Mapping[str, Any], account: Account) -> SegmentRequest:
    """Return a segment with its condition compiled. Raises Refusal and InvalidCondition."""
    segment = read_fields(Segment, fields, TEXTS, most=1)
    written = segment.conditions or None
    return SegmentRequest(
        segment.name or None,
        segment.list_id,
        read_legacy(written, vocabulary_of(account)) if written else None,
        written,
    )


def read_search(request: Request, account: Account) -> Condition:
    """Return the condition in the body of POST recipients/search. Raises UnknownList."""
    search = read_fields(Search, read_object(request), TEXTS, most=1)
    compiled = read_legacy(search.conditions, vocabulary_of(account))
    if search.list_id is None:
        return compiled
    check_lists(account, [search.list_id])
    return And((InList(search.list_id), compiled))


def read_search_parameters(request: Request, account: Account) -> Condition:
    """Return the condition that all parameters of `?first_name=Ann&pet=dog` hold.

    A time in a reserved date field stands for its whole day in UTC. Source: SendGrid, "Search recipients".
    """
    parameters = request.query_params
    if not parameters:
        raise Refusal(400, NO_PARAMETERS)
    vocabulary = vocabulary_of(account)
    unknown = [name for name in parameters if not is_searchable(vocabulary, name)]
    if unknown:
        raise Refusal(400, Problem(NO_FIELDS.format(", ".join(unknown[:SHOWN_NAMES]))))
    pairs = [(name, value) for name in parameters for value in parameters.getlist(name)]
    written = [
        {
            "field": name,
            "operator": "eq" if value else "empty",
            "value": whole_day(value) if is_reserved_date(vocabulary, name) else value,
            "and_or": "and" if number else "",
        }
        for number, (name, value) in enumerate(pairs)
    ]
    return read_legacy(written, vocabulary)


def is_reserved_date(vocabulary: Vocabulary, name: str) -> bool:
    subject = vocabulary.find(name)
    return isinstance(subject, Column) and subject.kind is Kind.DATE


def whole_day(value: str) -> str:
    """Return the day of a time, which a condition takes as all of its seconds.

    A text that is not a time is returned unchanged, and the condition refuses it.
    """
    try:
        return read_date(value).date().isoformat()
    except ValueError:
        return value


def is_searchable(vocabulary: Vocabulary, name: str) -> bool:
    """Return whether the legacy API has a field of this name."""
    subject = vocabulary.find(name)
    return name in {"lists", *EVENTS} or (subject is not None and subject.kind is not Kind.TEXTS)
