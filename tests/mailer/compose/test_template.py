"""A filled template equals the text encoded as a whole, and raises an error where this is impossible."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.compose.template import (
    LONGEST_LINE,
    QuotedLines,
    Template,
    Text,
    encode_text,
    is_fillable,
    substitute,
    unify_breaks,
)
from tests.examples import for_each
from tests.mailer.compose.composed import read

QUOTED_LINE = 76
KEYS = ("-a-", "-b-", "%b", "-ab-")
statics = st.one_of(
    st.text(st.sampled_from("ab \t.=%\n"), max_size=12),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6),
    st.sampled_from([".", "..\n.", "x" * 75, "é" * 30, "y" * 990, "From me", "trailing ", "\r\n", "\r"]),
)
texts = st.lists(st.one_of(statics, st.sampled_from(KEYS)), max_size=9).map("".join)
values = st.fixed_dictionaries(
    dict.fromkeys(KEYS, st.one_of(statics, st.sampled_from(["", "-a-", "v" * 71, "v" * 80])))
)


def text_of(value: str) -> Text:
    return Text("text/plain", value, encode_text("text/plain", value))


@given(texts, values)
def test_a_filled_template_equals_the_text_encoded_as_a_whole(value: str, replacements: dict[str, str]) -> None:
    text = text_of(value)
    filled = Template([text], KEYS).fill([replacements[key] for key in KEYS])
    if filled is None:
        assert not text.is_quoted
        return
    whole = substitute(unify_breaks(value), {key: unify_breaks(each) for key, each in replacements.items()})
    assert read(filled) == read(encode_text("text/plain", whole))
    body = filled.partition(b"\r\n\r\n")[2]
    lines = body.split(b"\r\n")
    assert max(map(len, lines)) <= (QUOTED_LINE if text.is_quoted else LONGEST_LINE)
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    assert body.isascii()
    if text.is_quoted:
        assert not any(line.endswith((b" ", b"\t")) for line in lines), "a relay may strip it"


@for_each(
    "value",
    ["é", "two\nlines", "a\rb", "x" * LONGEST_LINE],
    ids=["not ASCII", "LF", "CR", "too long for its line"],
)
def test_a_plain_text_is_encoded_again_for_a_value_that_is_not_plain(value: str) -> None:
    assert Template([text_of("Dear -a-,")], ("-a-",)).fill([value]) is None
    assert Template([text_of("Dear -a-,")], ("-a-",)).fill(["you"]) is not None


def test_a_value_that_stands_in_one_line_often_makes_it_long() -> None:
    often = Template([text_of("-a-" * 100)], ("-a-",))
    assert often.fill(["nine more"]) is not None
    assert often.fill(["ten and more"]) is None


def test_no_value_makes_a_text_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailer.compose.template.LONGEST", 1000)
    assert Template([text_of("é" + "-a-\n" * 100)], ("-a-",)).fill(["x" * 50]) is None


def test_content_whose_template_would_cost_too_much_memory_has_none() -> None:
    assert is_fillable([text_of("short")], ("-a-",))
    assert not is_fillable([text_of("x" * 200_001)], ("-a-",))
    assert not is_fillable([text_of("short")], ("a\r\nb",)), "line ends are made one before the text is cut"


LINES = st.text(st.sampled_from("ab .=\t\r\né\u2028x"), max_size=20) | st.sampled_from(("b" * 77, "é" * 1200, "", "."))


@given(st.lists(LINES, min_size=1, max_size=8))
def test_a_text_that_is_one_of_many_is_encoded_as_any_other(lines: list[str]) -> None:
    value = "\n".join([*lines, *lines, "é"])
    for text in (value, value.replace("\n", "\r\n"), "\n".join(lines)):
        assert encode_text("text/html", text, is_one_of_many=True) == encode_text("text/html", text)


def test_lines_are_remembered_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QuotedLines, "MOST", 3)
    quoted = QuotedLines()
    for lines in (["é1", "é2"], ["é3", "é1"], ["é4", "é5", "é1", "é" * 3000]):
        assert quoted.quote(lines) == [encode_text("text/plain", line).partition(b"\r\n\r\n")[2] for line in lines]
    assert len(quoted._quoted) <= 3
    assert max(map(len, quoted._quoted)) < 3000
