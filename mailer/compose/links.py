"""Decide how the system tags of a mail are replaced: by links with the token of a message, or by its sender.

Header fields for programs have the same links. Sources: SendGrid's names for the tags; RFC 2369 and RFC 8058 for
the header fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Final, NamedTuple
from urllib.parse import quote

from mailer.compose.headers import one_line
from mailer.compose.system_tags import (
    GLOBAL_NAMES,
    GROUP_NAMES,
    PREFERENCES,
    PREFERENCES_NAMES,
    UNSUBSCRIBE,
    UNSUBSCRIBE_NAMES,
    WEBLINK,
    SystemTag,
    find_system_tags,
)
from mailer.draft import Address, Rendering
from mailer.models import Mail

GROUP_PAGE, GLOBAL_PAGE, PREFERENCES_PAGE, WEBLINK_PAGE = "", "/all", "/preferences", "/view"
"""The pages behind a token."""
TOKEN: Final = "\0"
"""The place of the token of a message. No text that is stored has this character."""
WORDS: Final[Mapping[str, str]] = {
    "asm_group_unsubscribe_url": "Unsubscribe From This List",
    "asm_global_unsubscribe_url": "Unsubscribe",
    "asm_preferences_url": "Manage Email Preferences",
}
"""The texts of the links that replace these tags in HTML, unless they are in quotes, as an attribute is."""
SUBSCRIPTION: Final = "subscription"
PIXEL: Final = "pixel"
"""The names of the tags that a mail or its account chooses: for the link to unsubscribe, and for the pixel of open
tracking."""
HEADER_URL = re.compile(r"https?://[!-;=?-~]{1,900}")
"""The URLs that can be written between angle brackets in a header."""
ONE_CLICK = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
TOKEN_LENGTH: Final = 100

Pieces = tuple[str, ...]
"""The texts around the places of the token: `token.join` puts them together."""


def split(text: str) -> Pieces:
    """Return the pieces of a text that has places of the token."""
    return tuple(text.split(TOKEN))


class Form(NamedTuple):
    """A tag's replacement: in most texts, in HTML, and in HTML outside of quotes."""

    plain: str
    html: str
    link: str

    def text_in(self, *, is_html: bool, is_quoted: bool) -> str:
        """Return the replacement, with the place of the token in it."""
        if not is_html:
            return self.plain
        return self.html if is_quoted else self.link


def address_form(url: str, words: str | None = None) -> Form:
    """Return the form of a URL; outside of quotes in HTML it is a link with these words."""
    html = escape(url)
    return Form(url, html, html if words is None else f'<a href="{html}">{words}</a>')


class Forms(NamedTuple):
    """The forms of all tags that a mail of one sender can resolve, and the URL of `List-Unsubscribe`, or "".

    `unsubscribe_url` is the URL by which a recipient unsubscribes, with the place of the token in it.
    """

    by_name: Mapping[str, Form]
    header_url: str
    unsubscribe_url: str


