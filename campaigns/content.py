"""Prepare the content of a campaign for its messages: texts, sender, headers, tags and links; and limit its size."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from html import escape
from typing import Final, NamedTuple
from urllib.parse import quote

from django.conf import settings

from campaigns.checking import compile_text
from campaigns.models import Campaign, Sender
from campaigns.tags import LEGACY_TAG, MUSTACHE, Tag, find_tags, replace_tags, values_of_sender
from content.template_tags import TAG as TEMPLATE_TAG
from mailer.compose.html_tags import StartTag, read_html
from mailer.compose.plain_text import plain_text_of
from mailer.compose.system_tags import SENDER_NAMES, SYSTEM_NAMES, find_system_tags
from mailer.draft import Address, Rendering
from mailer.errors import MessageTooLarge
from mailer.expressing import KeyCounter, count_tags, link_size

BODY: Final = re.compile(r"<body\b", re.IGNORECASE)
HIDDEN: Final = "display:none;max-height:0;overflow:hidden;mso-hide:all"
UNSUBSCRIBE_FROM_ALL: Final = "<%asm_global_unsubscribe_raw_url%>"
GLOBAL_TAGS: Final = {
    "unsubscribe": UNSUBSCRIBE_FROM_ALL,
    "unsubscribe_preferences": "<%asm_preferences_raw_url%>",
    "asm_group_unsubscribe_raw_url": UNSUBSCRIBE_FROM_ALL,
    "asm_group_unsubscribe_url": "<%asm_global_unsubscribe_url%>",
}
"""The tags of links of a group, and those that replace them where a campaign has none."""
SCHEMES = ("http://", "https://")
LONGEST_VALUE: Final = 8_000
"""The largest value of a tag in bytes.

