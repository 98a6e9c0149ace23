"""Replace the keys of substitutions and sections, alternately, at most four levels deep.

In a text both kinds of keys are replaced, in the value of a substitution only keys of sections, and in a section only
keys of substitutions. So a section in a section, and a value in a value, stay unchanged.
Each key of a text gets its final value first; then one pass over the text replaces all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from mailer.compose.template import LONGEST, TextTooLong, cut

LEVELS: Final = 4
"""The keys of a text are the first level, those of their values the second, and so on."""


def resolve(substitutions: Mapping[str, str], sections: Mapping[str, str], *, in_text: Iterable[str]) -> dict[str, str]:
    """Return the final values of all keys of substitutions, and of the sections whose keys are `in_text`.

    A substitution precedes a section of the same key. Raises TextTooLong if all of the values together have more than
    `LONGEST` characters.
    """
    resolution = _Resolution(substitutions, sections)
    values = {key: resolution.fill_section(key, 1) for key in in_text if key not in substitutions}
    return values | {key: resolution.fill_value(key, 1) for key in substitutions}


class _Resolution:
    """The values of one message. Each is filled in once at each level."""

    def __init__(self, substitutions: Mapping[str, str], sections: Mapping[str, str]) -> None:
        self._substitutions = substitutions
        self._sections = sections
        self._used_sections = keys_in("\0".join(substitutions.values()), sections)
        self._done: dict[tuple[bool, str, int], str] = {}
        self._left = LONGEST

    def fill_value(self, key: str, level: int) -> str:
        text = self._substitutions[key]
        keys = keys_in(text, self._used_sections) if level < LEVELS and self._used_sections else ()
        return self._fill(text, keys, self.fill_section, (False, key, level)) if keys else text

    def fill_section(self, key: str, level: int) -> str:
        text = self._sections[key]
        keys = keys_in(text, self._substitutions) if level < LEVELS else ()
        return self._fill(text, keys, self.fill_value, (True, key, level)) if keys else text

    def _fill(
        self, text: str, keys: tuple[str, ...], fill: Callable[[str, int], str], place: tuple[bool, str, int]
    ) -> str:
        if place not in self._done:
            is_shared, _, level = place
            pieces = list((cut if is_shared else cut.__wrapped__)(text, keys))
            pieces[1::2] = [fill(key, level + 1) for key in pieces[1::2]]
            self._left -= sum(map(len, pieces))
            if self._left < 0:
                raise TextTooLong
            self._done[place] = "".join(pieces)
        return self._done[place]


def keys_in(text: str, keys: Iterable[str]) -> tuple[str, ...]:
    """Return the keys that occur in a text."""
    return tuple([key for key in keys if key and key in text])
