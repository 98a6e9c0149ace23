"""List what happened to a campaign: when, who did it, and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType

from batches.models import Receipt
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from foundation.admin import mark_numbers

READ = 30
"""The number of receipts, and of changes, that are read: the latest ones."""
ENDS = {
    CampaignStatus.SENT: "Every message has an outcome.",
    CampaignStatus.CANCELLED: "The campaign ended.",
}
STOPS = frozenset({Receipt.Action.PAUSE, Receipt.Action.CANCEL})


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened to a campaign, or will: when, a sentence, who did it and why, and the receipt."""

    at: dt.datetime
    text: str
    actor: str = ""
    reason: str = ""
    receipt: Receipt | None = None


def tell_timeline(campaign: Campaign, now: dt.datetime) -> list[Moment]:
    """Return the moments of a campaign, the earliest first, from two statements."""
    return sorted(
        [*_changes(campaign), *_receipts(campaign), *_own_moments(campaign, now)], key=lambda moment: moment.at
    )


def _changes(campaign: Campaign) -> Iterator[Moment]:
    """Yield what operators changed. An API leaves no such entry."""
    entries = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(Campaign), object_id=str(campaign.pk)
    )
    latest = list(entries.select_related("user").order_by("-action_time", "-pk")[:READ])
    if not any(entry.action_flag == ADDITION for entry in latest):
        yield Moment(campaign.created_at, "It was created.")
    for entry in latest:
        text = entry.get_change_message()
        if entry.action_flag == ADDITION:
            text = f"It was created. {text if text.startswith('It ') else ''}".strip()
        yield Moment(entry.action_time, text, actor=f"operator {entry.user.get_username()}")


def _receipts(campaign: Campaign) -> Iterator[Moment]:
    """Yield the stops and resumes of the campaign's mail, including that of earlier launches."""
    receipts = Receipt.objects.filter(batch__launch__campaign=campaign).defer("claims", "doubtful_messages")
    for receipt in receipts.order_by("-pk")[:READ]:
        text = f"{Receipt.Action(receipt.action).label.capitalize()}."
        if receipt.action in STOPS:
            text = mark_numbers(
                f"{text[:-1]}: {receipt.sent:,} messages were sent, {receipt.newly_stopped:,} were stopped.",
                f"receipt:{receipt.pk}:sent",
                f"receipt:{receipt.pk}:stopped",
            )
        yield Moment(receipt.created_at, text, receipt.actor, receipt.reason, receipt)


def _own_moments(campaign: Campaign, now: dt.datetime) -> Iterator[Moment]:
    """Yield when the campaign began, or will begin, and when it ended."""
    launch = campaign.launch
    if campaign.status == CampaignStatus.SCHEDULED and campaign.begins_at is not None:
        yield Moment(campaign.begins_at, "It will begin.")
    elif launch is not None and launch.begins_at <= (campaign.finished_at or now):
        yield Moment(launch.begins_at, "It began.")
    if campaign.finished_at is not None and campaign.status == CampaignStatus.FAILED:
        yield Moment(campaign.finished_at, f"It failed: {campaign.failure}.")
    elif campaign.finished_at is not None and campaign.status in ENDS:
        yield Moment(campaign.finished_at, ENDS[CampaignStatus(campaign.status)])
