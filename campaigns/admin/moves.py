"""The moves of a campaign that an operator can make: when each makes sense, what it asks, and the function it calls."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

from audience.drafts import is_email
from batches.admin.asking import ReasonForm, TimeField
from batches.models import Receipt
from campaigns.admin.pace import PaceForm
from campaigns.editing import duplicate_campaign
from campaigns.lifecycle import (
    CANCELABLE,
    PAUSABLE,
    RESUMABLE,
    SCHEDULABLE,
    SENDABLE,
    UNSCHEDULABLE,
    Statuses,
    cancel_campaign,
    delete_campaign,
    pause_campaign,
    resume_campaign,
    schedule_campaign,
    send_now,
    unschedule_campaign,
)
from campaigns.models import Campaign
from campaigns.readiness import WITH_LINK
from campaigns.states import FINAL_STATUSES, RUNNING, CampaignStatus
from campaigns.terms import change_terms
from campaigns.testing import TEST_ADDRESSES, send_test
from foundation.admin import write_time

MAY_SEE, MAY_ADD = "campaigns.view_campaign", "campaigns.add_campaign"
MAY_CHANGE, MAY_DELETE = "campaigns.change_campaign", "campaigns.delete_campaign"
ALL: Statuses = frozenset(CampaignStatus)
STARTED = RUNNING | {CampaignStatus.SCHEDULED}

Said = dict[str, Any]
Outcome = tuple[str, Receipt | None]
"""What is told of it afterwards, and the receipt of a stop."""


@dataclass(frozen=True, slots=True)
class CampaignMove:
    """A button. `name` is its part of the address, `icon` a Material Symbol."""

    name: str
    title: str
    icon: str
    allowed_from: Statuses
    carry: Callable[[Campaign, str, Said], Outcome]
    form: type[forms.Form] = forms.Form
    variant: str = "primary"
    permission: str = MAY_CHANGE
    button: str = ""


def _send(campaign: Campaign, actor: str, said: Said) -> Outcome:
    if campaign.send_at is None:
        return _send_now(campaign, actor, said)
    return _reschedule(campaign, actor, {"send_at": campaign.send_at})


def _send_now(campaign: Campaign, actor: str, said: Said) -> Outcome:
    return _tell_time(send_now(campaign.account, campaign.pk, needs=WITH_LINK))


def _reschedule(campaign: Campaign, actor: str, said: Said) -> Outcome:
    return _tell_time(schedule_campaign(campaign.account, campaign.pk, said["send_at"], needs=WITH_LINK))


def _tell_time(sent: Campaign) -> Outcome:
    if sent.status == CampaignStatus.SCHEDULED and sent.begins_at:
        return f"is scheduled: it leaves at {write_time(sent.begins_at)} UTC", None
    return "is on its way", None


def _unschedule(campaign: Campaign, actor: str, said: Said) -> Outcome:
    unschedule_campaign(campaign.account, campaign.pk)
    return "is a draft again: nothing of it has left, and nothing will", None


def _pause(campaign: Campaign, actor: str, said: Said) -> Outcome:
    return "is paused", pause_campaign(campaign.account, campaign.pk, actor=actor, reason=said["reason"])


def _resume(campaign: Campaign, actor: str, said: Said) -> Outcome:
    resume_campaign(campaign.account, campaign.pk, actor=actor, reason=said["reason"])
    return "goes on", None


def _cancel(campaign: Campaign, actor: str, said: Said) -> Outcome:
    return "is canceled", cancel_campaign(campaign.account, campaign.pk, actor=actor, reason=said["reason"])


def _delete(campaign: Campaign, actor: str, said: Said) -> Outcome:
    return "is deleted", delete_campaign(campaign.account, campaign.pk, actor=actor, reason=said["reason"])


def _duplicate(campaign: Campaign, actor: str, said: Said) -> Outcome:
    copy = duplicate_campaign(campaign.account, campaign.pk)
    return f"has a copy, the draft “{copy.title}”", None


def _test(campaign: Campaign, actor: str, said: Said) -> Outcome:
    send_test(campaign.account, campaign.pk, said["to"])
    return f"is on its way to {', '.join(said['to'])} as a test", None


def _change_pace(campaign: Campaign, actor: str, said: Said) -> Outcome:
    change_terms(campaign.account, campaign.pk, said)
    return "has another pace: what has not left got new times", None


class TimeForm(forms.Form):
    """When it leaves instead."""

    send_at = TimeField(label="Time (UTC)")


class AddressesForm(forms.Form):
    """Up to ten addresses."""

    to = forms.CharField(
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "you@example.com"}),
        help_text=f"Up to {TEST_ADDRESSES} addresses, with commas between them.",
    )

    def clean_to(self) -> list[str]:
        addresses = list(dict.fromkeys(address for address in re.split(r"[,;\s]+", self.cleaned_data["to"]) if address))
        if wrong := [address for address in addresses if not is_email(address)]:
            raise forms.ValidationError(f"This is no address: {wrong[0]}")
        return addresses


SEND = CampaignMove("send", "Send Campaign", "send", frozenset(SENDABLE) - {CampaignStatus.SCHEDULED}, _send)
SEND_NOW = CampaignMove("now", "Send now", "send", frozenset(SENDABLE) & {CampaignStatus.SCHEDULED}, _send_now)
RESCHEDULE = CampaignMove(
    "reschedule",
    "Change the time",
    "schedule_send",
    frozenset(SCHEDULABLE) & {CampaignStatus.SCHEDULED},
    _reschedule,
    TimeForm,
)
UNSCHEDULE = CampaignMove("unschedule", "Unschedule", "event_busy", UNSCHEDULABLE, _unschedule)
PAUSE = CampaignMove("pause", "Pause", "pause", PAUSABLE, _pause, ReasonForm)
RESUME = CampaignMove("resume", "Resume", "play_arrow", RESUMABLE, _resume, ReasonForm)
CANCEL = CampaignMove("cancel", "Cancel", "cancel", CANCELABLE, _cancel, ReasonForm, "danger", button="Confirm")
PACE = CampaignMove("pace", "Change pace", "speed", STARTED, _change_pace, PaceForm)
TEST = CampaignMove("test", "Send a test", "outgoing_mail", ALL, _test, AddressesForm)
DUPLICATE = CampaignMove("duplicate", "Duplicate", "content_copy", ALL, _duplicate, permission=MAY_ADD)
DELETE = CampaignMove("delete", "Delete", "delete", ALL, _delete, ReasonForm, "danger", MAY_DELETE)

MOVES = (SEND, SEND_NOW, RESCHEDULE, UNSCHEDULE, PAUSE, RESUME, CANCEL, PACE, TEST, DUPLICATE, DELETE)
"""In the order in which a menu has them."""
ASIDE = frozenset({PACE, TEST, DUPLICATE, DELETE})
"""Those that stand aside on a campaign's page."""


