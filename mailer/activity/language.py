"""Read a query of SendGrid's Email Activity API and return a condition.

`language.lark` has the grammar. Names of fields and keywords may be in upper or lower case. An unknown field, a value
of another type, and a field that is not recorded here are errors. No part of a query becomes SQL.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from functools import cache
from typing import Final

from lark import Lark, Token, Tree, UnexpectedCharacters, UnexpectedToken

from foundation.addresses import to_ascii
from foundation.dates import read_iso
from foundation.quoting import unquote
from foundation.texts import is_text
from mailer.activity.conditions import (
    EVERYTHING,
    Among,
    And,
    Compare,
    Condition,
    Contains,
    Field,
    Kind,
    Like,
    Missing,
    Not,
    Or,
    Value,
)
from mailer.activity.patterns import Pattern
from mailer.activity.records import Status
from mailer.errors import InvalidActivityQuery

LONGEST_QUERY: Final = 20_000
LONGEST_TEXT: Final = 1000
MOST_CONDITIONS: Final = 160
"""SendGrid's limit of the conditions in a query."""
DEEPEST_QUERY: Final = 100
"""The largest number of levels of a tree, so that the recursive reader does not run out of stack."""
NUMBER: Final = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?")

FIELDS: Final = {
    **dict.fromkeys(("msg_id", "from_email", "to_email", "subject", "status", "template_id"), Kind.TEXT),
    **dict.fromkeys(("asm_group_id", "clicks"), Kind.NUMBER),
    **dict.fromkeys(("categories", "events"), Kind.TEXTS),
    "unique_args": Kind.MAP,
    "last_event_time": Kind.TIME,
}
"""The fields that a query can name, and the kinds of their values."""
NOT_RECORDED: Final = frozenset(
    {"api_key_id", "teammate", "originating_ip", "outbound_ip", "marketing_campaign_id", "marketing_campaign_name"}
)
"""Fields of SendGrid whose values are not stored with a message. An empty result would be misleading."""
ADDRESSES: Final = frozenset({"from_email", "to_email"})
OTHER_WORDS: Final = {"processing": Status.PROCESSED}
"""Values of `status` that some of SendGrid's documents have instead."""

Node = Tree[Token] | Token


def read_query(text: str) -> Condition:
    """Return the condition that a query means; an empty query means everything. Raises InvalidActivityQuery."""
    if len(text) > LONGEST_QUERY:
        raise InvalidActivityQuery(f"the query is longer than {LONGEST_QUERY} characters", field="query")
    if not is_text(text):
        raise InvalidActivityQuery("the query has control characters", field="query")
    if not text.strip():
        return EVERYTHING
    tree = _parse(text)
    _check_size(tree)
    return _read(tree.children[0])


def _parse(text: str) -> Tree[Token]:
    try:
        return _parser().parse(text)
    except UnexpectedCharacters as error:
        start = error.pos_in_stream or 0
        raise _misread(f"unexpected {text[start]!r} at position {start + 1}") from None
    except UnexpectedToken as error:
        if error.token.type == "$END":
            raise _misread("unexpected end of the query") from None
        raise _misread(f"unexpected {str(error.token)[:50]!r} at position {(error.token.start_pos or 0) + 1}") from None


@cache
def _parser() -> Lark:
    # LALR is linear in the length of the text and does not recurse, whatever the text is.
    return Lark.open("language.lark", rel_to=__file__, parser="lalr", maybe_placeholders=False)


def _misread(what: str) -> InvalidActivityQuery:
    return InvalidActivityQuery(f"invalid syntax: {what}", field="query")


def _check_size(tree: Tree[Token]) -> None:
    """Accept a tree with few enough levels and conditions. They are counted without recursion."""
    depth, conditions, level = 0, 0, [tree]
    while level:
        depth += 1
        conditions += sum(node.data == "field" for node in level)
        level = [child for node in level for child in node.children if isinstance(child, Tree)]
    if depth > DEEPEST_QUERY:
        raise _misread("the conditions are nested too deeply")
    if conditions > MOST_CONDITIONS:
        raise _misread(f"the query has more than {MOST_CONDITIONS} conditions")


