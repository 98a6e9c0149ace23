"""Patterns match as those of SQL do, in linear time."""

from __future__ import annotations

import re
import time

from hypothesis import given
from hypothesis import strategies as st

from mailer.activity.patterns import Pattern


def as_regex(pattern: str) -> str:
    tokens = re.findall(r"\\.|.", pattern, re.DOTALL)
    return "".join({"%": "(?s:.*)", "_": "(?s:.)"}.get(token, re.escape(token[-1])) for token in tokens)


@given(pattern=st.text(alphabet="ab%_\\\n", max_size=8), text=st.text(alphabet="ab%_\\\n", max_size=10))
def test_a_pattern_matches_like_an_expression(pattern: str, text: str) -> None:
    assert Pattern(pattern).matches(text) == bool(re.fullmatch(as_regex(pattern), text))


def test_no_pattern_takes_long() -> None:
    text = "a" * 1000
    begin = time.process_time()
    for pattern in ("%a" * 500 + "b", "%_" * 500 + "b", "%a_" * 333 + "%b%", ("%" + "a" * 99 + "_") * 9 + "b"):
        for _ in range(10):
            assert not Pattern(pattern).matches(text)
    assert time.process_time() - begin < 2
