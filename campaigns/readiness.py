"""Readiness: what a campaign still lacks before it can be sent, all of it at once. Dialects put it in their words."""

from __future__ import annotations

import enum

from campaigns.models import Campaign

UNSUBSCRIBE_TAGS = ("[unsubscribe]", "{{unsubscribe}}", "{{{unsubscribe}}}", "<%asm_group_unsubscribe")
"""Any of these stands for the link."""


class Lack(enum.Enum):
    """Something that is missing, or that may not be used."""

    SUBJECT = "a subject"
    SENDER = "a sender"
    SENDER_VERIFICATION = "a sender whose address is verified"
    CONTENT = "content"
    AUDIENCE = "a list or a segment"
    UNSUBSCRIBE_CHOICE = "an unsubscribe group or a link of its own"
    UNSUBSCRIBE_TAG = "the tag of the unsubscribe link in all its content"

    @property
    def label(self) -> str:
        return f"the campaign lacks {self.value}"


def lacks_of(campaign: Campaign, *, needs_tag: bool = True) -> list[Lack]:
    """What stands between a campaign and its launch, in the order of a form. `needs_tag` is false where a dialect lets
    delivery add the link."""
    sender = campaign.sender
    lacks = {
        Lack.SUBJECT: not campaign.subject.strip(),
        Lack.SENDER: sender is None,
        Lack.SENDER_VERIFICATION: sender is not None and sender.verified_at is None,
        Lack.CONTENT: not (campaign.html_content.strip() or campaign.plain_content.strip()),
        Lack.AUDIENCE: not has_audience(campaign),
        Lack.UNSUBSCRIBE_CHOICE: not (campaign.suppression_group_id or campaign.custom_unsubscribe_url),
        Lack.UNSUBSCRIBE_TAG: needs_tag and not has_unsubscribe_tags(campaign),
    }
    return [lack for lack, is_missing in lacks.items() if is_missing]


def has_audience(campaign: Campaign) -> bool:
    """Whether it says to whom. Lists that were deleted since do not count."""
    return campaign.is_to_all or campaign.lists.filter(deleted_at=None).exists() or campaign.segments.exists()


def has_unsubscribe_tags(campaign: Campaign) -> bool:
    """Whether each of its contents has the tag; there may be but one."""
    contents = [content for content in (campaign.html_content, campaign.plain_content) if content.strip()]
    return all(any(tag in content for tag in UNSUBSCRIBE_TAGS) for content in contents)
