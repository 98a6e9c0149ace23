"""Read the operands of a parsed query: fields, functions of them, texts, numbers and times."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeVar

from lark import Token, Tree

from audience.dates import read_date
from audience.query.conditions import EventPart, FromNow, Function, OfEvent, Subject, Value
from audience.query.vocabulary import Vocabulary, from_now
from foundation.quoting import unquote

Node = Tree[Token] | Token
Leaf = TypeVar("Leaf")

FUNCTIONS: Final = {"lower": Function.LOWER, "length": Function.LENGTH}
NOW: Final = ("now", "current_timestamp")
ADDING: Final = ("timestampadd", "dateadd")
MONTHS: Final = {"month": 1, "year": 12}
SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 7 * 86400}
SPAN: Final = re.compile(r"([0-9]{1,12})(?:\s+([a-zA-Z]+))?")
EVENT_SOURCE: Final = "event_source"
EVENT_NAMES: Final = {
    "event_type": EventPart.KIND,
    "event_timestamp": EventPart.AT,
    "timestamp": EventPart.AT,
    "singlesend_id": EventPart.CAMPAIGN,
}


class Misread(Exception):
    """A query is wrong at a `position`, which counts characters from 1."""

    def __init__(self, problem: str, start: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.position = start + 1


@dataclass(frozen=True, slots=True)
class Reference:
    """An operand that stands for a value of the contact or of an event."""

    subject: Subject
    function: Function | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """The column `event_source` of an event. Its value is always `MAIL`."""

    event: int


@dataclass(frozen=True, slots=True)
class Texts:
    """Several values in brackets."""

    values: tuple[Value, ...]


Operand = Reference | Source | Texts | Value


@dataclass(frozen=True, slots=True)
class Operands:
    """Read operands. `tables` maps the names that can be used here to an event's number, or to None for the contact."""

    vocabulary: Vocabulary
    tables: Mapping[str, int | None]

    def read(self, node: Node) -> Operand:
        """Return the operand of a node. Raises Misread."""
        if isinstance(node, Token):
            return self._text(node)
        match node.data:
            case "path":
                return self._path(node)
            case "number":
                return Decimal("".join(str(child) for child in node.children))
            case "moment":
                return make_leaf(node, lambda: read_date(unquote(str(node.children[-1]))))
            case "array":
                return Texts(tuple(value_of(self.read(child), node) for child in node.children))
            case "plus" | "minus":
                return self._shifted(node)
            case _:
                return self._function(node)

    def _text(self, token: Token) -> Operand:
        """Return a text, or the field whose name is in double quotes if such a field exists."""
        text = unquote(str(token))
        if token.type == "DOUBLE":
            subject = self.vocabulary.find(text)
            if subject is not None:
                return Reference(subject)
        return text

    def _path(self, tree: Tree[Token]) -> Operand:
        *tables, name = words_of(tree)
        if name in NOW and not tables:
            return FromNow()
        if tables and tables[0] not in self.tables:
            raise Misread(f"there is no such table: {tables[0]}", start_of(tree))
        events = [self.tables[tables[0]]] if tables else list(self.tables.values())
        # The contact_id of an event is that of its contact.
        subject = self.vocabulary.find(name) if None in events or name == "contact_id" else None
        if subject is not None:
            return Reference(subject)
        numbers = [event for event in events if event is not None]
        if name == EVENT_SOURCE and len(numbers) == 1:
            return Source(numbers[0])
        if name in EVENT_NAMES and len(numbers) == 1:
            return Reference(OfEvent(numbers[0], EVENT_NAMES[name]))
        raise Misread(f"there is no such field: {name}", start_of(tree))

    def _function(self, tree: Tree[Token]) -> Operand:
        name = called_by(tree)
        if name in NOW and len(tree.children) == 1:
            return FromNow()
        if name in ADDING:
            return self._added(tree)
        if name in FUNCTIONS and len(tree.children) == 2:
            argument = self.read(tree.children[1])
            if isinstance(argument, Reference) and argument.function is None:
                return Reference(argument.subject, FUNCTIONS[name])
            if isinstance(argument, str):
                return argument.lower() if name == "lower" else Decimal(len(argument))
        raise Misread(f"{name}() cannot be used here", start_of(tree))

    def _added(self, tree: Tree[Token]) -> Value:
        """Return the time of `timestampadd(day, -10, current_timestamp)`."""
        _, *arguments = tree.children
        if len(arguments) != 3 or not isinstance(arguments[0], Tree) or arguments[0].data != "path":
            raise Misread("timestampadd() takes a unit, a number and a time", start_of(tree))
        amount, start = self.read(arguments[1]), self.read(arguments[2])
        if not isinstance(amount, Decimal) or amount != amount.to_integral_value():
            raise Misread("the number is not an integer", start_of(tree))
        return _shift(start, int(amount), words_of(arguments[0])[0], tree)

    def _shifted(self, tree: Tree[Token]) -> Value:
        """Return a time plus or minus an interval."""
        start, interval = tree.children
        assert isinstance(interval, Tree)
        interval_text = " ".join(unquote(str(child)) for child in interval.children)
        span = SPAN.fullmatch(interval_text.strip())
        if span is None:
            raise Misread(f"not an interval: {interval_text!r}", start_of(tree))
        amount = int(span[1]) * (-1 if tree.data == "minus" else 1)
        return _shift(self.read(start), amount, span[2] or "", tree)


def _shift(start: Operand, amount: int, unit: str, tree: Tree[Token]) -> Value:
    unit = unit.lower().removesuffix("s")
    if unit not in MONTHS and unit not in SECONDS:
        raise Misread(f"there is no such unit of time: {unit}", start_of(tree))
    months, seconds = amount * MONTHS.get(unit, 0), amount * SECONDS.get(unit, 0)
    if isinstance(start, FromNow):
        shifted = (start.months + months, start.seconds + seconds)
        return make_leaf(tree, lambda: from_now(months=shifted[0], seconds=shifted[1]))
    if isinstance(start, dt.datetime) and not months:
        return make_leaf(tree, lambda: _later(start, seconds))
    raise Misread("this interval can only be added to now()", start_of(tree))


def _later(start: dt.datetime, seconds: int) -> dt.datetime:
    try:
        return read_date((start + dt.timedelta(seconds=seconds)).isoformat())
    except OverflowError:
        raise ValueError("the time is too far away") from None


def make_leaf(tree: Tree[Token], make: Callable[[], Leaf]) -> Leaf:
    """Return the result of `make`. Turns a ValueError into Misread, which names the position."""
    try:
        return make()
    except ValueError as error:
        raise Misread(str(error), start_of(tree)) from None


def value_of(operand: Operand, tree: Tree[Token]) -> Value:
    """Return an operand that is a value. Raises Misread."""
    if isinstance(operand, Reference | Source | Texts):
        raise Misread("a field can only be compared with a value", start_of(tree))
    return operand


def called_by(tree: Tree[Token]) -> str:
    """Return the name of the called function."""
    return str(tree.children[0]).lower()


def trees_of(tree: Tree[Token]) -> list[Tree[Token]]:
    """Return the children of a node that are trees, without tokens."""
    return [child for child in tree.children if isinstance(child, Tree)]


def words_of(tree: Tree[Token]) -> list[str]:
    """Return the names of a path or of a table, in lower case and without quotes."""
    return [unquote(str(child)).lower() for child in tree.children]


def start_of(tree: Tree[Token]) -> int:
    """Return the position in the text at which a part begins."""
    return 0 if tree.meta.empty else int(tree.meta.start_pos)
