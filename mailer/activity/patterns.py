"""Match texts with the patterns of LIKE: `%` is any text, `_` any character, and a backslash makes them literal.

A pattern is cut at its `%` into segments of a fixed length. The first is the beginning of the text and the last is its
end. Each of the others is found at its first place behind the one before, so nothing is tried twice and no pattern
takes longer than its length times that of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

TOKEN: Final = re.compile(r"\\.|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern, as it was written."""

    text: str
    _segments: tuple[tuple[int, re.Pattern[str]], ...] = field(init=False, repr=False, compare=False)
    """The segments: the number of characters that each one matches, and an expression without repetitions."""

    def __post_init__(self) -> None:
        segments: list[list[str]] = [[]]
        for token in TOKEN.findall(self.text):
            if token == "%":
                segments.append([])
            else:
                segments[-1].append("." if token == "_" else re.escape(token[-1]))
        compiled = tuple((len(segment), re.compile("".join(segment), re.DOTALL)) for segment in segments)
        object.__setattr__(self, "_segments", compiled)

    def matches(self, text: str) -> bool:
        """Return whether the whole text matches."""
        (begin, first), *others = self._segments
        if not first.match(text):
            return False
        if not others:
            return len(text) == begin
        *inner, (length, last) = others
        place, end = begin, len(text) - length
        for length, segment in inner:
            match = segment.search(text, place)
            if match is None:
                return False
            place = match.start() + length
        return place <= end and last.match(text, end) is not None
