"""Sizing: how large the messages of a campaign can become, whatever its contacts are called."""

from __future__ import annotations

from typing import Final

from django.conf import settings

from campaigns.models import Campaign
from campaigns.tags import SENDER_TAG, TAG
from mailer.errors import MessageTooLarge
from mailer.expressing import KeyCounter, link_sizes

LONGEST_VALUE: Final = 8_000
"""Bytes that replace a tag, at most: five addresses of 254 characters, or a custom field of 1,000, each character of
which may become six in HTML."""


def check_size(campaign: Campaign) -> None:
    """Accept a campaign none of whose messages can exceed `MAX_MESSAGE_BYTES`. Raises MessageTooLarge.

    A plain text that is made of the HTML is not counted. The work is linear in the texts.
    """
    texts = [campaign.subject, campaign.preheader, campaign.html_content, campaign.plain_content]
    size = KeyCounter(texts).size_with((), link_sizes(campaign.custom_unsubscribe_url))
    size += LONGEST_VALUE * sum(1 for text in texts for pattern in (TAG, SENDER_TAG) for _ in pattern.finditer(text))
    if size > settings.MAX_MESSAGE_BYTES:
        raise MessageTooLarge(field="html_content")
