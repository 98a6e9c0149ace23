"""Choose what is appended to a body: the footer, and a link to unsubscribe if the body has none.

The link is appended where a mail has an unsubscribe group or subscription tracking, for plain text and HTML separately.
With a group the texts of subscription tracking are not used. Sources: SendGrid v3 mail/send, `mail_settings.footer`,
`tracking_settings.subscription_tracking` and `asm`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from mailer.compose.source import HTML, PLAIN
from mailer.compose.system_tags import has_unsubscribe_tag
from mailer.compose.tag_finder import TagFinder
from mailer.draft import Rendering, SubscriptionTexts

GLOBAL_URL_TAG: Final = "<%asm_global_unsubscribe_raw_url%>"
OF_GROUP: Final[Mapping[str, str]] = {
    PLAIN: "Unsubscribe From This List: <%asm_group_unsubscribe_raw_url%>\n"
    "Manage Email Preferences: <%asm_preferences_raw_url%>\n",
    HTML: "<p><%asm_group_unsubscribe_url%> | <%asm_preferences_url%></p>",
}
OF_SUBSCRIPTION: Final[Mapping[str, str]] = {
    PLAIN: f"To stop receiving these emails, open this address: {GLOBAL_URL_TAG}\n",
    HTML: f'<p>To stop receiving these emails, <a href="{GLOBAL_URL_TAG}">unsubscribe here</a>.</p>',
}
SEPARATORS: Final[Mapping[str, str]] = {PLAIN: "\n", HTML: ""}
BODY_END_TAG: Final = "</body"
BODY_END: Final = re.compile(BODY_END_TAG, re.IGNORECASE)
LINK: Final = re.compile(r"<%(?P<words>(?:[^%<]|%(?!>)|<(?!%))*+)%>")


class Footers:
    """The texts that may be appended to the bodies of one mail. Of their keys, only system tags are replaced."""

    def __init__(
        self,
        rendering: Rendering,
        subscription: SubscriptionTexts | None,
        *,
        has_group: bool,
        finder: TagFinder,
    ) -> None:
        footer = rendering.get("footer")
        self._footers = {PLAIN: finder.prepare(footer["text"]), HTML: finder.prepare(footer["html"])} if footer else {}
        self._link_texts: Mapping[str, str] = {}
        if has_group:
            self._link_texts = OF_GROUP
        elif subscription is not None:
            self._link_texts = _subscription_texts(subscription)
        self._link_texts = {kind: finder.prepare(text) for kind, text in self._link_texts.items()}
        self._kinds_without_link = {
            kind
            for kind in self._link_texts
            if not finder.has_unsubscribe_link(self._footers.get(kind, ""), is_html=kind == HTML)
        }

    def needs_link(self, type: str) -> bool:
        """Return whether a body of this MIME type needs a link to unsubscribe, in itself or appended."""
        return kind_of(type) in self._kinds_without_link

    def text_after(self, type: str, *, has_link: bool) -> str:
        """Return the text to append to a body of this MIME type; it may be empty."""
        kind = kind_of(type)
        texts = [self._footers.get(kind, "")]
        if kind in self._kinds_without_link and not has_link:
            texts.append(self._link_texts[kind])
        return "".join([f"{SEPARATORS[kind]}{text}" for text in texts if text])


def kind_of(type: str) -> str:
    """Return a MIME type without its parameters."""
    return type.lower().partition(";")[0].strip()


def place_of_footer(body: str, type: str) -> int:
    """Return the place for a footer: before the last `</body` of HTML, otherwise at the end."""
    if not type.lower().startswith(HTML):
        return len(body)
    return max((match.start() for match in BODY_END.finditer(body)), default=len(body))


def _subscription_texts(subscription: SubscriptionTexts) -> Mapping[str, str]:
    """Return the texts of subscription tracking: the default texts if there is a tag, or where a text is missing."""
    if subscription["tag"]:
        return OF_SUBSCRIPTION
    html = LINK.sub(_link_in_html, subscription["html"])
    plain = LINK.sub(_link_in_text, subscription["text"])
    return {kind: _with_link(kind, text) for kind, text in ((PLAIN, plain), (HTML, html))}


def _link_in_html(match: re.Match[str]) -> str:
    if has_unsubscribe_tag(match[0]):
        return match[0]
    return f'<a href="{GLOBAL_URL_TAG}">{match["words"].strip() or GLOBAL_URL_TAG}</a>'


def _link_in_text(match: re.Match[str]) -> str:
    if has_unsubscribe_tag(match[0]):
        return match[0]
    return f"{match['words'].strip()} {GLOBAL_URL_TAG}".strip()


def _with_link(kind: str, text: str) -> str:
    """Return a text, with the default behind it if the text has no link to unsubscribe."""
    if has_unsubscribe_tag(text):
        return text
    return SEPARATORS[kind].join([text, OF_SUBSCRIPTION[kind]]) if text else OF_SUBSCRIPTION[kind]
