"""Read the query language of SendGrid's searches and segments (SGQL) and return a condition.

One grammar (`sgql.lark`) reads two forms: a condition alone, which searches and older segments use, and `select
contact_id, updated_at from contact_data … where …`, which segments 2.0 use. A name that neither the grammar nor the
account's vocabulary knows is an error that names its position. No part of the text becomes SQL.
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
"""The largest number of levels of a tree, so that the recursive reader does not run out of stack."""
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
"""Names of the grammar's tokens in error messages. The other tokens are keywords."""


def read_query(text: str, vocabulary: Vocabulary, *, field: str = "query") -> Condition:
    """Return the condition that a query means.

    Raises InvalidQuery with that `field`; its text says what is wrong, and where.
    """
    if len(text) > LONGEST_QUERY:
        raise InvalidQuery(f"the query is longer than {LONGEST_QUERY} characters", field=field)
    if UNSTORABLE.search(text):
        raise InvalidQuery("the query has characters that cannot be stored", field=field)
    try:
        return Reader(vocabulary).read(_parse(text))
    except Misread as error:
        raise InvalidQuery(f"{error.problem} at position {error.position}", field=field) from None


def _parse(text: str) -> Tree[Token]:
    try:
        tree = _parser().parse(text)
    except UnexpectedCharacters as error:
        start = error.pos_in_stream or 0
        raise Misread(f"unexpected {text[start]!r}", start) from None
    except UnexpectedToken as error:
        at_end = error.token.type == "$END"
        expected = ", ".join(sorted({NAMES.get(name, name.lower()) for name in error.expected}))
        problem = "unexpected end" if at_end else f"unexpected {str(error.token)[:50]!r}"
        raise Misread(f"{problem} (expected: {expected})", len(text) if at_end else error.token.start_pos) from None
    if _depth(tree) > DEEPEST_QUERY:
        raise Misread("the conditions are nested too deeply", 0)
    return tree


@cache
def _parser() -> Lark:
    # LALR is linear in the length of the text and does not recurse, whatever the text is.
    return Lark.open("sgql.lark", rel_to=__file__, parser="lalr", propagate_positions=True, maybe_placeholders=False)


def _depth(tree: Tree[Token]) -> int:
    """Return the number of levels of a tree, counted without recursion."""
    depth, level = 0, [tree]
    while level:
        depth += 1
        level = [child for node in level for child in node.children if isinstance(child, Tree)]
    return depth
