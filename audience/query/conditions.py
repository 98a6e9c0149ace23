"""Define the conditions of segments and searches as a tree of frozen values.

The logic is SQL's, with three values. A comparison with a value that a contact does not have is unknown, and a contact
for which the whole condition is unknown does not meet it. `vocabulary.py` makes the leaves and checks their types;
`compiling.py` turns a tree into SQL, `condition_json.py` into JSON and back.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import product


class Kind(StrEnum):
    """The type of a subject's values."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    TEXTS = "texts"
    ENGAGEMENT = "engagement"


class Operator(StrEnum):
    """The ways to compare two values."""

    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    LIKE = "like"
    """The value is a pattern: `%` is any text, `_` any character, and a character after a backslash is itself."""


class Function(StrEnum):
    """The functions of a text that can be compared instead of the text."""

    LOWER = "lower"
    LENGTH = "length"


class EventPart(StrEnum):
    """The known properties of an engagement."""

    KIND = "kind"
    AT = "at"
    CAMPAIGN = "campaign"


@dataclass(frozen=True, slots=True)
class Column:
    """A field that every contact has, by the name of its column."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Custom:
    """A custom field, by its id."""

    id: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class OfEvent:
    """A property of the engagement that the enclosing `Engaged` with the number `event` is about."""

    event: int
    part: EventPart

    @property
    def kind(self) -> Kind:
        return {
            EventPart.KIND: Kind.ENGAGEMENT,
            EventPart.AT: Kind.DATE,
            EventPart.CAMPAIGN: Kind.NUMBER,
        }[self.part]


Subject = Column | Custom | OfEvent


@dataclass(frozen=True, slots=True)
class FromNow:
    """A time relative to the moment of the query: first the months are added, then the seconds."""

    months: int = 0
    seconds: int = 0


Value = str | Decimal | dt.datetime | FromNow


@dataclass(frozen=True, slots=True)
class Compare:
    """The subject, or a function of it, is compared with a value."""

    subject: Subject
    operator: Operator
    value: Value
    function: Function | None = None


@dataclass(frozen=True, slots=True)
class Among:
    """The subject, or a function of it, is one of several values."""

    subject: Subject
    values: tuple[Value, ...]
    function: Function | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """The contact does not have a value for the subject."""

    subject: Subject


@dataclass(frozen=True, slots=True)
class Has:
    """A field that holds several texts contains this one."""

    subject: Column
    value: str


@dataclass(frozen=True, slots=True)
class InList:
    """The contact is on the account's list of this UUID or number. A list that does not exist has no contacts."""

    list: str | int


@dataclass(frozen=True, slots=True)
class Engaged:
    """The contact has an engagement, called `event` in the inner condition, that meets the condition.

    With `is_optional` a contact without engagements is examined, too, as by an outer join: it meets the condition if
    the condition is true of an engagement all of whose properties are null.
    """

    event: int
    condition: Condition
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class And:
    """The condition is true if all parts are. Without parts it is true."""

    parts: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Or:
    """The condition is true if one of the parts is. Without parts it is false."""

    parts: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """The condition is true if the part is false. It is unknown if the part is unknown."""

    part: Condition


Condition = Compare | Among | Missing | Has | InList | Engaged | And | Or | Not

EVERYBODY = And()


FALSE, UNKNOWN, TRUE = range(3)
"""The truth values of Kleene's logic: And is the least of its parts, Or the greatest."""


def may_hold_without(event: int, condition: Condition) -> bool:
    """Return whether a condition can be true of a contact that has no engagement to be the `event`."""
    return TRUE in _values_without(event, condition)


def _values_without(event: int, condition: Condition) -> set[int]:
    """Return the truth values that a condition can have where the `event` is missing."""
    match condition:
        case Missing(OfEvent(event=number)) if number == event:
            return {TRUE}
        case Compare(OfEvent(event=number)) | Among(OfEvent(event=number)) if number == event:
            return {UNKNOWN}
        case Not(part):
            return {TRUE - value for value in _values_without(event, part)}
        case And(parts) | Or(parts):
            join, values = (min, {TRUE}) if isinstance(condition, And) else (max, {FALSE})
            for part in parts:
                values = {join(*pair) for pair in product(values, _values_without(event, part))}
            return values
        case _:
            return {FALSE, UNKNOWN, TRUE}


def custom_fields_of(condition: Condition) -> set[int]:
    """Return the ids of the custom fields that the condition refers to."""
    match condition:
        case And(parts) | Or(parts):
            return set().union(*map(custom_fields_of, parts))
        case Not(part) | Engaged(condition=part):
            return custom_fields_of(part)
        case Compare(Custom(id=field)) | Among(Custom(id=field)) | Missing(Custom(id=field)):
            return {field}
        case _:
            return set()
