"""Decide whether the links of a message can be rewritten in the texts that the messages of its mail share.

That is so if no value of the message is a part of a link, and none brings or changes a tag. Then a tracked message
costs little more than another one: its token is filled in as a value. The links of all other messages are rewritten
when they are finished.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Final

from mailer.compose.headers import is_html
from mailer.compose.template import Values, cut
from mailer.tracking.places import SafePlaces, Span, find_safe_places, find_safe_words

CACHED: Final = 16
"""The number of sets of keys that are cached."""
QUOTES: Final = ('"', "'")


class Fit(IntEnum):
    """Which values a message may have if its links are rewritten early."""

    NONE = 0
    """None: a key is a part of a link, or of a tag."""
    WITHOUT_BRACKETS = 1
    """Those that begin no tag: all keys are in the text."""
    WITHOUT_QUOTES = 2
    """Those that end no value of an attribute, either."""


class EarlyLinks:
    """Knows the places of keys in the shared texts of a mail, before and after their links are rewritten."""

    def __init__(
        self, types: Sequence[str], texts: Sequence[str], rewritten: Sequence[str], *, is_in_text: bool
    ) -> None:
        self._is_in_text = is_in_text and any(not is_html(type) for type in types)
        self._texts: list[tuple[str, SafePlaces]] = []
        for type, versions in zip(types, zip(texts, rewritten, strict=True), strict=True):
            if is_html(type):
                self._texts += [(text, find_safe_places(text)) for text in versions]
            elif is_in_text:
                self._texts += [(text, find_safe_words(text)) for text in versions]
        self._fits: dict[tuple[str, ...], Fit] = {}

    def is_for(self, own: Values, tags: Mapping[str, object]) -> bool:
        """Return whether the links of a message with these values can be rewritten early.

        `tags` has the keys of tags, whose replacements are known to be whole elements or texts.
        """
        keys = (*own.plain, *tags)
        fit = self._fits.get(keys)
        if fit is None:
            if len(self._fits) >= CACHED:
                self._fits.clear()
            fit = self._fits[keys] = self._find_fit(keys, tags)
        return fit is not Fit.NONE and self._are_harmless(own, fit)

    def _are_harmless(self, own: Values, fit: Fit) -> bool:
        html = "\0".join(own.html.values())
        if "<" in html or (fit is Fit.WITHOUT_QUOTES and any(mark in html for mark in QUOTES)):
            return False
        return not (self._is_in_text and any(":" in value or "/" in value for value in own.plain.values()))

    def _find_fit(self, keys: tuple[str, ...], tags: Collection[str]) -> Fit:
        fit = Fit.WITHOUT_BRACKETS
        for text, places in self._texts:
            for key, span in _occurrences(text, keys):
                if _is_within(span, places.texts):
                    continue
                if key in tags:
                    if not _is_a_value(span, text, [*places.values, *places.addresses]):
                        return Fit.NONE
                elif _is_within(span, places.values):
                    fit = Fit.WITHOUT_QUOTES
                else:
                    return Fit.NONE
        return fit


def _occurrences(text: str, keys: tuple[str, ...]) -> Iterator[tuple[str, Span]]:
    """Yield the keys in a text, as they are replaced, with their places."""
    at = 0
    for place, piece in enumerate(cut.__wrapped__(text, keys)):
        if place % 2:
            yield piece, (at, at + len(piece))
        at += len(piece)


def _is_within(span: Span, spans: Sequence[Span]) -> bool:
    place = bisect_right(spans, (span[0], sys.maxsize)) - 1
    return place >= 0 and spans[place][0] <= span[0] and span[1] <= spans[place][1]


def _is_a_value(span: Span, text: str, values: Iterable[Span]) -> bool:
    """Return whether a place is the whole value of an attribute, with its quotes or without."""
    start, end = span
    if text[start] in QUOTES:
        start, end = start + 1, end - 1
    return (start, end) in values
