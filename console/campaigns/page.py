"""Build the live part of a campaign's page: state, progress, reasons to wait, buttons, figures and timeline."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from django.shortcuts import get_object_or_404

from batches.freezes import EVERYTHING_FROZEN_AT, tell_freezes
from campaigns.admin.control import links_of
from campaigns.admin.figures import Links, describe_time, draw_status, figures_of, link_campaign_page, shares
from campaigns.admin.moves import ASIDE, MAY_ADD, MAY_CHANGE, MAY_DELETE, SEND
from campaigns.admin.times import zone_of
from campaigns.models import Campaign, CampaignQuerySet
from campaigns.readiness import WITH_LINK, find_missing
from campaigns.states import FINAL_STATUSES, RUNNING, CampaignStatus
from campaigns.statistics import Statistics, statistics_of
from console.campaigns.timeline import Moment, tell_timeline
from console.header import processes_of_header
from console.live import Part, Rights
from foundation.admin import draw_figure, mark_numbers
from foundation.clock import Now
from foundation.zones import write_zoned
from monitoring.rates import sent_rates
from monitoring.waiting import why_waiting

EDITABLE: Final = frozenset({CampaignStatus.DRAFT, CampaignStatus.FAILED})
STILL: Final = FINAL_STATUSES | EDITABLE
"""The statuses that only a person changes."""
MAY_SEE_MESSAGES: Final = "mailer.view_message"
MAY_SEE_BATCH: Final = "batches.view_batch"
MAY_SEE_RECEIPT: Final = "batches.view_receipt"
RIGHTS: Final = (MAY_CHANGE, MAY_ADD, MAY_DELETE, MAY_SEE_MESSAGES, MAY_SEE_BATCH, MAY_SEE_RECEIPT)


def living_campaigns() -> CampaignQuerySet:
    """Return the campaigns that are not deleted, with everything that their live parts show."""
    campaigns = Campaign.objects.by_clock().with_audience().filter(deleted_at=None)
    campaigns = campaigns.annotate(read_at=Now(), everything_frozen_at=EVERYTHING_FROZEN_AT)
    return campaigns.select_related("account__parent", "sender", "launch__batch")


def build_page(rights: Rights, campaign_id: int, *, row: Any = None) -> dict[str, Any]:
    """Return the context of the live part of a campaign. Raises Http404."""
    campaign: Any = row or get_object_or_404(living_campaigns(), pk=campaign_id)
    now = campaign.read_at
    counted = statistics_of([campaign])[campaign.pk]
    is_editable = campaign.status in EDITABLE
    moves = links_of(rights.__contains__, campaign)
    return {
        "campaign": campaign,
        "is_final": campaign.status in STILL,
        "is_editable": is_editable,
        "freezes": tell_freezes(campaign.account, campaign.everything_frozen_at),
        "missing": find_missing(campaign, needs=WITH_LINK) if is_editable else [],
        "status": draw_status(campaign),
        "shares": shares(campaign, counted) if campaign.launch else [],
        "about": f"campaign:{campaign.pk}",
        "time_text": describe_time(campaign, now),
        # A draft is sent with the button of its form, which saves it first.
        "moves": [pair for pair in moves if pair[0] not in {SEND, *ASIDE}],
        "aside": [pair for pair in moves if pair[0] in ASIDE],
        "may_see_receipt": MAY_SEE_RECEIPT in rights,
        "timeline": [_show(campaign, moment, now) for moment in tell_timeline(campaign, now)],
        **(_show_launch(campaign, counted, rights, now) if campaign.launch else {}),
    }


def _show_launch(campaign: Campaign, counted: Statistics, rights: Rights, now: dt.datetime) -> dict[str, Any]:
    """Return the figures and the speed of a campaign that has a batch, and why it waits."""
    assert campaign.launch is not None
    batch, may_see_messages = campaign.launch.batch, MAY_SEE_MESSAGES in rights
    links = Links(batch.public_id, link_campaign_page(campaign, "failures")) if may_see_messages else Links()
    is_moving = campaign.status in RUNNING
    rate = sent_rates([batch.pk], now).get(batch.pk, 0.0) if is_moving else 0.0
    reason = why_waiting([batch], processes_of_header()).get(batch.pk) if is_moving else None
    remaining = describe_remaining(campaign, counted, rate)
    return {
        "batch": batch if MAY_SEE_BATCH in rights else None,
        "failures": links.failures,
        "figures": figures_of(campaign, counted, links),
        "rate": describe_rate(rate, f"campaign:{campaign.pk}")
        if is_moving and campaign.status != CampaignStatus.PAUSED
        else "",
        "remaining": draw_figure(f"campaign:{campaign.pk}:remaining", remaining) if remaining else "",
        "reason": reason,
    }


def describe_rate(rate: float, about: str) -> str:
    """Return the rate of the last minute in words: messages a second, or a minute if they are few."""
    if rate >= 1:
        return mark_numbers(f"{rate:,.0f} messages a second", f"{about}:sent_a_second")
    return mark_numbers(f"{rate * 60:,.0f} messages a minute", f"{about}:sent_a_minute")


def describe_remaining(campaign: Campaign, counted: Statistics, rate: float) -> str:
    """Return the time until the last message at the rate of the last minute, in words; empty if it is not known."""
    if campaign.status != CampaignStatus.SENDING or not rate or not counted.waiting:
        return ""
    launch = campaign.launch
    if launch is None or not launch.is_complete:
        return ""
    minutes = counted.waiting / rate / 60
    if minutes < 1:
        return "less than a minute"
    return f"about {minutes:,.0f} min" if minutes < 120 else f"about {minutes / 60:,.0f} h"


def _show(campaign: Campaign, moment: Moment, now: dt.datetime) -> dict[str, Any]:
    return {
        "time": write_zoned(moment.at, zone_of(campaign)),
        "is_coming": moment.at > now,
        "moment": moment,
    }


PAGE = Part("campaign", "console/campaigns/page.html", build_page, RIGHTS)
