"""Replace tags in a mail's texts by links to unsubscribe, and write the header with the same links for programs.

The tags of a mail are searched once; a message then only puts its token into them. Sources: SendGrid's names for the
tags; RFC 2369 and RFC 8058 for the headers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import Final, NamedTuple

from mailer.compose.headers import one_line
from mailer.compose.template import Values
from mailer.models import Mail

LEAVE, LEAVE_EVERYTHING, PREFERENCES = "", "/all", "/preferences"
"""The pages behind a token."""

GROUP_TAGS: Final[dict[str, str]] = {
    "<%asm_group_unsubscribe_raw_url%>": LEAVE,
    "[unsubscribe]": LEAVE,
    "{{{unsubscribe}}}": LEAVE,
    "{{unsubscribe}}": LEAVE,
    "{{{unsubscribe_preferences}}}": PREFERENCES,
    "{{unsubscribe_preferences}}": PREFERENCES,
}
"""The tags of mail that belongs to a group or has an unsubscribe link of its caller. They are replaced by the address
of the page."""
RAW_TAGS: Final[dict[str, str]] = {
    "<%asm_global_unsubscribe_raw_url%>": LEAVE_EVERYTHING,
    "<%asm_preferences_raw_url%>": PREFERENCES,
}
"""The tags of any mail."""
GROUP_LINKS: Final[dict[str, tuple[str, str]]] = {
    "<%asm_group_unsubscribe_url%>": (LEAVE, "Unsubscribe From This List")
}
LINKS: Final[dict[str, tuple[str, str]]] = {
    "<%asm_global_unsubscribe_url%>": (LEAVE_EVERYTHING, "Unsubscribe"),
    "<%asm_preferences_url%>": (PREFERENCES, "Manage Email Preferences"),
}
"""The tags that a whole link replaces in HTML, unless they are in quotes, as an attribute is."""

HEADER_URL = re.compile(r"https?://[!-;=?-~]{1,900}")
"""The URLs that can be written between angle brackets in a header."""
ONE_CLICK = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"


class Form(NamedTuple):
    """A tag's replacement, before and behind the token: in most texts, and in HTML."""

    plain: tuple[str, str]
    html: tuple[str, str]


class UnsubscribeTags:
    """The tags that one mail has."""

    def __init__(self, mail: Mail, public_url: str) -> None:
        self.needs_token = not mail.unsubscribe_url
        self._base = f"{public_url}/u/" if self.needs_token else mail.unsubscribe_url
        has_links = bool(mail.unsubscribe_group_id or mail.unsubscribe_url)
        texts = [part["value"] for part in mail.content] + list(mail.headers.values())
        self._forms = {
            tag: form for tag, form in self._all_forms(with_group=has_links) if any(tag in text for text in texts)
        }
        self._is_twofold = any(form.plain != form.html for form in self._forms.values())
        self._has_header = (
            has_links and "list-unsubscribe" not in map(str.lower, mail.headers) and self._is_fit_for_header()
        )
        self._is_one_click = self.needs_token and public_url.startswith("https:")

    def __bool__(self) -> bool:
        return bool(self._forms) or self._has_header

    def values(self, token: str) -> Values:
        """Return the values of the tags in a message with this token, which is empty where the link is the caller's."""
        plain = {tag: f"{before}{token}{behind}" for tag, ((before, behind), _) in self._forms.items()}
        if not self._is_twofold:
            return Values(plain, plain)
        return Values(plain, {tag: f"{before}{token}{behind}" for tag, (_, (before, behind)) in self._forms.items()})

    def header(self, token: str, *, is_alone: bool, own: Iterable[str] | None) -> bytes:
        """Return the header fields of a message with this token.

        There are none where the caller gave them for the mail or the message. One click is offered only where it is
        known who clicks: the message `is_alone` with one recipient.
        """
        if not self._has_header or (own and "list-unsubscribe" in map(str.lower, own)):
            return b""
        post = ONE_CLICK if self._is_one_click and is_alone else ""
        return f"List-Unsubscribe: <{self._base}{token}>\r\n{post}".encode("ascii")

    def _is_fit_for_header(self) -> bool:
        return HEADER_URL.fullmatch(self._base) is not None

    def _all_forms(self, *, with_group: bool) -> Iterator[tuple[str, Form]]:
        for tag, page in (RAW_TAGS | GROUP_TAGS if with_group else RAW_TAGS).items():
            yield tag, self._form(page)
        for tag, (page, words) in (LINKS | GROUP_LINKS if with_group else LINKS).items():
            form = self._form(page)
            before, behind = form.html
            yield tag, Form(form.plain, (f'<a href="{before}', f'{behind}">{words}</a>'))
            for mark in ('"', "'"):
                yield f"{mark}{tag}{mark}", _wrap(form, mark)

    def _form(self, page: str) -> Form:
        before, behind = one_line(self._base), page if self.needs_token else ""
        return Form((before, behind), (escape(before), behind))


def _wrap(form: Form, mark: str) -> Form:
    (before, behind), (html_before, html_behind) = form
    return Form((f"{mark}{before}", f"{behind}{mark}"), (f"{mark}{html_before}", f"{html_behind}{mark}"))
