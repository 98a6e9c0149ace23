"""Draw campaigns: coloured statuses, progress bars and figures."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from django.urls import reverse
from django.utils.safestring import SafeString

from batches.admin.asking import Figure
from batches.admin.figures import BAR_COLOURS
from campaigns.admin.times import describe_plan, write_time_of
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from campaigns.statistics import Statistics
from foundation.admin import draw_label, mark_numbers, tell_time

STATUS_COLOURS = {
    CampaignStatus.DRAFT: "",
    CampaignStatus.SCHEDULED: "info",
    CampaignStatus.QUEUED: "primary",
    CampaignStatus.SENDING: "primary",
    CampaignStatus.PAUSED: "warning",
    CampaignStatus.SENT: "success",
    CampaignStatus.FAILED: "danger",
    CampaignStatus.CANCELLED: "danger",
}
PREPARING_COLOUR = "#cbd5e1"


@dataclass(frozen=True, slots=True)
class Links:
    """The pages that the figures of a campaign lead to. Without a `batch_id` they lead nowhere."""

    batch_id: str = ""
    failures: str = ""

    def messages(self, state: str = "") -> str:
        """Return the link to the messages in a state; all of them without one."""
        if not self.batch_id:
            return ""
        query = {"batch": self.batch_id} | ({"state": state} if state else {})
        return reverse("admin:mailer_message_changelist", query=query)


def status_of(campaign: Campaign) -> CampaignStatus:
    return CampaignStatus(campaign.status)


def draw_status(campaign: Campaign) -> SafeString:
    """Draw the status of a campaign as a label."""
    return draw_label(status_of(campaign).label.capitalize(), STATUS_COLOURS[status_of(campaign)])


def shown_statistics(campaign: Campaign, counted: Statistics) -> Statistics:
    """Return the statistics to show: waiting messages of a cancelled campaign count as stopped.

    They are never sent, and are discarded when their time comes.
    """
    if campaign.status != CampaignStatus.CANCELLED:
        return counted
    return replace(counted, waiting=0, stopped=counted.stopped + counted.waiting)


def shares(campaign: Campaign, counted: Statistics) -> list[dict[str, Any]]:
    """Return the shares of the audience by result, each with its percentage and a colour."""
    counted, launch = shown_statistics(campaign, counted), campaign.launch
    prepared = counted.waiting + counted.sent + counted.refused + counted.dropped + counted.stopped + counted.in_doubt
    to_come = 0
    if launch is not None and launch.audience is not None and campaign.is_expanding:
        to_come = max(launch.audience - counted.recipients - counted.left_out, 0)
    counts = [
        ("sent", counted.sent, BAR_COLOURS["sent"]),
        ("waiting", counted.waiting, BAR_COLOURS["due"]),
        ("being prepared", to_come, PREPARING_COLOUR),
        ("in doubt", counted.in_doubt, BAR_COLOURS["in_doubt"]),
        ("refused", counted.refused, BAR_COLOURS["refused"]),
        ("dropped", counted.dropped, BAR_COLOURS["dropped"]),
        ("stopped", counted.stopped, BAR_COLOURS["stopped"]),
    ]
    return [
        {
            "name": state.replace(" ", "_"),
            "state": state,
            "messages": messages,
            "percent": f"{100 * messages / (prepared + to_come):.2f}",
            "colour": colour,
        }
        for state, messages, colour in counts
        if messages
    ]


def figures_of(campaign: Campaign, counted: Statistics, links: Links) -> list[Figure]:
    """Return the figures of a campaign's page. Those of messages lead to them."""
    counted = shown_statistics(campaign, counted)
    key = f"campaign:{campaign.pk}"
    left_out, dropped = "", ""
    if counted.invalid:
        left_out = mark_numbers(f"{counted.invalid:,} of them without an address", f"{key}:invalid")
    if counted.dropped:
        text = f"and {counted.dropped:,} dropped because they were suppressed by then"
        dropped = mark_numbers(text, f"{key}:dropped")
    in_doubt = Figure("In doubt", counted.in_doubt, link=links.messages("in_doubt"), key=f"{key}:in_doubt")
    return [
        Figure("Recipients", counted.recipients, link=links.messages(), key=f"{key}:recipients"),
        Figure("Sent", counted.sent, link=links.messages("sent"), key=f"{key}:sent"),
        Figure("Waiting", counted.waiting, link=links.messages("waiting"), key=f"{key}:waiting")
        if counted.waiting or not counted.stopped
        else Figure("Stopped", counted.stopped, link=links.messages("stopped"), key=f"{key}:stopped"),
        Figure("Left out", counted.left_out, note=left_out, key=f"{key}:left_out"),
        Figure("Refused", counted.refused, note=dropped, link=links.failures, key=f"{key}:refused"),
        *([in_doubt] if counted.in_doubt else []),
        Figure("Opened", counted.opened, key=f"{key}:opened"),
        Figure("Clicked", counted.clicked, key=f"{key}:clicked"),
        Figure("Unsubscribed", counted.unsubscribed, key=f"{key}:unsubscribed"),
    ]


def describe_time(campaign: Campaign, now: dt.datetime) -> str:
    """Return the time or the state of a campaign in words, where there is nothing to count."""
    status = status_of(campaign)
    if status is CampaignStatus.SCHEDULED and campaign.begins_at:
        return f"will be sent at {write_time_of(campaign, campaign.begins_at)} ({tell_time(campaign.begins_at, now)})"
    if status is CampaignStatus.FAILED:
        return campaign.failure
    if status is CampaignStatus.QUEUED:
        return "messages are being prepared"
    if status is CampaignStatus.DRAFT:
        return f"planned for {describe_plan(campaign)}" if campaign.send_at else ""
    return "" if campaign.launch else "none of its mail was sent"


def link_campaign(campaign_id: int) -> str:
    return reverse("admin:campaigns_campaign_change", args=[campaign_id])


def link_campaign_page(campaign: Campaign, name: str) -> str:
    """Return the link to a further page of a campaign, such as its failures."""
    return reverse(f"admin:campaigns_campaign_{name}", args=[campaign.pk])
