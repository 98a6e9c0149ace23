"""Turn a parsed query into a condition.

A query can refer to an event in three ways. All of them mean that the contact has an engagement with certain
properties: a join with `event_data`, `contact_id in (select contact_id from event_data …)`, and, in a condition alone,
the names `event_type` and `event_timestamp`. In a condition alone, comparisons that are joined by `and` are about the
same event. The join is an inner one. A condition alone means an outer join: a contact without events is treated as if
all properties of its event were null.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Final

from lark import Token, Tree

from audience.query import vocabulary as leaves
from audience.query.conditions import (
    EVERYBODY,
    Among,
    And,
    Compare,
    Condition,
    Engaged,
    EventPart,
    Missing,
    Not,
    OfEvent,
    Operator,
    Or,
    Value,
    may_hold_without,
)
from audience.query.sgql_operands import (
    Misread,
    Node,
    Operands,
    Reference,
    Source,
    Texts,
    called_by,
    make_leaf,
    start_of,
    trees_of,
    value_of,
    words_of,
)
from audience.query.vocabulary import Vocabulary

OPERATORS: Final = {
    "=": Operator.EQ,
    "!=": Operator.NE,
    "<>": Operator.NE,
    "<": Operator.LT,
    "<=": Operator.LE,
    ">": Operator.GT,
    ">=": Operator.GE,
}
TURNED: Final = {
    Operator.LT: Operator.GT,
    Operator.LE: Operator.GE,
    Operator.GT: Operator.LT,
    Operator.GE: Operator.LE,
}
CONTACTS: Final = "contact_data"
EVENTS: Final = "event_data"
MAIL: Final = "mail"
"""The source of all events."""
OWN_EVENT: Final = 0
"""The number of the event that a condition alone is about."""


@dataclass
class Reader:
    """Read one query, or one `select` of it.

    `tables` maps the names that can be used here to an event's number, or to None for the contact.
    """

    vocabulary: Vocabulary
    tables: Mapping[str, int | None] = field(default_factory=dict)
    events: Iterator[int] = field(default_factory=lambda: count(OWN_EVENT + 1))

    def read(self, tree: Tree[Token]) -> Condition:
        """Return the condition of a query. Raises Misread."""
        (root,) = trees_of(tree)
        if root.data == "select":
            return self._select(root, columns={"contact_id", "updated_at"})
        self.tables = {CONTACTS: None, "": OWN_EVENT}
        return bind_events(self._condition(root))

    def _select(self, tree: Tree[Token], *, columns: set[str], is_inner: bool = False) -> Condition:
        """Return a condition for the contacts for which the tables have rows that meet the `where`."""
        parts = trees_of(tree)
        entries = [self._table(part) for part in parts if part.data in ("table", "join")]
        tables = dict(entries)
        if len(tables) < len(entries):
            raise Misread("two tables have the same name", start_of(tree))
        if None not in tables.values() and not is_inner:
            raise Misread(f"the query selects nothing from {CONTACTS}", start_of(tree))
        if {words_of(part)[-1] for part in parts if part.data == "path"} != columns:
            raise Misread(f"select {', '.join(sorted(columns))}", start_of(tree))
        inner = Reader(self.vocabulary, tables, self.events)
        condition: Condition = EVERYBODY
        for part in parts:
            if part.data == "where":
                condition = inner._condition(trees_of(part)[0])
        for event in tables.values():
            if event is not None:
                condition = Engaged(event, condition)
        return condition

    def _table(self, tree: Tree[Token]) -> tuple[str, int | None]:
        """Return the name that a table has here, and the number of its event."""
        if tree.data == "join":
            table, *paths = trees_of(tree)
            comparisons = [child for child in tree.children if isinstance(child, Token)]
            if any(words_of(path)[-1] != "contact_id" for path in paths) or comparisons not in ([], ["="]):
                raise Misread("tables are joined on contact_id", start_of(tree))
            return self._table(table)
        name, alias = words_of(tree)[0], words_of(tree)[-1]
        if name not in (CONTACTS, EVENTS):
            raise Misread(f"there is no such table: {name}", start_of(tree))
        return alias, next(self.events) if name == EVENTS else None

    def _condition(self, tree: Tree[Token]) -> Condition:
        match str(tree.data):
            case "condition":
                return _joined(Or, [self._condition(part) for part in trees_of(tree)])
            case "conjunction":
                return _joined(And, [self._condition(part) for part in trees_of(tree)])
            case "negated":
                return Not(self._condition(trees_of(tree)[0]))
            case "call":
                return self._contains(tree)
            case "selected" | "not_selected":
                return self._selected(tree)
            case name if "not_" in name:
                return Not(self._test(name.replace("not_", ""), tree))
            case name:
                return self._test(name, tree)

    def _test(self, name: str, tree: Tree[Token]) -> Condition:
        operands = Operands(self.vocabulary, self.tables)
        operand, *value_operands = [operands.read(child) for child in tree.children if not _is_comparison(child)]
        operator = next((OPERATORS[str(child)] for child in tree.children if _is_comparison(child)), Operator.EQ)
        if name == "compared" and not isinstance(operand, Reference | Source):
            operand, value_operands, operator = value_operands[0], [operand], TURNED.get(operator, operator)
        values = [value_of(value_operand, tree) for value_operand in value_operands]
        match operand:
            case Source(event):
                return _of_source(event, name, operator, values, tree)
            case Reference():
                return make_leaf(tree, partial(self._leaf, name, operand, operator, values))
            case _:
                raise Misread("the comparison has no field", start_of(tree))

    def _leaf(self, name: str, reference: Reference, operator: Operator, values: list[Value]) -> Condition:
        """Return the leaf of a comparison. Raises ValueError."""
        compare = partial(leaves.compare, self.vocabulary, reference.subject, function=reference.function)
        match name:
            case "compared":
                return compare(operator, values[0])
            case "like":
                return compare(Operator.LIKE, read_pattern(values[0]))
            case "between":
                return And((compare(Operator.GE, values[0]), compare(Operator.LE, values[1])))
            case "among":
                return leaves.among(self.vocabulary, reference.subject, values, function=reference.function)
            case _:
                return leaves.missing(reference.subject)

    def _selected(self, tree: Tree[Token]) -> Condition:
        path, inner = tree.children
        if not isinstance(path, Tree) or path.data != "path" or words_of(path)[-1] != "contact_id":
            raise Misread("only contact_id can be compared with a select", start_of(tree))
        assert isinstance(inner, Tree)
        condition = self._select(inner, columns={"contact_id"}, is_inner=True)
        return Not(condition) if tree.data == "not_selected" else condition

    def _contains(self, tree: Tree[Token]) -> Condition:
        """Read `contains(list_ids, 'x')` or `array_contains(list_ids, ['x', 'y'])`: one of the values matches."""
        name = called_by(tree)
        if name not in ("contains", "array_contains"):
            raise Misread(f"{name}() is not a condition", start_of(tree))
        operands = Operands(self.vocabulary, self.tables)
        arguments = [operands.read(child) for child in tree.children[1:]]
        if len(arguments) != 2 or not isinstance(arguments[0], Reference):
            raise Misread(f"{name}() takes a field and a value", start_of(tree))
        subject, argument = arguments[0].subject, arguments[1]
        values = argument.values if isinstance(argument, Texts) else (value_of(argument, tree),)
        return _joined(Or, [make_leaf(tree, partial(leaves.has, subject, value)) for value in values])


def bind_events(condition: Condition) -> Condition:
    """Return a condition that means an outer join of the contact with an event.

    An `Engaged` contains as little as possible, which PostgreSQL plans better: parts that do not refer to the event are
    taken out of an And, and each part of an Or gets a separate `Engaged`. Neither is done inside a Not: "there is an
    event for which this is false" would become "there is no event for which this is true".
    """
    if not _speaks_of_event(condition):
        return condition
    match condition:
        case Or(parts):
            return Or(tuple(map(bind_events, parts)))
        case And(parts):
            bound = [part for part in parts if _speaks_of_event(part)]
            unbound = [part for part in parts if not _speaks_of_event(part)]
            return And((*unbound, bind_events(bound[0]) if len(bound) == 1 else _bind(And(tuple(bound)))))
        case _:
            return _bind(condition)


def _bind(condition: Condition) -> Condition:
    """Return the condition of an event. The join is an outer one only if the condition can be true without an event."""
    return Engaged(OWN_EVENT, condition, is_optional=may_hold_without(OWN_EVENT, condition))


def _speaks_of_event(condition: Condition) -> bool:
    match condition:
        case And(parts) | Or(parts):
            return any(map(_speaks_of_event, parts))
        case Not(part):
            return _speaks_of_event(part)
        case Compare(OfEvent(event=event)) | Among(OfEvent(event=event)) | Missing(OfEvent(event=event)):
            return event == OWN_EVENT
        case _:
            return False


def read_pattern(value: Value) -> str:
    """Return the pattern of a `like`: `%` is any text, `%%` a percent sign, `_` any character. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError("a pattern is a text")
    return re.sub(r"\\|%%", lambda match: "\\" + match[0][0], value)


def _of_source(event: int, name: str, operator: Operator, values: list[Value], tree: Tree[Token]) -> Condition:
    """Return a condition on the source of an event, which is true of every event or of none.

    All events come from mail. Without an event the condition is unknown. Raises Misread.
    """
    match name:
        case "is_null":
            return Missing(OfEvent(event, EventPart.KIND))
        case "like" if isinstance(values[0], str):
            is_met = leaves.meets_pattern(MAIL, read_pattern(values[0]))
        case "compared" | "among" if operator in (Operator.EQ, Operator.NE):
            is_met = (MAIL in values) != (operator is Operator.NE)
        case _:
            raise Misread("event_source can only be compared with =, !=, in and like", start_of(tree))
    return leaves.any_event(event) if is_met else leaves.no_event(event)


def _joined(connective: type[And] | type[Or], parts: list[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else connective(tuple(parts))


def _is_comparison(node: Node) -> bool:
    return isinstance(node, Token) and node.type == "COMPARISON"
