"""Determine everything that a campaign is missing before it can be sent. Each API has texts for it."""

from __future__ import annotations

from typing import Final

from campaigns.errors import Need
from campaigns.models import Campaign
from mailer.compose.system_tags import has_unsubscribe_tag

Needs = frozenset[Need]

NEEDED: Final[Needs] = frozenset({Need.SUBJECT, Need.SENDER, Need.SENDER_VERIFICATION, Need.CONTENT, Need.AUDIENCE})
"""The needs of every campaign."""
WITH_LINK: Final[Needs] = frozenset({*NEEDED, Need.UNSUBSCRIBE_CHOICE})
"""The needs where the caller chooses how recipients unsubscribe, and delivery may add the link."""
WITH_TAG: Final[Needs] = frozenset({*WITH_LINK, Need.UNSUBSCRIBE_TAG})


def find_missing(campaign: Campaign, *, needs: Needs = WITH_TAG) -> list[Need]:
    """Return which of the `needs` of an API the campaign is missing, in the order of a form."""
    sender = campaign.sender
    is_missing = {
        Need.SUBJECT: not campaign.subject.strip(),
        Need.SENDER: sender is None,
        Need.SENDER_VERIFICATION: sender is not None and sender.verified_at is None,
        Need.FROM_NAME: not (campaign.from_name or (sender and sender.from_name)),
        Need.CONTENT: not (campaign.html_content.strip() or campaign.plain_content.strip()),
        Need.AUDIENCE: Need.AUDIENCE in needs and not campaign.has_audience,
        Need.UNSUBSCRIBE_CHOICE: not (campaign.suppression_group_id or campaign.custom_unsubscribe_url),
        Need.UNSUBSCRIBE_TAG: Need.UNSUBSCRIBE_TAG in needs and not has_unsubscribe_tags(campaign),
    }
    return [need for need in Need if need in needs and is_missing[need]]


def has_unsubscribe_tags(campaign: Campaign) -> bool:
    """Return whether each content of the campaign that is not empty has an unsubscribe tag."""
    contents = [content for content in (campaign.html_content, campaign.plain_content) if content.strip()]
    return all(map(has_unsubscribe_tag, contents))
