"""Find the pages of campaigns in the admin, and fill in their forms."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from django.test import Client

from campaigns.models import Campaign

CAMPAIGNS = "/admin/campaigns/campaign/"
HOUR = dt.timedelta(hours=1)
VIEW = "campaigns.view_campaign"


def change_page(campaign: Campaign) -> str:
    return f"{CAMPAIGNS}{campaign.pk}/change/"


def press(client: Client, campaign: Campaign, move: str, query: str = "", **fields: Any) -> Any:
    return client.post(f"{CAMPAIGNS}{campaign.pk}/{move}/{query}", {"reason": "", **fields}, follow=True)


def links(page: str, campaign: Campaign) -> set[str]:
    """Return the moves that a page offers for a campaign."""
    return set(re.findall(rf"{CAMPAIGNS}{campaign.pk}/(\w+)/(?:\?list=1)?\"", page)) - {"change", "failures", "preview"}


def typed(campaign: Campaign, **changes: Any) -> dict[str, Any]:
    """Return the form of a campaign as a browser submits it, with these changes."""
    return {
        "title": campaign.title,
        "subject": campaign.subject,
        "html_content": campaign.html_content,
        "plain_content": campaign.plain_content,
        "generates_plain": "on",
        "sender": campaign.sender_id or "",
        "lists": [each.pk for each in campaign.lists.all()],
        "suppression_group": campaign.suppression_group_id or "",
        "scheduling": "now",
        "spread_seconds": 0,
        "window_time_zone": campaign.account.time_zone,
        **changes,
    }