class Links:
    """The links of one mail."""

    def __init__(self, mail: Mail, rendering: Rendering, public_url: str) -> None:
        """Prepare the links. `public_url` is where recipients find this installation."""
        self._base = f"{public_url}/u/{TOKEN}"
        self._caller_url = one_line(mail.unsubscribe_url)
        has_group = bool(mail.unsubscribe_group_id)
        subscription = rendering.get("subscription")
        self.subscription = None if has_group else subscription
        """The texts of subscription tracking; a mail with a group does not use them."""
        self.subscription_tag = subscription["tag"] if subscription else ""
        """The tag that the caller chooses for the address to unsubscribe, with a group, too."""
        self._has_links = has_group or bool(self._caller_url)
        # The template of a preview is not stored, so it has no id.
        has_template = mail.template_id is not None or mail.template is not None
        self._is_global = bool(has_template or rendering.get("handlebars") or self.subscription)
        self._has_header = (self._has_links or self.subscription is not None) and not has_list_header(mail.headers)
        self._is_one_click = not self._caller_url and public_url.startswith("https:")

    def forms_of(self, sender: Address) -> Forms:
        """Return the forms of the tags in a message of this sender."""
        names = {"sender_name": sender.name or sender.email, "sender_email": sender.email}
        by_name = {name: Form(value, escape(value), escape(value)) for name, value in names.items()}
        by_name[WEBLINK] = address_form(self._base + WEBLINK_PAGE)
        unsubscribe_url = self._unsubscribe_url(by_name)
        for name, page in self._pages():
            by_name[name] = address_form(unsubscribe_url if self._caller_url else self._base + page, WORDS.get(name))
        by_name[SUBSCRIPTION] = address_form(unsubscribe_url)
        by_name[PIXEL] = Form("", "", "")
        is_fit = self._has_header and HEADER_URL.fullmatch(unsubscribe_url.replace(TOKEN, "x" * TOKEN_LENGTH))
        return Forms(by_name, unsubscribe_url if is_fit else "", unsubscribe_url)

    def header(self, forms: Forms, token: str, *, is_alone: bool, personal: Iterable[str] | None) -> bytes:
        """Return the header fields of a message with this token.

        They are left out if the caller set them for the mail or the message; `personal` has the names of the headers of
        the message. One click is offered only if it is known who clicks: the message `is_alone` with one recipient.
        """
        if not forms.header_url or (personal and has_list_header(personal)):
            return b""
        post = ONE_CLICK if self._is_one_click and is_alone else ""
        return f"List-Unsubscribe: <{forms.header_url.replace(TOKEN, token)}>\r\n{post}".encode("ascii")

    def _pages(self) -> Iterator[tuple[str, str]]:
        """Yield the names of the tags to unsubscribe that this mail resolves, with their pages."""
        names = resolved_names(has_links=self._has_links, is_global=self._is_global)
        for name in names:
            if name in PREFERENCES_NAMES or name == PREFERENCES:
                yield name, PREFERENCES_PAGE
            else:
                is_of_group = self._has_links and (name in GROUP_NAMES or name == UNSUBSCRIBE)
                yield name, GROUP_PAGE if is_of_group else GLOBAL_PAGE

    def _unsubscribe_url(self, by_name: Mapping[str, Form]) -> str:
        """Return the URL by which a recipient unsubscribes: the caller's with its tags filled in, or ours."""
        if not self._caller_url:
            return self._base + (GROUP_PAGE if self._has_links else GLOBAL_PAGE)
        global_form = address_form(self._base + GLOBAL_PAGE)
        forms = dict.fromkeys(UNSUBSCRIBE_NAMES, global_form) | dict(by_name)
        tags = list(find_system_tags(self._caller_url))
        if len(tags) == 1 and tags[0].text == self._caller_url and tags[0].name in forms:
            return forms[tags[0].name].plain
        return "".join(_encoded_pieces(self._caller_url, tags, forms))


def resolved_names(*, has_links: bool, is_global: bool) -> frozenset[str]:
    """Return the names of the tags to unsubscribe that a mail resolves.

    `has_links` is true for mail with a group or a link of its caller, `is_global` for other mail from which a recipient
    can unsubscribe: mail with a template or with subscription tracking.
    """
    return UNSUBSCRIBE_NAMES if has_links or is_global else GLOBAL_NAMES | PREFERENCES_NAMES


def has_list_header(names: Iterable[str]) -> bool:
    """Return whether List-Unsubscribe is among the names of some headers."""
    return "list-unsubscribe" in map(str.lower, names)


def _encoded_pieces(url: str, tags: Iterable[SystemTag], forms: Mapping[str, Form]) -> Iterator[str]:
    """Yield the pieces of a URL whose tags are replaced, and percent-encoded as in a part of a query."""
    at = 0
    for tag in tags:
        if tag.name in forms:
            yield url[at : tag.start]
            yield TOKEN.join([quote(piece, safe="") for piece in split(forms[tag.name].plain)])
            at = tag.start + len(tag.text)
    yield url[at:]
