"""Sizing: how large the messages of a mail can become, known before any of them is made.

A message is its texts, headers and attachments with all values filled in, in bytes of UTF-8, before the transfer
encoding. The size is an upper bound: keys that overlap in a text are counted each, and a value that is shorter than its
key saves nothing. The work is linear in the request. Nearly always the shortest key and the longest value show that no
message can be too large; otherwise each key is counted once in each text, and all counting together is bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from html import escape
from itertools import chain
from typing import Final

from django.conf import settings

from mailer.compose.unsubscribe import GROUP_LINKS, GROUP_TAGS, LINKS, RAW_TAGS
from mailer.draft import MailDraft, Personalization
from mailer.errors import MessageTooLarge

PASSES: Final = 32
"""The most passes over the largest message in search of the keys of one request."""
UTF8_BYTES: Final = 4
"""The most bytes that a character takes."""
ESCAPED_BYTES: Final = 6
"""The most bytes that an escaped character takes in HTML: a quotation mark becomes `&quot;`."""
LINK_TAGS: Final = (*GROUP_TAGS, *RAW_TAGS, *GROUP_LINKS, *LINKS)
LINK_MARGIN: Final = 300
"""Bytes that a link has beside its address: its token, its page, and the words of its element."""

Sizes = Mapping[str, int]
"""The bytes of what replaces each key."""


def check_size(draft: MailDraft) -> None:
    """Accept a draft none of whose messages can exceed `MAX_MESSAGE_BYTES`. Raises MessageTooLarge.

    Its characters were checked before: no key holds a NUL.
    """
    limit = settings.MAX_MESSAGE_BYTES
    texts = [draft.subject, *draft.headers.values(), *(part.value for part in draft.content)]
    files = sum(len(file.content) for file in draft.attachments)
    links = link_sizes(draft.unsubscribe_url)
    if files + _coarse_size(texts, draft.personalizations, links) <= limit:
        return
    counter = KeyCounter(texts)
    for number, one in enumerate(draft.personalizations):
        if files + counter.size_with(_own_texts(one), {**links, **_sizes_of(one)}) > limit:
            raise MessageTooLarge(field=f"personalizations.{number}")


def link_sizes(unsubscribe_url: str) -> Sizes:
    """Return the sizes of the unsubscribe links, whose address is the caller's if it is not empty."""
    return _link_sizes(unsubscribe_url or settings.PUBLIC_URL)


@lru_cache(maxsize=16)
def _link_sizes(address: str) -> Sizes:
    return dict.fromkeys(LINK_TAGS, len(escape(address).encode()) + LINK_MARGIN)


class KeyCounter:
    """Counts keys in the texts that the messages of one mail share, each key once.

    Its methods raise MessageTooLarge when that becomes more than `PASSES` searches of the largest message.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._shared = "\0".join(texts)
        self._shared_bytes = len(self._shared.encode())
        self._counts: dict[str, int] = {}
        self._left = PASSES * settings.MAX_MESSAGE_BYTES

    def size_with(self, own_texts: Iterable[str], sizes: Sizes) -> int:
        """Return the bytes of the shared texts and of `own_texts` with these values filled in, at most."""
        own = "\0".join(own_texts)
        size = self._shared_bytes + len(own.encode())
        for key, value_size in sizes.items():
            growth = value_size - len(key.encode())
            if key and growth > 0:
                size += growth * (self._count_shared(key) + (self._count(key, own) if own else 0))
        return size

    def _count_shared(self, key: str) -> int:
        if key not in self._counts:
            self._counts[key] = self._count(key, self._shared)
        return self._counts[key]

    def _count(self, key: str, text: str) -> int:
        self._left -= len(text)
        if self._left < 0:
            raise MessageTooLarge(field="personalizations")
        return text.count(key)


def _coarse_size(texts: Sequence[str], people: Sequence[Personalization], links: Sizes) -> int:
    """Return a bound for the texts of the largest message: all of it the shortest key of any, each replaced by the
    longest value of any."""
    merges = [one.merge for one in people if one.merge]
    longest = max(
        max(links.values()),
        UTF8_BYTES * _longest([one.substitutions for one in people]),
        ESCAPED_BYTES * _longest(merges),
    )
    own = [sum(map(len, _own_texts(one))) for one in people if one.subject or one.headers]
    characters = sum(map(len, texts)) + max(own, default=0)
    if characters * (UTF8_BYTES + longest) <= settings.MAX_MESSAGE_BYTES // 2:
        return characters * (UTF8_BYTES + longest)  # small enough, were each key but one character
    keys = set(links).union(*(one.substitutions for one in people), *merges)
    shortest = min(len(key) for key in keys if key)
    return UTF8_BYTES * characters + characters // shortest * longest


def _longest(several: Iterable[Mapping[str, str]]) -> int:
    return max(map(len, chain.from_iterable([values.values() for values in several])), default=0)


def _sizes_of(one: Personalization) -> Sizes:
    merge = {key: len(escape(value).encode()) for key, value in one.merge.items()}
    return {**merge, **{key: len(value.encode()) for key, value in one.substitutions.items()}}


def _own_texts(one: Personalization) -> list[str]:
    return [one.subject or "", *one.headers.values()] if one.subject or one.headers else []
