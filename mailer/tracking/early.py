"""Rewrite the links of a mail once, in the texts that its messages share.

That works for a message if none of its values brings or changes a tag. Then a tracked message costs little more than
another one: its token is filled in as a value, and so are the addresses that have values of the message. The links of
all other messages are rewritten when they are finished.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from functools import lru_cache
from typing import Final, NamedTuple

from foundation.caches import Cache
from mailer.compose.headers import is_html
from mailer.compose.html_tags import resolve_value
from mailer.compose.template import Values, cut
from mailer.tracking.places import WEB, SafePlaces, Span, find_safe_places, find_safe_words
from mailer.tracking.rewriting import LinkRewriter, OwnLink

CACHED: Final = 16
"""The number of sets of keys that are cached, and of texts."""
CACHED_HTML: Final = 200_000
"""The most characters of such a text."""
MOST_KEYS: Final = 100
"""The most keys of a message for which its links are rewritten early. Each link is searched for all of them."""
QUOTES: Final = ('"', "'")
NO_ADDRESSES: Final[Mapping[str, str]] = {}


class Fit(IntEnum):
    """The values that a message may have if its links are rewritten early."""

    NONE = 0
    """No values at all: a key is a part of a link, or of a tag."""
    WITHOUT_BRACKETS = 1
    """Values that begin no tag: all keys are in the text."""
    WITHOUT_QUOTES = 2
    """Values that also end no value of an attribute."""
    IN_ADDRESSES = 3
    """The same, and keys are in addresses of links."""


class Plan(NamedTuple):
    """The plan for rewriting the links of messages with certain keys.

    `texts` are the shared texts, unless they are the same for messages without any keys; `own` are the links whose
    addresses have keys of the message.
    """

    fit: Fit
    texts: tuple[str, ...] | None = None
    own: tuple[OwnLink, ...] = ()


Early = tuple[Mapping[str, str], tuple[str, ...] | None]
"""The addresses of a message's own links by their keys, and its texts; None if all messages share these."""


class EarlyLinks:
    """Rewrite the links in the shared texts of a mail, and decide for which messages these texts can be used."""

    def __init__(
        self, links: LinkRewriter, types: Sequence[str], texts: tuple[str, ...], *, token: str, unsubscribe_url: str
    ) -> None:
        """Prepare for the texts of a mail. `token` is the key of a message's token."""
        self._links, self._types, self._originals = links, types, texts
        self._token, self._unsubscribe_url = token, unsubscribe_url
        self._is_in_text = links.is_in_text and any(not is_html(type) for type in types)
        self.texts = links.rewrite(types, texts, token, unsubscribe_url=unsubscribe_url)
        """The texts with the links that have no keys."""
        self._places = [(text, _find_places(type, text)) for type, text in self._with_links(texts)]
        self._plans: Cache[tuple[str, ...], Plan] = Cache(CACHED)

    def place(self, values: Values, tags: Mapping[str, object], token: str) -> Early | None:
        """Return the addresses and texts of a message with these values and this token; None if it is rewritten later.

        `tags` has the keys of tags, whose replacements are known to be whole elements or texts.
        """
        keys = (*values.plain, *tags)
        plan = self._plans.get(keys)
        if plan is None:
            plan = self._plans[keys] = self._make_plan(tuple(values.plain), tags)
        fit, texts, links = plan
        if fit is Fit.NONE or (values.plain and not self._are_harmless(values, fit)):
            return None
        addresses = self._addresses_of(links, values.html, token) if links else NO_ADDRESSES
        return None if addresses is None else (addresses, texts)

    def _addresses_of(
        self, own_links: Iterable[OwnLink], values: Mapping[str, str], token: str
    ) -> Mapping[str, str] | None:
        """Return the addresses of a message's own links; None if one of them stays unchanged."""
        addresses = {}
        for key, format, pick, number, is_web in own_links:
            address_text = format % pick(values)
            url = resolve_value(address_text)
            if not (is_web or WEB.match(address_text)) or url == self._unsubscribe_url:
                return None
            address = self._links.address_of(url, number, token, is_html=True, is_own=True)
            if address is None:
                return None
            addresses[key] = address
        return addresses

    def _are_harmless(self, values: Values, fit: Fit) -> bool:
        html = "\0".join(values.html.values())
        if "<" in html or (fit is Fit.WITHOUT_QUOTES and ('"' in html or "'" in html)):
            return False
        return not (self._is_in_text and any(":" in value or "/" in value for value in values.plain.values()))

    def _make_plan(self, keys: tuple[str, ...], tags: Collection[str]) -> Plan:
        """Return the plan for messages with these keys, and for tags that are not keys."""
        tags = [tag for tag in tags if tag not in keys]
        fit, expected = _find_fit(self._places, keys, tags)
        if fit is Fit.NONE or (fit is Fit.IN_ADDRESSES and len(keys) > MOST_KEYS):
            return Plan(Fit.NONE)
        texts, plan = self.texts, Plan(fit)
        if fit is Fit.IN_ADDRESSES:
            texts, own_links = self._links.rewrite_around(
                self._types, self._originals, self._token, unsubscribe_url=self._unsubscribe_url, keys=keys
            )
            plan = Plan(Fit.WITHOUT_QUOTES, texts, own_links)
        # A token may have the letters of a key by chance, and a link may stay unchanged although it has a key.
        keys_in_texts = [key for _, text in self._with_links(texts) for key, _ in _occurrences(text, (*keys, *tags))]
        return plan if keys_in_texts == expected else Plan(Fit.NONE)

    def _with_links(self, texts: Sequence[str]) -> list[tuple[str, str]]:
        """Return the texts in which links are rewritten, with their types."""
        of_types = zip(self._types, texts, strict=True)
        return [(type, text) for type, text in of_types if self._is_in_text or is_html(type)]


_cached_places = lru_cache(maxsize=CACHED)(find_safe_places)


def _find_places(type: str, text: str) -> SafePlaces:
    """Return the safe places of a text. Some are cached, since mail with the same text is often sent many times."""
    if not is_html(type):
        return find_safe_words(text)
    return (_cached_places if len(text) <= CACHED_HTML else find_safe_places)(text)


def _find_fit(
    texts: Iterable[tuple[str, SafePlaces]], keys: Collection[str], tags: Collection[str]
) -> tuple[Fit, list[str]]:
    """Return the fit of values in some texts, and the keys and tags outside of addresses of links.

    If the fit is NONE, not all of them are returned.
    """
    fit, keys_and_tags = Fit.WITHOUT_BRACKETS, list[str]()
    for text, places in texts:
        whole_values = {*places.values, *places.addresses}
        for key, span in _occurrences(text, (*keys, *tags)):
            if key not in tags and _is_within(span, places.addresses):
                fit = Fit.IN_ADDRESSES
                continue
            keys_and_tags.append(key)
            if _is_within(span, places.texts):
                continue
            if key in tags:
                if not _is_a_value(span, text, whole_values):
                    return Fit.NONE, keys_and_tags
            elif _is_within(span, places.values):
                fit = max(fit, Fit.WITHOUT_QUOTES)
            else:
                return Fit.NONE, keys_and_tags
    return fit, keys_and_tags


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


def _is_a_value(span: Span, text: str, values: Collection[Span]) -> bool:
    """Return whether a place is the whole value of an attribute, with its quotes or without."""
    start, end = span
    if text[start] in QUOTES:
        start, end = start + 1, end - 1
    return (start, end) in values
