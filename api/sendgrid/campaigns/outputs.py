"""Legacy campaigns, as the wire has them."""

from __future__ import annotations

from typing import Any

from api.campaign_words import Dialect, word_for
from api.sendgrid.outputs import seconds_of
from campaigns.models import Campaign


def campaign(found: Campaign) -> dict[str, Any]:
    """Return the whole campaign. A value that is not set is null, apart from `custom_unsubscribe_url`."""
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
    """Return the time at which a campaign is to be sent."""
    assert found.send_at is not None  # it is scheduled
    return {
        "id": found.pk,
        "send_at": seconds_of(found.send_at),
        "status": word_for(found.status, Dialect.LEGACY),
    }


def sent_now(found: Campaign) -> dict[str, Any]:
    """Return a campaign that is sent at once. SendGrid calls it scheduled."""
    return {"id": found.pk, "status": "Scheduled"}