This is the size of five addresses of 254 characters, or of a custom field of 1,000 characters, each of which may become
six bytes in HTML.
"""


class Content(NamedTuple):
    """The content that all messages of a campaign share.

    `parts` are the texts that are not empty, each with its MIME type, in the order of RFC 2046 section 5.1.4. `tags`
    are replaced by values of each contact. With `is_rendered`, the subject and the parts are templates, too, which read
    the fields of `names` (None: all fields).
    """

    sender: Address
    reply_to: Address
    subject: str
    parts: list[tuple[str, str]]
    headers: dict[str, str]
    tags: list[Tag]
    unsubscribe_url: str
    is_rendered: bool = False
    names: frozenset[str] | None = frozenset()

    @property
    def rendering(self) -> Rendering | None:
        """Return the rendering of the mail."""
        return {"handlebars": True} if self.is_rendered else None


def content_of(campaign: Campaign) -> Content:
    """Return the content of a campaign with its sender's tags filled in. Raises InvalidContent.

    The plain text is made from the HTML if it is missing and the campaign asks for it. Content whose templates have
    only tags of fields is not rendered: filling in the tags is faster.
    """
    sender = campaign.sender
    assert sender is not None  # a campaign without a sender is not ready
    subject, plain, html = campaign.subject, campaign.plain_content, campaign.html_content
    if not plain.strip() and campaign.generates_plain:
        plain = plain_text_of(html)
    html = with_preheader(html, campaign.preheader)
    has_link = bool(campaign.suppression_group_id or campaign.custom_unsubscribe_url)
    if not has_link:
        # Who unsubscribes from such a campaign unsubscribes from all mail of the account.
        plain, html = (replace_tags(text, GLOBAL_TAGS) for text in (plain, html))
    texts = subject, plain, html
    templates = [
        compile_text(text, name) for text, name in zip(texts, ("subject", "plain_content", "html_content"), strict=True)
    ]
    is_rendered = not all(template.is_simple for template in templates)
    subject, plain, html = _with_sender(texts, sender, is_rendered=is_rendered)
    names = [template.names for template in templates]
    return Content(
        sender=Address(sender.from_email, campaign.from_name or sender.from_name),
        reply_to=reply_address(campaign, sender),
        subject=subject,
        parts=[(type, text) for type, text in (("text/plain", plain), ("text/html", html)) if text.strip()],
        headers={} if has_link else unsubscribe_headers(),
        tags=find_tags(texts, () if is_rendered else templates),
        unsubscribe_url=replace_tags(
            campaign.custom_unsubscribe_url, values_of_sender(sender), partial(quote, safe="")
        ),
        is_rendered=is_rendered,
        names=_union(names) if is_rendered else frozenset(),
    )


def _union(names: list[frozenset[str] | None]) -> frozenset[str] | None:
    """Return the names that any template reads. The tags of links and of the sender are not among them."""
    if None in names:
        return None
    together = frozenset[str]().union(*(each for each in names if each is not None))
    return frozenset(name for name in together if name.lower() not in SYSTEM_NAMES)


def _with_sender(texts: tuple[str, str, str], sender: Sender, *, is_rendered: bool) -> tuple[str, str, str]:
    """Return subject, plain text and HTML with the tags of the sender replaced."""
    values = values_of_sender(sender)
    literal: Callable[[str], str] = literal_of if is_rendered else str
    subject, plain, html = texts
    return (
        replace_tags(subject, values, literal),
        replace_tags(plain, values, literal),
        replace_tags(html, values, lambda value: literal(escape(value))),
    )


def literal_of(value: str) -> str:
    """Return a template that renders this value."""
    return value.replace("{", '{{{insert "" "default={"}}}')


def reply_address(campaign: Campaign, sender: Sender) -> Address:
    """Return the reply address of the campaign, or that of its sender."""
    return Address(campaign.reply_to) if campaign.reply_to else Address(sender.reply_to, sender.reply_to_name)


def with_preheader(html: str, preheader: str) -> str:
    """Return the HTML with a hidden first line, which mail programs show in the list of messages."""
    if not preheader.strip() or not html.strip():
        return html
    line = f'<div style="{HIDDEN}">{escape_around_tags(preheader)}</div>'
    body = BODY.search(html)
    # If the first tag has no end, no later one has.
    at = html.find(">", body.end()) + 1 if body else 0
    return f"{html[:at]}{line}{html[at:]}"


def escape_around_tags(text: str) -> str:
    """Return a text as HTML, with its tags unchanged."""
    pieces, end = [], 0
    for tag in TEMPLATE_TAG.finditer(text):
        pieces += [escape(text[end : tag.start()], quote=False), tag[0]]
        end = tag.end()
    return "".join([*pieces, escape(text[end:], quote=False)])


def unsubscribe_headers() -> dict[str, str]:
    """Return the headers of a campaign without an unsubscribe group and without a custom link.

    Sources: RFC 2369, and RFC 8058, which requires https.
    """
    one_click = {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    is_secure = settings.PUBLIC_URL.startswith("https:")
    return {"List-Unsubscribe": f"<{UNSUBSCRIBE_FROM_ALL}>"} | (one_click if is_secure else {})


def links_of(campaign: Campaign) -> list[str]:
    """Return the web links of a campaign's HTML, each once, in order. Tags in them are not replaced."""
    targets = (
        part.attributes.get("href", "").strip()
        for part in read_html(campaign.html_content)
        if isinstance(part, StartTag) and part.name in {"a", "area"}
    )
    return [target for target in dict.fromkeys(targets) if target.lower().startswith(SCHEMES)]


def check_size(campaign: Campaign) -> None:
    """Accept a campaign none of whose messages can exceed `MAX_MESSAGE_BYTES`. Raises MessageTooLarge.

    A plain text that is made of the HTML is not counted. The work is linear in the texts.
    """
    texts = [campaign.subject, campaign.preheader, campaign.html_content, campaign.plain_content]
    size = KeyCounter(texts).size_with((), {}) + link_size(campaign.custom_unsubscribe_url) * count_tags(texts)
    size += LONGEST_VALUE * sum(_count_values(text) for text in texts)
    if size > settings.MAX_MESSAGE_BYTES:
        raise MessageTooLarge(field="html_content")


def _count_values(text: str) -> int:
    """Return the number of tags in a text that values of a contact or of the sender replace.

    A template may render one in each iteration; delivery limits what it renders.
    """
    mustaches = sum(match[0][2] not in "#/^!" for match in MUSTACHE.finditer(text))
    senders = sum(tag.name in SENDER_NAMES for tag in find_system_tags(text))
    return mustaches + senders + sum(1 for _ in LEGACY_TAG.finditer(text))
