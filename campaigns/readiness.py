"""Determine everything that a campaign is missing before it can be sent. Each API has texts for it."""

from __future__ import annotations

from typing import Final

from campaigns.errors import Lack
from campaigns.models import Campaign
from mailer.compose.system_tags import has_unsubscribe_tag

Needs = frozenset[Lack]

NEEDED: Final[Needs] = frozenset({Lack.SUBJECT, Lack.SENDER, Lack.SENDER_VERIFICATION, Lack.CONTENT, Lack.AUDIENCE})
"""The needs of every campaign."""
WITH_LINK: Final[Needs] = frozenset({*NEEDED, Lack.UNSUBSCRIBE_CHOICE})
"""The needs where the caller chooses how recipients unsubscribe, and delivery may add the link."""
WITH_TAG: Final[Needs] = frozenset({*WITH_LINK, Lack.UNSUBSCRIBE_TAG})


def lacks_of(campaign: Campaign, *, needs: Needs = WITH_TAG) -> list[Lack]:
    """Return which of the `needs` of an API the campaign is missing, in the order of a form."""
    sender = campaign.sender
    is_missing = {
        Lack.SUBJECT: not campaign.subject.strip(),
        Lack.SENDER: sender is None,
        Lack.SENDER_VERIFICATION: sender is not None and sender.verified_at is None,
        Lack.FROM_NAME: not (campaign.from_name or (sender and sender.from_name)),
        Lack.CONTENT: not (campaign.html_content.strip() or campaign.plain_content.strip()),
        Lack.AUDIENCE: Lack.AUDIENCE in needs and not campaign.has_audience,
        Lack.UNSUBSCRIBE_CHOICE: not (campaign.suppression_group_id or campaign.custom_unsubscribe_url),
        Lack.UNSUBSCRIBE_TAG: Lack.UNSUBSCRIBE_TAG in needs and not has_unsubscribe_tags(campaign),
    }
    return [lack for lack in Lack if lack in needs and is_missing[lack]]


def has_unsubscribe_tags(campaign: Campaign) -> bool:
    """Return whether each content of the campaign that is not empty has an unsubscribe tag."""
    contents = [content for content in (campaign.html_content, campaign.plain_content) if content.strip()]
    return all(map(has_unsubscribe_tag, contents))