def _read(node: Node) -> Condition:
    assert isinstance(node, Tree)
    match str(node.data):
        case "condition":
            parts = tuple(map(_read, node.children))
            return parts[0] if len(parts) == 1 else Or(parts)
        case "conjunction":
            parts = tuple(map(_read, node.children))
            return parts[0] if len(parts) == 1 else And(parts)
        case "negated":
            return Not(_read(node.children[0]))
        case name if "not_" in name:
            return Not(_read_leaf(name.replace("not_", ""), node))
        case name:
            return _read_leaf(name, node)


def _read_leaf(name: str, tree: Tree[Token]) -> Condition:
    field = _read_field(tree.children[0])
    operators = [str(child) for child in tree.children if isinstance(child, Token) and child.type == "COMPARISON"]
    nodes = tree.children[1 + len(operators) :]
    match name:
        case "compared":
            operator = "!=" if operators[0] == "<>" else operators[0]
            return Compare(field, operator, _value_for(field, operator, nodes[0]))
        case "among":
            return Among(field, tuple([_value_for(field, "IN", node) for node in nodes]))
        case "between":
            low, high = [_value_for(field, "BETWEEN", node) for node in nodes]
            return And((Compare(field, ">=", low), Compare(field, "<=", high)))
        case "like":
            return Like(field, Pattern(_text_for(field, "LIKE", nodes[0])))
        case "contains":
            if field.kind not in (Kind.TEXTS, Kind.MAP):
                raise InvalidActivityQuery("CONTAINS expects an array or map type as the first argument", field="query")
            return Contains(field, _check_text(_read_value(nodes[0]), "CONTAINS", field))
        case _:
            return Missing(field)


def _read_field(node: Node) -> Field:
    assert isinstance(node, Tree)
    name, *keys = [str(child) for child in node.children]
    name = name.lower()
    if name in NOT_RECORDED:
        raise InvalidActivityQuery(f"'{name}' is not recorded here, so messages cannot be found by it", field="query")
    if name not in FIELDS:
        raise _misread(f"'{name[:50]}' is not a known field")
    kind = FIELDS[name]
    if not keys:
        return Field(name, kind)
    if kind is not Kind.MAP:
        raise _misread(f"'{name}' has no keys")
    return Field(name, Kind.TEXT, unquote(keys[0]))


def _value_for(field: Field, operator: str, node: Node) -> Value:
    """Return a value in the type of the field that it is compared with."""
    value = _read_value(node)
    match field.kind, value:
        case Kind.TEXT, str():
            return _spell(field, _check_text(value, operator, field))
        case Kind.NUMBER, Decimal():
            return value
        case Kind.NUMBER, str() if NUMBER.fullmatch(value):
            return Decimal(value)
        case Kind.TIME, dt.datetime():
            return value
        case Kind.TIME, str():
            return _read_time(value)
        case _:
            raise _incompatible(operator, field, value)


def _text_for(field: Field, operator: str, node: Node) -> str:
    value = _read_value(node)
    if field.kind is not Kind.TEXT:
        raise _incompatible(operator, field, value)
    return _check_text(value, operator, field)


def _check_text(value: Value, operator: str, field: Field) -> str:
    if not isinstance(value, str):
        raise _incompatible(operator, field, value)
    if len(value) > LONGEST_TEXT:
        raise InvalidActivityQuery(f"a text of the query is longer than {LONGEST_TEXT} characters", field="query")
    return value


def _incompatible(operator: str, field: Field, value: Value) -> InvalidActivityQuery:
    kind = {Decimal: Kind.NUMBER, dt.datetime: Kind.TIME}.get(type(value), Kind.TEXT)
    return InvalidActivityQuery(f"operator {operator} is incompatible with {field.kind}, {kind}", field="query")


def _spell(field: Field, text: str) -> str:
    """Return a text as the field spells it."""
    if field.name in ADDRESSES:
        return to_ascii(text)
    return OTHER_WORDS.get(text, text) if field.name == "status" else text


def _read_value(node: Node) -> Value:
    if isinstance(node, Tree):
        return _read_time(unquote(str(node.children[-1])))
    return Decimal(str(node)) if node.type == "NUMBER" else unquote(str(node))


def _read_time(text: str) -> dt.datetime:
    try:
        return read_iso(text.strip())
    except ValueError:
        raise _misread(f"'{text[:50]}' is not a time such as 2026-11-29T09:30:00Z") from None
