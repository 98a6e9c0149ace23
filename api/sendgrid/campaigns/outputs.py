"""Legacy campaigns, as the wire has them."""

from __future__ import annotations

from typing import Any

from api.campaign_words import Dialect, word_for
from api.sendgrid.outputs import seconds_of
from campaigns.models import Campaign


def campaign(found: Campaign) -> dict[str, Any]:
    """The whole campaign. What is not set is null, but for the link of its own."""
    return {
        "id": found.pk,
        "title": found.title,
        "subject": found.subject or None,
        "sender_id": found.sender_id,
        "list_ids": [each.pk for each in found.lists.all() if each.deleted_at is None],
        "segment_ids": [each.pk for each in found.segments.all()],
        "categories": found.categories,
        "suppression_group_id": found.suppression_group_id,
        "custom_unsubscribe_url": found.custom_unsubscribe_url,
        "ip_pool": found.ip_pool or None,
        "html_content": found.html_content or None,
        "plain_content": found.plain_content or None,
        "editor": found.editor,
        "status": word_for(found.status, Dialect.LEGACY),
    }


def schedule(found: Campaign) -> dict[str, Any]:
    """When a campaign is to be sent."""
    assert found.send_at is not None  # it is scheduled
    return {
        "id": found.pk,
        "send_at": seconds_of(found.send_at),
        "status": word_for(found.status, Dialect.LEGACY),
    }


def sent_now(found: Campaign) -> dict[str, Any]:
    """The wire calls a campaign scheduled that has just been told to leave."""
    return {"id": found.pk, "status": "Scheduled"}
