"""What a segment or a search asks of a contact: a tree of frozen values.

The logic is SQL's, with three values: a comparison with what a contact does not have is unknown, and a contact for
which the whole is unknown does not meet it. `vocabulary.py` makes the leaves, and so is where types are checked;
`compiling.py` turns a tree into SQL, `condition_json.py` into JSON and back.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import product


class Kind(StrEnum):
    """What a thing that can be asked about holds."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    TEXTS = "texts"
    ENGAGEMENT = "engagement"


class Operator(StrEnum):
    """How two values may be compared."""

    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    LIKE = "like"
    """The value is a pattern: `%` any text, `_` any character, after a backslash each is itself."""


class Function(StrEnum):
    """What may be asked of a text instead of the text itself."""

    LOWER = "lower"
    LENGTH = "length"


class EventPart(StrEnum):
    """What is known of an engagement."""

    KIND = "kind"
    AT = "at"
    CAMPAIGN = "campaign"


@dataclass(frozen=True, slots=True)
class Column:
    """A field that every contact has, by its column."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Custom:
    """A custom field, by its id."""

    id: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class OfEvent:
    """A part of the engagement that the `Engaged` numbered `event` around it speaks of."""

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
    """A time relative to the moment of the question: so many months, then so many seconds."""

    months: int = 0
    seconds: int = 0


Value = str | Decimal | dt.datetime | FromNow


@dataclass(frozen=True, slots=True)
class Compare:
    """A value, or a function of it, compares so with another."""

    subject: Subject
    operator: Operator
    value: Value
    function: Function | None = None


@dataclass(frozen=True, slots=True)
class Among:
    """It is one of several."""

    subject: Subject
    values: tuple[Value, ...]
    function: Function | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """The contact does not have it."""

    subject: Subject


@dataclass(frozen=True, slots=True)
class Has:
    """One of the texts of a field that holds several is this one."""

    subject: Column
    value: str


@dataclass(frozen=True, slots=True)
class InList:
    """The contact is on the account's list of this UUID or number; on a list that there is not, nobody is."""

    list: str | int


@dataclass(frozen=True, slots=True)
class Engaged:
    """There is an engagement of the contact, which the condition inside calls `event`, that meets it.

    With `is_optional` a contact that has no engagements is asked, too, as by an outer join: the condition is met if it
    is true of an engagement of which nothing is known.
    """

    event: int
    condition: Condition
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class And:
    """All of them are met; of none: true."""

    parts: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Or:
    """One of them is met; of none: false."""

    parts: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """It is not met; what is unknown stays so."""

    part: Condition


Condition = Compare | Among | Missing | Has | InList | Engaged | And | Or | Not

EVERYBODY = And()
NOBODY = Or()


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
    """The ids of the custom fields that it asks about."""
    match condition:
        case And(parts) | Or(parts):
            return set().union(*map(custom_fields_of, parts))
        case Not(part) | Engaged(condition=part):
            return custom_fields_of(part)
        case Compare(Custom(id=field)) | Among(Custom(id=field)) | Missing(Custom(id=field)):
            return {field}
        case _:
            return set()
