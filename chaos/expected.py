"""Compare the text of a figure with the number or text that it has to show.

Numbers that stand still when no mail is sent are compared exactly. A figure that depends on the moment at which it is
read, such as a rate, has a range, and one that is made from the buckets of a histogram has a set of words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
TIME = re.compile(
    r"(\b[A-Z][a-z]{2} )?\b\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d)?)?|(\b[A-Z][a-z]{2} )?\b\d\d:\d\d(:\d\d)?"
    r"|\bin (\d+ (d|h|min|s)\b ?)+|(\d+ (d|h|min|s) )+ago\b"
)
"""Matches a time, and how far away it is: `Mon 08:00`, `2026-11-30 08:15:00`, `in 5 min`, `2 h 10 min ago`."""
ABOUT = re.compile(r"about (\d+) (s|min|h|d)")
UNITS = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}
NAME = re.compile(
    r"“[^”]*”|\d+(?:\.\d+){3}|\S+@\S+|[A-Za-z0-9_-]{12}…|[A-Za-z0-9_-]{22,}|\b(message|receipt|number) \d+\b"
)
"""Matches a quoted name, an address, a public id or the beginning of one, and the number of an object."""
FIXED = re.compile(
    r"\b(next|last|in|for|past) \d+ (hours|minutes|days)\b|\bno mail in 10 min|\bwithin 12 hours\b|\bfor 72 hours"
    r"|\b9[59] (of 100|% sent)|\bp50|\bp95|\b(at most|only( the first)?) \d+\b|\b0 of \d+ selected"
    r"|\bfewer than 100 recipients|\b[25]% or more: |\bbelow 2%|\bfrom 0\.[13]%|\b(Cancel|Pause) \d+ mailings"
    r"|\b(Sluice|PostgreSQL|Valkey|Redis|Python) \d+(\.\d+)+",
    re.IGNORECASE,
)
"""Matches the numbers in texts that are always the same, in versions, and of what the reader has just chosen."""


@dataclass(frozen=True, slots=True)
class Range:
    """The least and the largest number that a figure may show."""

    least: float
    most: float

    def __str__(self) -> str:
        return f"{self.least:,.3g} to {self.most:,.3g}"


@dataclass(frozen=True, slots=True)
class Span:
    """The least and the most seconds that a text such as `about 3 min` may mean."""

    least: float
    most: float


Expected = int | str | Range | Span | frozenset[str]
Shown = Expected | tuple[Expected, ...] | None
"""The value that a figure has to show, or those of the numbers of a sentence; None for a key that does not exist."""
Connection = psycopg.Connection[Any]


def is_shown(text: str, expected: Expected) -> bool:
    """Return whether a text shows this number, a number of this range, this text, or one of these texts."""
    if isinstance(expected, str):
        return text == expected
    if isinstance(expected, frozenset):
        return text in expected
    if isinstance(expected, Span):
        return is_within(text, expected)
    if not NUMBER.fullmatch(text):
        return False
    number = float(text.replace(",", ""))
    return expected.least <= number <= expected.most if isinstance(expected, Range) else number == expected


def is_within(text: str, span: Span) -> bool:
    """Return whether a text such as `about 3 min`, which is rounded, can mean a time of this span."""
    match = ABOUT.fullmatch(text)
    if match is None:
        return False
    unit = UNITS[match[2]]
    seconds = int(match[1]) * unit
    return span.least - unit / 2 <= seconds <= span.most + unit / 2


def is_unmarked(text: str, names: frozenset[str]) -> bool:
    """Return whether a text that is no figure has a numeral, other than those of times, names and fixed texts."""
    if not has_numeral(FIXED.sub("", without_names(text))):
        return False
    return has_numeral(FIXED.sub("", without_names(without_these(text, names))))


def has_numeral(text: str) -> bool:
    return any(character.isdigit() for character in text)


def without_names(text: str) -> str:
    """Return a text without the times and the names that can have numerals."""
    return NAME.sub("", TIME.sub("", text))


def without_these(text: str, names: Iterable[str]) -> str:
    """Return a text without these names, the longest ones first."""
    for name in sorted((name for name in names if name and name in text), key=len, reverse=True):
        text = text.replace(name, "")
    return text


def numbers_in(text: str, names: Iterable[str] = ()) -> Iterator[str]:
    """Yield the numbers in a sentence, which may have names."""
    yield from NUMBER.findall(without_names(without_these(text, names)))
