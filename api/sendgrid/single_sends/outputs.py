"""Write Single Sends."""

from __future__ import annotations

import datetime as dt
from typing import Any

from api.campaign_words import Dialect, word_for
from api.sendgrid.outputs import moment
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from mailer.compose.plain_text import plain_text_of


def single_send(found: Campaign) -> dict[str, Any]:
    """Return a whole Single Send."""
    return {
        "id": str(found.uuid),
        "name": found.title,
        "status": word_for(found.status, Dialect.SINGLE_SENDS),
        "categories": found.categories,
        "send_at": moment(found.send_at),
        "send_to": {
            "list_ids": [str(each.uuid) for each in found.lists.all() if each.deleted_at is None],
            "segment_ids": [str(each.uuid) for each in found.segments.all()],
            "all": found.is_to_all,
        },
        "created_at": moment(found.created_at),
        "updated_at": moment(found.updated_at),
        "email_config": {
            "subject": found.subject,
            "html_content": found.html_content,
            "plain_content": plain_content(found),
            "generate_plain_content": found.generates_plain,
            "design_id": None,
            "editor": found.editor,
            "suppression_group_id": found.suppression_group_id,
            "custom_unsubscribe_url": found.custom_unsubscribe_url or None,
            "sender_id": found.sender_id,
            "ip_pool": found.ip_pool or None,
        },
        "warnings": warnings(found),
    }


def plain_content(found: Campaign) -> str:
    """Return the caller's plain text, or the one that is generated for the mail."""
    if found.plain_content.strip() or not found.generates_plain:
        return found.plain_content
    return plain_text_of(found.html_content)


def warnings(found: Campaign) -> list[dict[str, Any]]:
    """Return why a campaign could not be sent. SendGrid has no status for that."""
    if found.status != CampaignStatus.FAILED:
        return []
    return [{"message": found.failure, "field": None, "warning_id": "failed"}]


def line(found: Campaign) -> dict[str, Any]:
    """Return a Single Send as an entry of a list."""
    return {
        "id": str(found.uuid),
        "name": found.title,
        "abtest": None,
        "status": word_for(found.status, Dialect.SINGLE_SENDS),
        "categories": found.categories,
        "send_at": moment(found.send_at),
        "is_abtest": False,
        "updated_at": moment(found.updated_at),
        "created_at": moment(found.created_at),
    }


def schedule(send_at: dt.datetime | None, status: CampaignStatus) -> dict[str, Any]:
    """Return the time at which a Single Send is to be sent. `status` is the one that the caller asked for."""
    return {"send_at": moment(send_at), "status": word_for(status, Dialect.SINGLE_SENDS)}