def say_consequences(move: CampaignMove, campaign: Campaign, undo: dt.timedelta) -> list[str]:
    """What the move will do, in sentences."""
    status = CampaignStatus(campaign.status)
    if move is SEND and campaign.send_at:
        return [
            f"It leaves at {write_time(campaign.send_at)} UTC. Until then it can be unscheduled.",
            "Its audience is read shortly before: who joins a list until then gets it, too.",
        ]
    if move in {SEND, SEND_NOW}:
        return _say_of_sending(undo)
    if move is DELETE:
        stop = {
            True: "When the answer is there, nothing more of it leaves. What has left stays counted.",
            False: "It was never sent, and will not be." if status not in FINAL_STATUSES else "It is hidden.",
        }
        return [stop[status in RUNNING], "Its batch, its receipts and its history stay. This cannot be taken back."]
    return {
        RESCHEDULE: [f"It was to leave at {write_time(campaign.send_at)} UTC."],
        UNSCHEDULE: ["It becomes a draft again, without a time. Nothing of it has left, and nothing will."],
        PAUSE: [
            "When the answer is there, nothing more of it leaves, and no more of its audience becomes messages.",
            "Resume lets it go on where it stopped; nobody is skipped, and nobody gets it twice.",
        ],
        RESUME: ["It goes on where it stopped, at its pace. Nobody is skipped, and nobody gets it twice."],
        CANCEL: [
            "When the answer is there, nothing more of it leaves.",
            'Its status turns to "Canceled". This cannot be taken back.',
        ],
        PACE: ["What has not left gets new times, in the same order. What a worker has in its hands leaves."],
        TEST: ["Its tags get their defaults. The campaign itself is not changed."],
        DUPLICATE: ["The copy is a draft with the same content and audience, and without a time."],
    }[move]


def _say_of_sending(undo: dt.timedelta) -> list[str]:
    at_once = f"It leaves in {int(undo.total_seconds())} seconds. Until then it can be unscheduled."
    return [
        at_once
        if undo
        else "It leaves at once. From then on it can be paused or canceled, and what has left, has left.",
        "Suppressed contacts are left out.",
    ]
