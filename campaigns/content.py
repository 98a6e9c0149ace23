"""Prepare the content of a campaign for its messages: texts, sender, headers, tags and links; and limit its size."""

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
from mailer.expressing import KeyCounter, count_tags, link_size

BODY: Final = re.compile(r"<body\b", re.IGNORECASE)
HIDDEN: Final = "display:none;max-height:0;overflow:hidden;mso-hide:all"
UNSUBSCRIBE_FROM_ALL: Final = "<%asm_global_unsubscribe_raw_url%>"
LINK_TAGS: Final = re.compile(r"\[unsubscribe\]|\{\{\{unsubscribe\}\}\}|\{\{unsubscribe\}\}")
SCHEMES = ("http://", "https://")
LONGEST_VALUE: Final = 8_000
"""The largest value of a tag in bytes.

This is the size of five addresses of 254 characters, or of a custom field of 1,000 characters, each of which may become
six bytes in HTML.
"""


class Content(NamedTuple):
    """The content that all messages of a campaign share.

    `parts` are the texts that are not empty, each with its MIME type, in the order of RFC 2046 section 5.1.4.
    """

    sender: Address
    reply_to: Address
    subject: str
    parts: list[tuple[str, str]]
    headers: dict[str, str]
    tags: list[Tag]


def content_of(campaign: Campaign) -> Content:
    """Return the content of a campaign with its sender's tags filled in.

    The plain text is made from the HTML if it is missing and the campaign asks for it.
    """
    sender = campaign.sender
    assert sender is not None  # a campaign without one is not ready
    texts = campaign.subject, campaign.preheader, campaign.plain_content, campaign.html_content
    subject, preheader, plain, html = (fill_in_sender(text, sender) for text in texts)
    if not plain.strip() and campaign.generates_plain:
        plain = plain_text_of(html)
    has_link = bool(campaign.suppression_group_id or campaign.custom_unsubscribe_url)
    if not has_link:
        # An unsubscribe from such a campaign is one from all mail of the account.
        plain, html = (LINK_TAGS.sub(UNSUBSCRIBE_FROM_ALL, text) for text in (plain, html))
    html = with_preheader(html, preheader)
    parts = [(type, text) for type, text in (("text/plain", plain), ("text/html", html)) if text.strip()]
    return Content(
        sender=Address(sender.from_email, campaign.from_name or sender.from_name),
        reply_to=reply_address(campaign, sender),
        subject=subject,
        parts=parts,
        headers={} if has_link else unsubscribe_headers(),
        tags=find_tags([subject, plain, html]),
    )


def reply_address(campaign: Campaign, sender: Sender) -> Address:
    """Return the reply address of the campaign, or that of its sender."""
    return Address(campaign.reply_to) if campaign.reply_to else Address(sender.reply_to, sender.reply_to_name)


def with_preheader(html: str, preheader: str) -> str:
    """Return the HTML with a hidden first line, which mail programs show in the list of messages."""
    if not preheader.strip() or not html.strip():
        return html
    line = f'<div style="{HIDDEN}">{escape(preheader, quote=False)}</div>'
    body = BODY.search(html)
    # If the first tag has no end, no later one has.
    at = html.find(">", body.end()) + 1 if body else 0
    return f"{html[:at]}{line}{html[at:]}"


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
    size += LONGEST_VALUE * sum(1 for text in texts for pattern in (TAG, SENDER_TAG) for _ in pattern.finditer(text))
    if size > settings.MAX_MESSAGE_BYTES:
        raise MessageTooLarge(field="html_content")
