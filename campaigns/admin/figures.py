"""How campaigns are drawn: coloured statuses, the bar of how far one has come, the red cross, the menu of a row."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString

from batches.admin.asking import Figure
from batches.admin.figures import BAR_COLOURS, draw_label
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from campaigns.statistics import Statistics
from foundation.admin import tell_time, write_time

STATUS_COLOURS = {
    CampaignStatus.DRAFT: "",
    CampaignStatus.SCHEDULED: "info",
    CampaignStatus.QUEUED: "primary",
    CampaignStatus.SENDING: "primary",
    CampaignStatus.PAUSED: "warning",
    CampaignStatus.SENT: "success",
    CampaignStatus.FAILED: "danger",
    CampaignStatus.CANCELED: "danger",
}
REFRESH_SECONDS = 3
SOON = dt.timedelta(minutes=2)
PREPARING_COLOUR = "#cbd5e1"


def status_of(campaign: Campaign) -> CampaignStatus:
    return CampaignStatus(campaign.status)


def draw_status(campaign: Campaign) -> SafeString:
    """Its status as a label."""
    return draw_label(status_of(campaign).label.capitalize(), STATUS_COLOURS[status_of(campaign)])


def is_moving(campaign: Campaign, now: dt.datetime) -> bool:
    """Whether its figures change by themselves, so that a page of it is to be refreshed."""
    begins_soon = campaign.begins_at is not None and campaign.begins_at < now + SOON
    is_scheduled = campaign.status == CampaignStatus.SCHEDULED
    return campaign.status in {CampaignStatus.QUEUED, CampaignStatus.SENDING} or (is_scheduled and begins_soon)


def shares(campaign: Campaign, counted: Statistics) -> list[dict[str, Any]]:
    """What has become of its audience, with the share of it in per cent and a colour."""
    launch = campaign.launch
    told = counted.waiting + counted.sent + counted.refused + counted.dropped + counted.stopped + counted.in_doubt
    to_come = 0
    if launch is not None and not launch.is_complete and launch.audience is not None:
        to_come = max(launch.audience - counted.recipients - counted.left_out, 0)
    held = [
        ("sent", counted.sent, BAR_COLOURS["sent"]),
        ("waiting", counted.waiting, BAR_COLOURS["due"]),
        ("being prepared", to_come, PREPARING_COLOUR),
        ("in doubt", counted.in_doubt, BAR_COLOURS["in_doubt"]),
        ("refused", counted.refused, BAR_COLOURS["refused"]),
        ("dropped", counted.dropped, BAR_COLOURS["dropped"]),
        ("stopped", counted.stopped, BAR_COLOURS["stopped"]),
    ]
    return [
        {"state": state, "messages": messages, "percent": f"{100 * messages / (told + to_come):.2f}", "colour": colour}
        for state, messages, colour in held
        if messages
    ]


def figures_of(campaign: Campaign, counted: Statistics) -> list[Figure]:
    """The tiles of its page. Batches are looked at while there is something to be seen."""
    left_out = f"of them {counted.invalid:,} without an address" if counted.invalid else ""
    return [
        Figure("Recipients", counted.recipients),
        Figure("Sent", counted.sent),
        Figure("Waiting", counted.waiting),
        Figure("Left out", counted.left_out, note=left_out),
        Figure("Refused, dropped", counted.refused + counted.dropped),
        Figure("Opened", counted.opened),
        Figure("Clicked", counted.clicked),
        Figure("Unsubscribed", counted.unsubscribed),
    ]


def draw_progress(campaign: Campaign, counted: Statistics, now: dt.datetime, *, in_row: bool) -> SafeString:
    """How far it has come, in a bar or in words; it asks for itself again while that changes. `in_row`: as one of a
    list, whose cells beside it change as well."""
    query = {"row": 1} if in_row else {}
    return render_to_string(
        "campaigns/progress.html",
        {
            "campaign": campaign,
            "shares": shares(campaign, counted) if campaign.launch else [],
            "told": tell_when(campaign, now),
            "refresh_url": reverse("admin:campaigns_campaign_progress", args=[campaign.pk], query=query),
            "refresh_seconds": REFRESH_SECONDS if is_moving(campaign, now) else None,
        },
    )


def tell_when(campaign: Campaign, now: dt.datetime) -> str:
    """In words where there is nothing to count."""
    status = status_of(campaign)
    if status is CampaignStatus.SCHEDULED and campaign.begins_at:
        return f"leaves at {write_time(campaign.begins_at)} UTC ({tell_time(campaign.begins_at, now)})"
    if status is CampaignStatus.FAILED:
        return campaign.failure
    if status is CampaignStatus.QUEUED:
        return "its audience is about to become messages"
    if status is CampaignStatus.DRAFT and campaign.send_at:
        return f"is to leave at {write_time(campaign.send_at)} UTC"
    return "" if campaign.launch else "nothing of it has left"


def link_campaign(campaign_id: int) -> str:
    return reverse("admin:campaigns_campaign_change", args=[campaign_id])
