"""Write Single Sends."""

from __future__ import annotations

import datetime as dt
from typing import Any

from api.campaign_words import Dialect, word_for
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from foundation.clock import moment
from mailer.compose.plain_text import plain_text_of


def single_send(campaign: Campaign) -> dict[str, Any]:
    """Return a whole Single Send."""
    return {
        "id": str(campaign.uuid),
        "name": campaign.title,
        "status": word_for(campaign.status, Dialect.SINGLE_SENDS),
        "categories": campaign.categories,
        "send_at": moment(campaign.send_at),
        "send_to": {
            "list_ids": [str(each.uuid) for each in campaign.chosen_lists],
            "segment_ids": [str(each.uuid) for each in campaign.chosen_segments],
            "all": campaign.is_to_all,
        },
        "created_at": moment(campaign.created_at),
        "updated_at": moment(campaign.updated_at),
        "email_config": {
            "subject": campaign.subject,
            "html_content": campaign.html_content,
            "plain_content": plain_content(campaign),
            "generate_plain_content": campaign.generates_plain,
            "design_id": str(campaign.design) if campaign.design else None,
            "editor": campaign.editor,
            "suppression_group_id": campaign.suppression_group_id,
            "custom_unsubscribe_url": campaign.custom_unsubscribe_url or None,
            "sender_id": campaign.sender_id,
            "ip_pool": campaign.ip_pool or None,
        },
        "warnings": warnings(campaign),
    }


def plain_content(campaign: Campaign) -> str:
    """Return the caller's plain text, or the one that is generated for the mail."""
    if campaign.plain_content.strip() or not campaign.generates_plain:
        return campaign.plain_content
    return plain_text_of(campaign.html_content)


def warnings(campaign: Campaign) -> list[dict[str, Any]]:
    """Return why a campaign could not be sent. SendGrid has no status for that."""
    if campaign.status != CampaignStatus.FAILED:
        return []
    return [{"message": campaign.failure, "field": None, "warning_id": "failed"}]


def line(campaign: Campaign) -> dict[str, Any]:
    """Return a Single Send as an entry of a list."""
    return {
        "id": str(campaign.uuid),
        "name": campaign.title,
        "abtest": None,
        "status": word_for(campaign.status, Dialect.SINGLE_SENDS),
        "categories": campaign.categories,
        "send_at": moment(campaign.send_at),
        "is_abtest": False,
        "updated_at": moment(campaign.updated_at),
        "created_at": moment(campaign.created_at),
    }


def schedule(send_at: dt.datetime | None, status: CampaignStatus) -> dict[str, Any]:
    """Return the time at which a Single Send is to be sent. `status` is the one that the caller asked for."""
    return {"send_at": moment(send_at), "status": word_for(status, Dialect.SINGLE_SENDS)}
