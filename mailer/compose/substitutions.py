"""Legacy substitutions: every key of a personalization that stands in a text is replaced by its value.

All keys are replaced in one pass, the longest first, so a value that happens to contain another key stays as it is.
Source: SendGrid v3 mail/send, `personalizations[].substitutions`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

LONGEST = 40_000_000
"""Characters: a third more than a request can bring. A short value in many places can make far more of a text."""
CACHED = 200_000
"""Texts up to this long are kept cut."""


class TextTooLong(ValueError):
    """With its values a text would be longer than `LONGEST`."""


def substitute(text: str, values: Mapping[str, str]) -> str:
    """`text` with every key of `values` replaced. Raises TextTooLong."""
    pieces = (cut if len(text) <= CACHED else cut.__wrapped__)(text, tuple(values)) if values else ()
    if len(pieces) < 2:
        return text
    replaced = list(pieces)
    replaced[1::2] = [values[key] for key in pieces[1::2]]
    if sum(map(len, replaced)) > LONGEST:
        raise TextTooLong
    return "".join(replaced)


@lru_cache(maxsize=256)
def cut(text: str, keys: tuple[str, ...]) -> tuple[str, ...]:
    """The text cut at its keys: text, key, text, key … text. Cached, since a mail's messages share texts and keys."""
    ordered = sorted((key for key in keys if key), key=len, reverse=True)
    return tuple(re.split(f"({'|'.join(map(re.escape, ordered))})", text)) if ordered else (text,)
