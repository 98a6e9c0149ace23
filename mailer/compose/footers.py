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

LEAVE_EVERYTHING: Final = "<%asm_global_unsubscribe_raw_url%>"
OF_GROUP: Final[Mapping[str, str]] = {
    PLAIN: "Unsubscribe From This List: <%asm_group_unsubscribe_raw_url%>\n"
    "Manage Email Preferences: <%asm_preferences_raw_url%>\n",
    HTML: "<p><%asm_group_unsubscribe_url%> | <%asm_preferences_url%></p>",
}
OF_SUBSCRIPTION: Final[Mapping[str, str]] = {
    PLAIN: f"To stop receiving these emails, open this address: {LEAVE_EVERYTHING}\n",
    HTML: f'<p>To stop receiving these emails, <a href="{LEAVE_EVERYTHING}">unsubscribe here</a>.</p>',
}
SEPARATORS: Final[Mapping[str, str]] = {PLAIN: "\n", HTML: ""}
BODY_END_TAG: Final = "</body"
BODY_END: Final = re.compile(BODY_END_TAG, re.IGNORECASE)
LINK: Final = re.compile(r"<%(?P<words>(?:[^%<]|%(?!>)|<(?!%))*+)%>")


class Footers:
    """The texts that may be appended to the bodies of one mail. Their system tags are replaced, but no other keys."""

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
        self._ways_out: Mapping[str, str] = {}
        if has_group:
            self._ways_out = OF_GROUP
        elif subscription is not None:
            self._ways_out = _subscription_texts(subscription)
        self._ways_out = {kind: finder.prepare(text) for kind, text in self._ways_out.items()}
        self._needing = {
            kind for kind in self._ways_out if not finder.has_way_out(self._footers.get(kind, ""), is_html=kind == HTML)
        }

    def needs_way_out(self, type: str) -> bool:
        """Return whether a body of this MIME type needs a link to unsubscribe, in itself or appended."""
        return kind_of(type) in self._needing

    def text_after(self, type: str, *, has_way_out: bool) -> str:
        """Return the text to append to a body of this MIME type; it may be empty."""
        kind = kind_of(type)
        texts = [self._footers.get(kind, "")]
        if kind in self._needing and not has_way_out:
            texts.append(self._ways_out[kind])
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
    """Return the texts of subscription tracking; those of a tag, and missing ones, are the default."""
    if subscription["tag"]:
        return OF_SUBSCRIPTION
    html = LINK.sub(_link_in_html, subscription["html"])
    plain = LINK.sub(_link_in_text, subscription["text"])
    return {kind: _with_link(kind, text) for kind, text in ((PLAIN, plain), (HTML, html))}


def _link_in_html(match: re.Match[str]) -> str:
    if has_unsubscribe_tag(match[0]):
        return match[0]
    return f'<a href="{LEAVE_EVERYTHING}">{match["words"].strip() or LEAVE_EVERYTHING}</a>'


def _link_in_text(match: re.Match[str]) -> str:
    if has_unsubscribe_tag(match[0]):
        return match[0]
    return f"{match['words'].strip()} {LEAVE_EVERYTHING}".strip()


def _with_link(kind: str, text: str) -> str:
    """Return a text with the default behind it if it has no link to unsubscribe."""
    if has_unsubscribe_tag(text):
        return text
    return SEPARATORS[kind].join([text, OF_SUBSCRIPTION[kind]]) if text else OF_SUBSCRIPTION[kind]
