"""The query language of SendGrid's searches and segments (SGQL): text in, a condition out.

Two forms are read, both with one grammar (`sgql.lark`): a condition alone, as searches and older segments have it, and
`select contact_id, updated_at from contact_data … where …`, as segments 2.0 have it. What the grammar or the account's
vocabulary does not know is an error that says where it stands. No part of the text ever becomes SQL.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from lark import Lark, Token, Tree, UnexpectedCharacters, UnexpectedToken

from audience.errors import InvalidQuery
from audience.query.conditions import Condition
from audience.query.sgql_operands import Misread
from audience.query.sgql_reader import Reader
from audience.query.vocabulary import UNSTORABLE, Vocabulary

LONGEST_QUERY: Final = 20_000
DEEPEST_QUERY: Final = 100
"""Levels of a tree: so many that the program which reads it does not run out of stack."""
NAMES: Final = {
    "NAME": "a name",
    "BACKTICK": "a name",
    "SINGLE": "a text",
    "DOUBLE": "a text",
    "NUMBER": "a number",
    "COMPARISON": "a comparison",
    "UNIT": "a unit of time",
    "LPAR": "(",
    "RPAR": ")",
    "LSQB": "[",
    "RSQB": "]",
    "COMMA": ",",
    "PLUS": "+",
    "MINUS": "-",
    "DOT": ".",
    "COLON": ":",
    "SEMICOLON": ";",
    "$END": "the end",
}
"""Of the grammar's tokens; the others are keywords."""


def read_query(text: str, vocabulary: Vocabulary, *, field: str = "query") -> Condition:
    """The condition that a query means. Raises InvalidQuery, with that `field`, which says what is wrong and where."""
    if len(text) > LONGEST_QUERY:
        raise InvalidQuery(f"the query is longer than {LONGEST_QUERY} characters", field=field)
    if UNSTORABLE.search(text):
        raise InvalidQuery("the query has characters that cannot be stored", field=field)
    try:
        return Reader(vocabulary).read(_parse(text))
    except Misread as error:
        raise InvalidQuery(f"{error.what} at position {error.position}", field=field) from None


def _parse(text: str) -> Tree[Token]:
    try:
        tree = _parser().parse(text)
    except UnexpectedCharacters as error:
        start = error.pos_in_stream or 0
        raise Misread(f"unexpected {text[start]!r}", start) from None
    except UnexpectedToken as error:
        at_end = error.token.type == "$END"
        expected = ", ".join(sorted({NAMES.get(name, name.lower()) for name in error.expected}))
        what = "unexpected end" if at_end else f"unexpected {str(error.token)[:50]!r}"
        raise Misread(f"{what} (expected: {expected})", len(text) if at_end else error.token.start_pos) from None
    if _depth(tree) > DEEPEST_QUERY:
        raise Misread("too many conditions inside each other", 0)
    return tree


@cache
def _parser() -> Lark:
    # LALR: linear in the text, and no recursion, whatever it holds.
    return Lark.open("sgql.lark", rel_to=__file__, parser="lalr", propagate_positions=True, maybe_placeholders=False)


def _depth(tree: Tree[Token]) -> int:
    """Levels of a tree, counted without recursion."""
    depth, level = 0, [tree]
    while level:
        depth += 1
        level = [child for node in level for child in node.children if isinstance(child, Tree)]
    return depth
