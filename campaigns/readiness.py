"""Readiness: what a campaign still lacks before it can be sent, all of it at once. Dialects put it in their words."""

from __future__ import annotations

from typing import Final

from campaigns.errors import Lack
from campaigns.models import Campaign

UNSUBSCRIBE_TAGS = ("[unsubscribe]", "{{unsubscribe}}", "{{{unsubscribe}}}", "<%asm_group_unsubscribe")
"""Any of these stands for the link."""

Needs = frozenset[Lack]

NEEDED: Final[Needs] = frozenset({Lack.SUBJECT, Lack.SENDER, Lack.SENDER_VERIFICATION, Lack.CONTENT, Lack.AUDIENCE})
"""Without any of these nothing can be sent."""
WITH_LINK: Final[Needs] = frozenset({*NEEDED, Lack.UNSUBSCRIBE_CHOICE})
"""Where callers choose how recipients leave, and delivery may add the link."""
WITH_TAG: Final[Needs] = frozenset({*WITH_LINK, Lack.UNSUBSCRIBE_TAG})


def lacks_of(campaign: Campaign, *, needs: Needs = WITH_TAG) -> list[Lack]:
    """What of the `needs` of a dialect stands between a campaign and its launch, in the order of a form."""
    sender = campaign.sender
    is_missing = {
        Lack.SUBJECT: not campaign.subject.strip(),
        Lack.SENDER: sender is None,
        Lack.SENDER_VERIFICATION: sender is not None and sender.verified_at is None,
        Lack.FROM_NAME: not (campaign.from_name or (sender and sender.from_name)),
        Lack.CONTENT: not (campaign.html_content.strip() or campaign.plain_content.strip()),
        Lack.AUDIENCE: not has_audience(campaign),
        Lack.UNSUBSCRIBE_CHOICE: not (campaign.suppression_group_id or campaign.custom_unsubscribe_url),
        Lack.UNSUBSCRIBE_TAG: not has_unsubscribe_tags(campaign),
    }
    return [lack for lack in Lack if lack in needs and is_missing[lack]]


def has_audience(campaign: Campaign) -> bool:
    """Whether it says to whom. Lists that were deleted since do not count."""
    return campaign.is_to_all or campaign.lists.filter(deleted_at=None).exists() or campaign.segments.exists()


def has_unsubscribe_tags(campaign: Campaign) -> bool:
    """Whether each of its contents has the tag; there may be but one."""
    contents = [content for content in (campaign.html_content, campaign.plain_content) if content.strip()]
    return all(any(tag in content for tag in UNSUBSCRIBE_TAGS) for content in contents)
