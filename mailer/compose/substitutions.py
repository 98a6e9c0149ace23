"""Keys in texts: each one that a personalization has a value for is replaced by it.

All keys are replaced in one pass, the longest first, so a value that happens to contain another key stays as it is.
A key has a value as a legacy substitution, which may be markup (SendGrid v3 mail/send,
`personalizations[].substitutions`); as a merge value, which is data, and escaped in HTML; or as a tag that becomes a
link (`unsubscribe.py`). The caller's own come first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from html import escape
from typing import Any, NamedTuple

LONGEST = 40_000_000
"""Characters: a third more than a request can bring. A short value in many places can make far more of a text."""
CACHED = 200_000
"""Texts up to this long are kept cut."""


class Values(NamedTuple):
    """What replaces each key, in most texts and in HTML: the same keys in the same order, or the same mapping."""

    plain: Mapping[str, str]
    html: Mapping[str, str]

    def over(self, others: Values) -> Values:
        """These, and the others for keys that these have not."""
        plain = {**others.plain, **self.plain}
        is_twofold = self.plain is not self.html or others.plain is not others.html
        return Values(plain, {**others.html, **self.html} if is_twofold else plain)


class TextTooLong(ValueError):
    """With its values a text would be longer than `LONGEST`."""


def values_of(said: Mapping[str, Any]) -> Values:
    """The values that one personalization brings, as it is stored."""
    own: Mapping[str, str] = said.get("substitutions") or {}
    if "merge" not in said:
        return Values(own, own)
    merge: Mapping[str, str] = said["merge"]
    return Values({**merge, **own}, {**{key: escape(value) for key, value in merge.items()}, **own})


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


def substitute_within(text: str, values: Mapping[str, str], *, longest: int) -> str | None:
    """Return `text` with every key of `values` replaced, or None if that has more than `longest` characters.

    Only the keys that occur are looked for together, so that many keys cost little, and nothing longer is made.
    """
    keys = tuple([key for key in values if key and key in text]) if len(text) <= longest else ()
    if not keys:
        return text if len(text) <= longest else None
    replaced = list(cut(text, keys))
    replaced[1::2] = [values[key] for key in replaced[1::2]]
    return "".join(replaced) if sum(map(len, replaced)) <= longest else None


@lru_cache(maxsize=256)
def cut(text: str, keys: tuple[str, ...]) -> tuple[str, ...]:
    """The text cut at its keys: text, key, text, key … text. Cached, since a mail's messages share texts and keys."""
    ordered = sorted((key for key in keys if key), key=len, reverse=True)
    return tuple(re.split(f"({'|'.join(map(re.escape, ordered))})", text)) if ordered else (text,)
