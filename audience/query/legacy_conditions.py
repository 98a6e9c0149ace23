"""Read the conditions of the legacy API: a list of field, operator and value, joined by and_or.

`and` binds more tightly than `or`, as everywhere else; the API's documentation does not say.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from audience.dates import has_time, read_date
from audience.errors import InvalidCondition
from audience.query import vocabulary as leaves
from audience.query.conditions import (
    And,
    Compare,
    Condition,
    Engaged,
    EventPart,
    FromNow,
    InList,
    Kind,
    Not,
    OfEvent,
    Operator,
    Or,
    Subject,
)
from audience.query.vocabulary import Vocabulary
from foundation.addresses import address_key

MOST_CONDITIONS: Final = 15
PARTS: Final = ("field", "operator", "value", "and_or")
EVENTS: Final = {"opens.campaign_identifier": "open", "clicks.campaign_identifier": "click"}
DURATION: Final = re.compile(
    r"P(?:(?P<years>[0-9]{1,5})Y)?(?:(?P<months>[0-9]{1,5})M)?(?:(?P<weeks>[0-9]{1,5})W)?(?:(?P<days>[0-9]{1,6})D)?"
    r"(?:T(?:(?P<hours>[0-9]{1,7})H)?(?:(?P<minutes>[0-9]{1,9})M)?(?:(?P<seconds>[0-9]{1,10})S)?)?"
)
DAYS: Final = re.compile("[0-9]{1,6}")
DAY: Final = 86400

Written = Mapping[str, Any]


def read_legacy(written: Sequence[Written], vocabulary: Vocabulary) -> Condition:
    """Return the condition that a list of legacy conditions means.

    Raises InvalidCondition, whose `field` is the part that is wrong.
    """
    if not 1 <= len(written) <= MOST_CONDITIONS:
        raise InvalidCondition(f"there must be 1 to {MOST_CONDITIONS} conditions", field="conditions")
    for condition in written:
        _check_parts(condition)
    _check_joints([condition.get("and_or") or "" for condition in written])
    return Or(tuple(And(tuple(_read_one(condition, vocabulary) for condition in chain)) for chain in _chains(written)))


def _chains(written: Sequence[Written]) -> Iterator[Sequence[Written]]:
    """Yield the conditions between two `or`."""
    starts = [n for n, condition in enumerate(written) if not n or condition["and_or"] == "or"]
    for start, end in pairwise([*starts, len(written)]):
        yield written[start:end]


def _check_parts(condition: Written) -> None:
    for part in PARTS:
        if not isinstance(condition.get(part) or "", str):
            raise InvalidCondition(f"the {part} is not a string", field=part)
    needed = PARTS[:2] if condition.get("operator") in ("empty", "not_empty") else PARTS[:3]
    for part in needed:
        if not condition.get(part):
            raise InvalidCondition(f"{part} and set value is not passed into the request body", field=part)


def _check_joints(joints: Sequence[str]) -> None:
    """Check that `and` or `or` joins every condition but the first to the one before."""
    if not set(joints) <= {"", "and", "or"}:
        raise InvalidCondition("and_or is neither and nor or", field="and_or")
    if joints[0]:
        conditions = "the only condition passed" if len(joints) == 1 else "all conditions"
        raise InvalidCondition(f"and_or is set on {conditions}", field="and_or")
    if not all(joints[1:]):
        raise InvalidCondition(
            "and_or is not set on more than one condition and less than all conditions", field="and_or"
        )


def _read_one(condition: Written, vocabulary: Vocabulary) -> Condition:
    name, operator, value = condition["field"].lower(), condition["operator"], condition.get("value") or ""
    if name in EVENTS:
        return _either(operator, _engaged(vocabulary, EVENTS[name], value))
    if name == "lists":
        if not re.fullmatch("[0-9]{1,10}", value):
            raise InvalidCondition("the value is not the id of a list", field="value")
        return _either(operator, InList(int(value)))
    subject = vocabulary.find(name)
    if subject is None or subject.kind is Kind.TEXTS:
        raise InvalidCondition(f"there is no such field: {condition['field']}", field="field")
    try:
        return _compare(vocabulary, subject, operator, value)
    except ValueError as error:
        raise InvalidCondition(str(error), field="value") from None


def _either(operator: str, condition: Condition) -> Condition:
    if operator not in {"eq", "ne"}:
        raise InvalidCondition("the operators for this field are eq and ne", field="operator")
    return condition if operator == "eq" else Not(condition)


def _engaged(vocabulary: Vocabulary, event_type: str, campaign: str) -> Condition:
    kind = leaves.compare(vocabulary, OfEvent(0, EventPart.KIND), Operator.EQ, event_type)
    of_campaign = leaves.compare(vocabulary, OfEvent(0, EventPart.CAMPAIGN), Operator.EQ, campaign)
    return Engaged(0, And((kind, of_campaign)))


def _compare(vocabulary: Vocabulary, subject: Subject, operator: str, value: str) -> Condition:
    absent = leaves.missing(subject)
    match operator:
        case "empty":
            return absent
        case "not_empty":
            return Not(absent)
        case "contains" if subject.kind is Kind.TEXT:
            return leaves.compare(
                vocabulary, subject, Operator.LIKE, f"%{leaves.escape_pattern(_text_for(subject, value))}%"
            )
        case "is within" if subject.kind is Kind.DATE:
            since = leaves.compare(vocabulary, subject, Operator.GE, _read_span(value))
            return And((since, leaves.compare(vocabulary, subject, Operator.LE, FromNow())))
        case "eq" | "ne" | "lt" | "gt" if subject.kind is Kind.DATE:
            return _compare_date(subject, operator, value)
        case "eq" | "lt" | "gt" if subject.kind is Kind.NUMBER or operator == "eq":
            return leaves.compare(vocabulary, subject, Operator(operator), _text_for(subject, value))
        case "ne":
            # A contact without a value is not equal to it, either.
            return Or((leaves.compare(vocabulary, subject, Operator.NE, _text_for(subject, value)), absent))
        case _:
            raise InvalidCondition(f"the operator does not fit a {subject.kind} field", field="operator")


def _compare_date(subject: Subject, operator: str, value: str) -> Condition:
    """Compare with a date: a day covers all of its seconds, a moment covers one second."""
    start = read_date(value)
    end = start + dt.timedelta(seconds=1 if has_time(value) else DAY)
    before, after = Compare(subject, Operator.LT, start), Compare(subject, Operator.GE, end)
    match operator:
        case "lt":
            return before
        case "gt":
            return after
        case "ne":
            return Or((before, after, leaves.missing(subject)))
        case _:
            return And((Compare(subject, Operator.GE, start), Compare(subject, Operator.LT, end)))


def _text_for(subject: Subject, value: str) -> str:
    """Return the value in the form in which it is stored: e-mail addresses are in canonical form."""
    return address_key(value) if subject == leaves.COLUMNS["email"] else value


def _read_span(value: str) -> FromNow:
    """Return a time before now from a number of days, or from a duration in ISO 8601. Raises ValueError."""
    if DAYS.fullmatch(value):
        return leaves.from_now(seconds=-int(value) * DAY)
    span = DURATION.fullmatch(value)
    if span is None or value[-1] in "PT":
        raise ValueError("the value is neither a number of days nor an ISO 8601 duration")
    amounts = {unit: int(number or 0) for unit, number in span.groupdict().items()}
    days = amounts["weeks"] * 7 + amounts["days"]
    seconds = days * DAY + amounts["hours"] * 3600 + amounts["minutes"] * 60 + amounts["seconds"]
    return leaves.from_now(months=-(amounts["years"] * 12 + amounts["months"]), seconds=-seconds)
