"""Evaluate conditions in plain Python, to compare the SQL with: True, False, or None for unknown."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from audience.query.conditions import (
    Among,
    And,
    Column,
    Compare,
    Condition,
    Custom,
    Engaged,
    EventPart,
    FromNow,
    Function,
    Has,
    InList,
    Kind,
    Missing,
    Not,
    OfEvent,
    Operator,
    Or,
    Subject,
    Value,
)


@dataclass(frozen=True)
class Happened:
    """An engagement."""

    kind: int | None
    campaign: int | None
    at: dt.datetime | None


NOTHING = Happened(None, None, None)
"""The engagement of a contact without any, as an outer join returns it."""


@dataclass(frozen=True)
class Person:
    """A contact as a test describes it, with custom dates as datetimes."""

    email: str
    texts: dict[str, str] = field(default_factory=dict)
    dates: dict[str, dt.datetime] = field(default_factory=dict)
    alternates: tuple[str, ...] = ()
    custom: dict[int, Any] = field(default_factory=dict)
    lists: frozenset[str | int] = frozenset()
    events: tuple[Happened, ...] = ()


COMPARISONS: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQ: lambda a, b: a == b,
    Operator.NE: lambda a, b: a != b,
    Operator.LT: lambda a, b: a < b,
    Operator.LE: lambda a, b: a <= b,
    Operator.GT: lambda a, b: a > b,
    Operator.GE: lambda a, b: a >= b,
    Operator.LIKE: lambda a, b: meets_pattern(a, b),
}


def meets(person: Person, condition: Condition, now: dt.datetime, **events: Happened) -> bool | None:
    """Return whether a person meets a condition; `events` are those that enclose it, as `e<number>`."""
    match condition:
        case And(parts):
            met = [meets(person, part, now, **events) for part in parts]
            return False if False in met else None if None in met else True
        case Or(parts):
            met = [meets(person, part, now, **events) for part in parts]
            return True if True in met else None if None in met else False
        case Not(part):
            is_met = meets(person, part, now, **events)
            return None if is_met is None else not is_met
        case Missing(subject):
            return value_of(person, subject, events) in (None, ())
        case Has(subject, value):
            values = value_of(person, subject, events)
            return value in values if values else None
        case InList(named):
            return named in person.lists
        case Engaged(event, inner, is_optional):
            each_event = person.events or (NOTHING,) * is_optional
            return any(meets(person, inner, now, **events, **{f"e{event}": each}) is True for each in each_event)
        case Compare(subject, operator, value, function):
            left = called(function, value_of(person, subject, events))
            return None if left is None else COMPARISONS[operator](left, plain(value, now, subject))
        case Among(subject, values, function):
            left = called(function, value_of(person, subject, events))
            if not values:
                return False
            return None if left is None else left in [plain(value, now, subject) for value in values]


def value_of(person: Person, subject: Subject, events: dict[str, Happened]) -> Any:
    match subject:
        case Column("email"):
            return person.email
        case Column("alternate_emails"):
            return person.alternates
        case Column("email_domains"):
            return tuple(address.partition("@")[2] for address in (person.email, *person.alternates))
        case Column(name, Kind.DATE):
            return person.dates.get(name)
        case Column(name):
            return person.texts.get(name) or None
        case Custom(field_id, Kind.NUMBER):
            number = person.custom.get(field_id)
            return None if number is None else Decimal(str(number))
        case Custom(field_id):
            return person.custom.get(field_id)
        case OfEvent(event, part):
            happened = events[f"e{event}"]
            return {
                EventPart.KIND: happened.kind,
                EventPart.CAMPAIGN: happened.campaign,
                EventPart.AT: happened.at,
            }[part]


def called(function: Function | None, value: Any) -> Any:
    match function:
        case Function.LOWER:
            return None if value is None else value.lower()
        case Function.LENGTH:
            return None if value is None else Decimal(len(value))
        case None:
            return value


def plain(value: Value, now: dt.datetime, subject: Subject) -> Any:
    if not isinstance(value, FromNow):
        return value
    moment = add_months(now, value.months) + dt.timedelta(seconds=value.seconds)
    # Custom dates are stored to the second.
    return moment.replace(microsecond=0) if isinstance(subject, Custom) else moment


def add_months(moment: dt.datetime, months: int) -> dt.datetime:
    """Add months as PostgreSQL does: a day that the month does not have becomes its last day."""
    years, month = divmod(moment.month - 1 + months, 12)
    first = moment.replace(year=moment.year + years, month=month + 1, day=1)
    following = (first + dt.timedelta(days=31)).replace(day=1)
    return first.replace(day=min(moment.day, (following - dt.timedelta(days=1)).day))


def meets_pattern(text: str, pattern: str) -> bool:
    """Match a LIKE pattern: `%` is any text, `_` any character, and a backslash escapes both."""
    tokens = re.findall(r"\\.|.", pattern, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    shape = "".join(wild.get(token) or re.escape(token[-1]) for token in tokens)
    return re.fullmatch(shape, text, re.DOTALL) is not None
