"""Build the cells of the list of campaigns that change while it is shown: the red cross, the status and the progress.

One request refreshes all rows of a list.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from campaigns.admin.control import link_move, links_of
from campaigns.admin.figures import describe_time, draw_status, shares
from campaigns.admin.moves import CANCEL, MAY_CHANGE
from campaigns.models import Campaign
from campaigns.states import RUNNING, CampaignStatus
from campaigns.statistics import Statistics, statistics_of
from console.live import Part, Rights
from foundation.clock import database_now

LIVE: Final = RUNNING | {CampaignStatus.SCHEDULED}
"""The statuses that change without a person."""
MOST: Final = 50
LONG: Final = ("subject", "html_content", "plain_content", "markdown")
"""Columns that may hold megabytes each, which the list does not read."""


def live_ids(campaigns: Iterable[Campaign]) -> str:
    """Return the numbers of the rows that have to be refreshed."""
    return ",".join(str(campaign.pk) for campaign in campaigns if campaign.status in LIVE)


def read_ids(text: str) -> str:
    """Return the numbers in a caller's text in the form of `live_ids`, and ignore everything else in it."""
    numbers = {int(number) for number in text[:1000].split(",") if number.isascii() and number.isdecimal()}
    return ",".join(str(number) for number in sorted(numbers, reverse=True)[:MOST] if number < 2**31)


def build_rows(rights: Rights, ids: str) -> dict[str, Any]:
    """Return the context of the live cells of these campaigns."""
    rows = Campaign.objects.by_clock().select_related("account").defer(*LONG)
    numbers = ids.split(",") if ids else []
    campaigns = list(rows.filter(pk__in=numbers, deleted_at=None).order_by("-pk"))
    return {"rows": cells_of(campaigns, may_change=MAY_CHANGE in rights)}


def cells_of(campaigns: Sequence[Campaign], *, may_change: bool) -> list[dict[str, Any]]:
    """Return the contexts of the cells of several campaigns, from a few statements."""
    counted, now = statistics_of(campaigns), database_now()
    return [_cells_of(campaign, counted[campaign.pk], now, may_change=may_change) for campaign in campaigns]


def _cells_of(campaign: Campaign, counted: Statistics, now: dt.datetime, *, may_change: bool) -> dict[str, Any]:
    is_crossed = may_change and campaign.status in RUNNING
    return {
        "campaign": campaign,
        "link": link_move(CANCEL, campaign, list=1) if is_crossed else "",
        "status": draw_status(campaign),
        "shares": shares(campaign, counted) if campaign.launch else [],
        "about": f"campaign:{campaign.pk}",
        "time_text": describe_time(campaign, now),
    }


def draw_cell(name: str, cells: dict[str, Any]) -> SafeString:
    """Draw a cell: `cross`, `status` or `progress`."""
    return render_to_string(f"console/campaigns/{name}.html", {"row": cells})


def draw_menu(campaign: Campaign, rights: Rights) -> SafeString:
    """Draw the action menu of a row."""
    links = links_of(rights.__contains__, campaign, from_list=True)
    return render_to_string("console/campaigns/menu.html", {"campaign": campaign, "links": links})


ROWS = Part("campaigns", "console/campaigns/rows.html", build_rows, (MAY_CHANGE,), is_loose=True)
