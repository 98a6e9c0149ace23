"""Rewrite the links of a mail: each becomes a tracked URL, which redirects to the address in its sealed token.

It rewrites the quoted addresses of links in HTML that start with http:// or https://, and the URLs in plain text if the
mail asks for it: the first thousand of a mail, in their order. The links to unsubscribe, to the preferences and to the
page of the message stay unchanged, as does a link with the attribute `clicktracking=off`, which is removed. Addresses
that no header can hold, or that are too long for servers on the way, stay unchanged as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from html import escape
from operator import itemgetter
from typing import Final, NamedTuple

from foundation.caches import Cache
from mailer.compose.headers import is_html
from mailer.compose.html_tags import resolve_value
from mailer.compose.source import PLAIN
from mailer.compose.template import cut
from mailer.draft import Rendering
from mailer.tracking.parameters import add_parameters
from mailer.tracking.places import URL_IN_TEXT, WEB, find_links, without_punctuation
from mailer.tracking.tokens import sealer

MOST_LINKS: Final = 1_000
LONGEST_URL: Final = 4_000
"""The most bytes of an address that is tracked. Its token is longer by a third."""
CACHED_LINKS: Final = 1_000
CACHED_URL: Final = 500
"""The number of tokens that a mail caches, and the most characters of their addresses."""
FIT: Final = re.compile(r"[^\x00-\x1f\x7f]*[^\x00-\x20\x7f]")
"""The addresses without control characters, and without a space at the end."""
CLICKS: Final = "/c/"
"""The path of tracked links, before their tokens."""


class LinkRewriter:
    """Rewrite the links of one stored mail."""

    def __init__(self, mail_id: int, rendering: Rendering, *, tracking_url: str, own_pages: str) -> None:
        """Prepare for the links of a mail. `own_pages` is the beginning of our pages for recipients."""
        clicks = rendering.get("clicks")
        self._seal = partial(sealer().seal_link, mail_id)
        self._is_tracked = clicks is not None
        self._parameters: Mapping[str, str] = rendering.get("utm") or {}
        self.is_in_text = clicks is not None and clicks["in_text"]
        self._base = tracking_url + CLICKS
        self._own_pages = own_pages
        self._tokens: Cache[tuple[str, int, bool], str] = Cache(CACHED_LINKS)

    def rewrite(
        self, types: Sequence[str], texts: Sequence[str], token: str, *, unsubscribe_url: str
    ) -> tuple[str, ...]:
        """Return the texts of a message with their links rewritten.

        `token` is that of the message. `unsubscribe_url` is the link to unsubscribe, which may be the caller's.
        """
        return self.rewrite_around(types, texts, token, unsubscribe_url=unsubscribe_url, keys=())[0]

    def rewrite_around(
        self, types: Sequence[str], texts: Sequence[str], token: str, *, unsubscribe_url: str, keys: Collection[str]
    ) -> tuple[tuple[str, ...], tuple[OwnLink, ...]]:
        """Return texts with their links rewritten, and the links in HTML whose addresses have keys of a message.

        The latter are replaced by keys, since each message has another address.
        """
        rewriting = Rewriting(self, token, unsubscribe_url, keys)
        rewritten = tuple([rewriting.rewrite(type, text) for type, text in zip(types, texts, strict=True)])
        return rewritten, tuple(rewriting.own)

    def address_of(self, url: str, number: int, token: str, *, is_html: bool, is_own: bool = False) -> str | None:
        """Return the address in the place of another, as it is written in a text; None if that stays unchanged.

        The token of a link that is a message's own is not cached.
        """
        # The characters of most addresses are printable, which is found out faster.
        if url.startswith(self._own_pages) or not ((url.isprintable() and url[-1] != " ") or FIT.fullmatch(url)):
            return None
        changed = add_parameters(url, self._parameters) if self._parameters else url
        if len(changed.encode()) > LONGEST_URL:
            return None
        if self._is_tracked:
            sealed = (self._seal if is_own else self._shared_token)(changed, number, is_html)
            return f"{self._base}{sealed}.{token}"
        return None if changed == url else escape(changed)

    def _shared_token(self, url: str, number: int, is_html: bool) -> str:
        """Return the token of a link. Some are cached, since the messages of a mail mostly have the same links."""
        link = url, number, is_html
        token = self._tokens.get(link)
        if token is None:
            token = self._seal(*link)
            if len(url) <= CACHED_URL:
                self._tokens[link] = token
        return token


class OwnLink(NamedTuple):
    """A link of HTML whose address has keys of a message.

    `key` takes its place in the text. `format` is the address as it is written, and `pick` takes its values out of
    those of a message. `is_web` is false if the address may not start with http:// or https:// then.
    """

    key: str
    format: str
    pick: Callable[[Mapping[str, str]], str | tuple[str, ...]]
    number: int
    is_web: bool


class Rewriting:
    """The rewriting of the texts of one message, whose links are counted."""

    def __init__(self, links: LinkRewriter, token: str, unsubscribe_url: str, keys: Collection[str]) -> None:
        self._links, self._token, self._unsubscribe_url = links, token, unsubscribe_url
        self._keys = tuple([key for key in keys if key])
        self._left = MOST_LINKS
        self._number = 0
        self.own: list[OwnLink] = []

    def rewrite(self, type: str, text: str) -> str:
        """Return a text of the message with its links rewritten."""
        self._number = 0
        if is_html(type):
            return self._rewrite_html(text)
        return URL_IN_TEXT.sub(self._replace, text) if self._links.is_in_text and type.startswith(PLAIN) else text

    def _rewrite_html(self, html: str) -> str:
        pieces, at = [], 0
        for (start, end), mark in find_links(html, self._keys):
            if mark is not None:
                pieces += [html[at : mark[0]]]
                at = mark[1]
            elif (new := self._address_in_html(html[start:end])) is not None:
                pieces += [html[at:start], new]
                at = end
        return "".join([*pieces, html[at:]]) if pieces else html

    def _address_in_html(self, text: str) -> str | None:
        if self._keys and len(pieces := cut.__wrapped__(text, self._keys)) > 1:
            return self._own_address(pieces)
        return self._address(resolve_value(text), is_html=True)

    def _own_address(self, pieces: tuple[str, ...]) -> str | None:
        """Return the key in the place of an address that has keys of the message."""
        if not self._left:
            return None
        format = "%s".join([piece.replace("%", "%%") for piece in pieces[::2]])
        is_web = WEB.match(pieces[0]) is not None
        link = OwnLink(f"\0l{len(self.own)}\0", format, itemgetter(*pieces[1::2]), self._number, is_web)
        self.own.append(link)
        self._count()
        return link.key

    def _replace(self, match: re.Match[str]) -> str:
        url = without_punctuation(match[0])
        new = self._address(url, is_html=False) if WEB.match(url) else None
        return match[0] if new is None else new + match[0][len(url) :]

    def _address(self, url: str, *, is_html: bool) -> str | None:
        if not self._left or url == self._unsubscribe_url:
            return None
        new = self._links.address_of(url, self._number, self._token, is_html=is_html)
        if new is not None:
            self._count()
        return new

    def _count(self) -> None:
        self._number += 1
        self._left -= 1
