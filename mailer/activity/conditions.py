"""Evaluate conditions on activities, and narrow down which messages can meet them before reading any.

A condition is true, false or unknown, as in SQL: a comparison with a missing value is unknown, and a search only finds
activities for which the condition is true.
"""

from __future__ import annotations

import datetime as dt
import enum
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from mailer.activity.patterns import Pattern


class Kind(enum.StrEnum):
    """The kind of a field's values, by the names that errors have for it."""

    TEXT = "STRING"
    NUMBER = "INTEGER"
    TIME = "TIMESTAMP"
    TEXTS = "ARRAY<STRING>"
    MAP = "MAP<STRING, STRING>"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an activity. With a `key` it is that value of a map."""

    name: str
    kind: Kind
    key: str | None = None


Value = str | Decimal | dt.datetime


class Unknown(enum.Enum):
    """The value of a field that has not been read yet."""

    UNREAD = enum.auto()


UNREAD: Final = Unknown.UNREAD


@dataclass(frozen=True, slots=True)
class Compare:
    """The comparison of a field with a value. `operator` is one of `OPERATORS`."""

    field: Field
    operator: str
    value: Value


@dataclass(frozen=True, slots=True)
class Among:
    """The field is equal to one of the values."""

    field: Field
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Like:
    """The field, a text, matches a pattern."""

    field: Field
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Contains:
    """One of the field's texts, or of the keys of a map, is this text."""

    field: Field
    text: str


@dataclass(frozen=True, slots=True)
class Missing:
    """The field has no value."""

    field: Field


@dataclass(frozen=True, slots=True)
class Not:
    """The condition is false."""

    part: Condition


@dataclass(frozen=True, slots=True)
class And:
    """All of the conditions are true. Without conditions this is true."""

    parts: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Or:
    """One of the conditions is true."""

    parts: tuple[Condition, ...]


Leaf = Compare | Among | Like | Contains | Missing
Condition = Leaf | Not | And | Or
EVERYTHING: Final = And()

OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def is_met(condition: Condition, value_of: Callable[[Field], Any]) -> bool | None:
    """Return whether a condition is true, or None if that is unknown.

    `value_of` returns the value of a field: None if it is missing, UNREAD if it has not been read.
    """
    match condition:
        case And(parts):
            return _first(False, (is_met(part, value_of) for part in parts))
        case Or(parts):
            return _first(True, (is_met(part, value_of) for part in parts))
        case Not(part):
            result = is_met(part, value_of)
            return None if result is None else not result
        case Missing(field):
            value = value_of(field)
            return None if value is UNREAD else value is None
        case _:
            value = value_of(condition.field)
            return None if value is UNREAD or value is None else _is_met_by(condition, value)


def _first(decisive: bool, results: Iterable[bool | None]) -> bool | None:
    """Return the decisive result if it is among the results, else unknown if that is among them, else the opposite."""
    is_unknown = False
    for result in results:
        if result is decisive:
            return decisive
        is_unknown = is_unknown or result is None
    return None if is_unknown else not decisive


def _is_met_by(leaf: Compare | Among | Like | Contains, value: Any) -> bool:
    match leaf:
        case Compare(_, name, other):
            return OPERATORS[name](value, other)
        case Among(_, values):
            return value in values
        case Like(_, pattern):
            return pattern.matches(value)
        case Contains(_, text):
            return text in value


def names_field(condition: Condition, name: str) -> bool:
    """Return whether a condition is about this field."""
    match condition:
        case And(parts) | Or(parts):
            return any(names_field(part, name) for part in parts)
        case Not(part):
            return names_field(part, name)
        case _:
            return condition.field.name == name


# --- narrowing --------------------------------------------------------------------------------------------------------

PUBLIC_ID: Final = re.compile(r"[A-Za-z0-9_-]{22}")
MSG_ID: Final = re.compile(rf"(?P<mail>{PUBLIC_ID.pattern})\.(?P<message>[0-9]{{1,18}})(?:\.(?P<number>[0-9]{{1,6}}))?")


@dataclass(frozen=True, slots=True)
class Narrowing:
    """The messages that can meet a condition: all to these recipients, all of these mails, and all with these ids."""

    recipients: frozenset[str] = frozenset()
    mails: frozenset[str] = frozenset()
    messages: frozenset[int] = frozenset()

    def with_others(self, other: Narrowing) -> Narrowing:
        """Return a narrowing to the messages of both."""
        return Narrowing(self.recipients | other.recipients, self.mails | other.mails, self.messages | other.messages)


def narrow(condition: Condition) -> Narrowing | None:
    """Return which messages can meet a condition, or None if any can."""
    match condition:
        case Compare(field, "=", value):
            return _narrow_to(field, [value])
        case Among(field, values):
            return _narrow_to(field, values)
        case Like(Field("msg_id"), pattern):
            # An X-Message-Id is random, so no other one differs from it only where it has a `_`.
            mail = PUBLIC_ID.match(pattern.text)
            return Narrowing(mails=frozenset({mail[0]})) if mail else None
        case And(parts):
            narrowed = [narrowing for part in parts if (narrowing := narrow(part))]
            return min(narrowed, key=lambda each: (len(each.recipients), len(each.mails)), default=None)
        case Or(parts):
            return _either([narrow(part) for part in parts])
        case _:
            return None


def _narrow_to(field: Field, values: Sequence[Value]) -> Narrowing | None:
    texts = [str(value) for value in values]
    if field.name == "to_email":
        return Narrowing(recipients=frozenset(texts))
    if field.name == "msg_id":
        ids = [MSG_ID.fullmatch(text) for text in texts]
        return Narrowing(messages=frozenset(int(match["message"]) for match in ids if match))
    return None


def _either(narrowed: Sequence[Narrowing | None]) -> Narrowing | None:
    result = Narrowing()
    for narrowing in narrowed:
        if narrowing is None:
            return None
        result = result.with_others(narrowing)
    return result


def latest_event(condition: Condition) -> dt.datetime | None:
    """Return the latest `last_event_time` that a message which meets a condition can have, or None."""
    match condition:
        case Compare(Field("last_event_time"), "=" | "<" | "<=", dt.datetime() as value):
            return value
        case Among(Field("last_event_time"), values):
            return max(value for value in values if isinstance(value, dt.datetime))
        case And(parts):
            return min(filter(None, map(latest_event, parts)), default=None)
        case Or(parts):
            times = list(map(latest_event, parts))
            return None if None in times else max(filter(None, times), default=None)
        case _:
            return None
