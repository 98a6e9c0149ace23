"""Content: a campaign's texts as its messages share them, from whom they come, and what they ask of each contact."""

from __future__ import annotations

import re
from html import escape
from typing import Final, NamedTuple

from django.conf import settings

from campaigns.models import Campaign, Sender
from campaigns.tags import SENDER_TAG, TAG, Tag, fill_in_sender, find_tags
from mailer.compose.html_tags import StartTag, read_html
from mailer.compose.plain_text import plain_text_of
from mailer.draft import Address
from mailer.errors import MessageTooLarge
from mailer.expressing import KeyCounter, link_sizes

BODY: Final = re.compile(r"<body\b", re.IGNORECASE)
HIDDEN: Final = "display:none;max-height:0;overflow:hidden;mso-hide:all"
LEAVE_EVERYTHING: Final = "<%asm_global_unsubscribe_raw_url%>"
LINK_TAGS: Final = re.compile(r"\[unsubscribe\]|\{\{\{unsubscribe\}\}\}|\{\{unsubscribe\}\}")
SCHEMES = ("http://", "https://")
LONGEST_VALUE: Final = 8_000
"""Bytes that replace a tag, at most: five addresses of 254 characters, or a custom field of 1,000, each character of
which may become six in HTML."""


class Content(NamedTuple):
    """`parts` are MIME type and text, those that have any, in the order of RFC 2046 section 5.1.4."""

    sender: Address
    reply_to: Address
    subject: str
    parts: list[tuple[str, str]]
    headers: dict[str, str]
    tags: list[Tag]


def content_of(campaign: Campaign) -> Content:
    """With its sender's tags filled in; the plain text is made from the HTML if it lacks and the campaign says so."""
    sender = campaign.sender
    assert sender is not None  # a campaign without one is not ready
    said = campaign.subject, campaign.preheader, campaign.plain_content, campaign.html_content
    subject, preheader, plain, html = (fill_in_sender(text, sender) for text in said)
    if not plain.strip() and campaign.generates_plain:
        plain = plain_text_of(html)
    has_link = bool(campaign.suppression_group_id or campaign.custom_unsubscribe_url)
    if not has_link:
        # Who leaves such a campaign leaves the account.
        plain, html = (LINK_TAGS.sub(LEAVE_EVERYTHING, text) for text in (plain, html))
    html = with_preheader(html, preheader)
    parts = [(type, text) for type, text in (("text/plain", plain), ("text/html", html)) if text.strip()]
    return Content(
        sender=Address(sender.from_email, campaign.from_name or sender.from_name),
        reply_to=reply_address(campaign, sender),
        subject=subject,
        parts=parts,
        headers={} if has_link else leaving_headers(),
        tags=find_tags([subject, plain, html]),
    )


def reply_address(campaign: Campaign, sender: Sender) -> Address:
    """The campaign's own, or the sender's."""
    return Address(campaign.reply_to) if campaign.reply_to else Address(sender.reply_to, sender.reply_to_name)


def with_preheader(html: str, preheader: str) -> str:
    """The HTML with a first line that only a mailbox's list shows."""
    if not preheader.strip() or not html.strip():
        return html
    line = f'<div style="{HIDDEN}">{escape(preheader, quote=False)}</div>'
    body = BODY.search(html)
    # Without an end behind the first there is none behind a later one.
    at = html.find(">", body.end()) + 1 if body else 0
    return f"{html[:at]}{line}{html[at:]}"


def leaving_headers() -> dict[str, str]:
    """Of a campaign without an unsubscribe group or a link of its own (RFC 2369; RFC 8058 asks for https)."""
    one_click = {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    is_secure = settings.PUBLIC_URL.startswith("https:")
    return {"List-Unsubscribe": f"<{LEAVE_EVERYTHING}>"} | (one_click if is_secure else {})


def links_of(campaign: Campaign) -> list[str]:
    """Each once, in the order of the content. Tags in them are shown as they are written."""
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
    size = KeyCounter(texts).size_with((), link_sizes(campaign.custom_unsubscribe_url))
    size += LONGEST_VALUE * sum(1 for text in texts for pattern in (TAG, SENDER_TAG) for _ in pattern.finditer(text))
    if size > settings.MAX_MESSAGE_BYTES:
        raise MessageTooLarge(field="html_content")
