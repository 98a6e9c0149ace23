"""Content: a campaign's texts as its messages share them, and what they ask of each contact."""

from __future__ import annotations

from typing import NamedTuple

from campaigns.models import Campaign
from campaigns.tags import Tag, fill_in_sender, find_tags
from mailer.compose.plain_text import plain_text_of


class Content(NamedTuple):
    """`parts` are MIME type and text, those that have any, in the order of RFC 2046 section 5.1.4."""

    subject: str
    parts: list[tuple[str, str]]
    tags: list[Tag]


def content_of(campaign: Campaign) -> Content:
    """With its sender's tags filled in; the plain text is made from the HTML if it lacks and the campaign says so."""
    sender = campaign.sender
    assert sender is not None  # a campaign without one is not ready
    subject, plain, html = (
        fill_in_sender(text, sender) for text in (campaign.subject, campaign.plain_content, campaign.html_content)
    )
    if not plain.strip() and campaign.generates_plain:
        plain = plain_text_of(html)
    parts = [(type, text) for type, text in (("text/plain", plain), ("text/html", html)) if text.strip()]
    return Content(subject, parts, find_tags([subject, plain, html]))
