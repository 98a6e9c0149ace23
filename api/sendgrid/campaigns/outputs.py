"""Write legacy campaigns."""

from __future__ import annotations

from typing import Any

from api.campaign_words import Dialect, word_for
from api.sendgrid.outputs import seconds_of
from campaigns.models import Campaign


def campaign(row: Campaign) -> dict[str, Any]:
    """Return the whole campaign. A value that is not set is null, apart from `custom_unsubscribe_url`."""
    return {
        "id": row.pk,
        "title": row.title,
        "subject": row.subject or None,
        "sender_id": row.sender_id,
        "list_ids": [each.pk for each in row.chosen_lists],
        "segment_ids": [each.pk for each in row.chosen_segments],
        "categories": row.categories,
        "suppression_group_id": row.suppression_group_id,
        "custom_unsubscribe_url": row.custom_unsubscribe_url,
        "ip_pool": row.ip_pool or None,
        "html_content": row.html_content or None,
        "plain_content": row.plain_content or None,
        "editor": row.editor,
        "status": word_for(row.status, Dialect.LEGACY),
    }


def schedule(campaign: Campaign) -> dict[str, Any]:
    """Return the time at which a campaign is to be sent."""
    assert campaign.send_at is not None  # it is scheduled
    return {
        "id": campaign.pk,
        "send_at": seconds_of(campaign.send_at),
        "status": word_for(campaign.status, Dialect.LEGACY),
    }


def sent_now(campaign: Campaign) -> dict[str, Any]:
    """Return a campaign that is sent at once. SendGrid calls it scheduled."""
    return {"id": campaign.pk, "status": "Scheduled"}
