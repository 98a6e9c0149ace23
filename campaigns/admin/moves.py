"""Define the moves of a campaign that an operator can make: when each is possible, its form and its function."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from django import forms

from batches.admin.asking import ReasonForm
from batches.models import Receipt
from campaigns.admin.pace import PaceForm
from campaigns.admin.times import ZonedTimeField, describe_plan, write_time_of, zone_of
from campaigns.editing import duplicate_campaign
from campaigns.lifecycle import (
    CANCELLABLE,
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
from campaigns.testing import send_test
from mailer.admin.addresses import AddressesForm

MAY_SEE, MAY_ADD = "campaigns.view_campaign", "campaigns.add_campaign"
MAY_CHANGE, MAY_DELETE = "campaigns.change_campaign", "campaigns.delete_campaign"
ALL: Statuses = frozenset(CampaignStatus)
STARTED = RUNNING | {CampaignStatus.SCHEDULED}

Fields = dict[str, Any]


class Outcome(NamedTuple):
    """The result of a move: a sentence without its subject, the receipt of a stop, and the copy that was made."""

    text: str
    receipt: Receipt | None = None
    copy: Campaign | None = None


@dataclass(frozen=True, slots=True)
class CampaignMove:
    """A button. `name` is its part of the URL, and `icon` a Material Symbol."""

    name: str
    title: str
    icon: str
    allowed_from: Statuses
    carry: Callable[[Campaign, str, Fields], Outcome]
    form: type[forms.Form] = forms.Form
    variant: str = "primary"
    permission: str = MAY_CHANGE
    button: str = ""


def _send(campaign: Campaign, actor: str, fields: Fields) -> Outcome:
    if campaign.send_at is None:
        return _send_now(campaign, actor, fields)
    return _reschedule(campaign, actor, {"send_at": campaign.send_at})


def _send_now(campaign: Campaign, actor: str, fields: Fields) -> Outcome:
    return _describe_time(send_now(campaign.account, campaign.pk, needs=WITH_LINK))


def _reschedule(campaign: Campaign, actor: str, fields: Fields) -> Outcome:
    return _describe_time(schedule_campaign(campaign.account, campaign.pk, fields["send_at"], needs=WITH_LINK))


def _describe_time(sent: Campaign) -> Outcome:
    if sent.status == CampaignStatus.SCHEDULED and sent.begins_at:
        return Outcome(f"is scheduled: it will be sent at {write_time_of(sent, sent.begins_at)}")
    return Outcome("is being sent")


def _unschedule(campaign: Campaign, actor: str, fields: Fields) -> Outcome:
    unschedule_campaign(campaign.account, campaign.pk)
    return Outcome("is a draft again: none of its mail was sent, and none will be")


def _pause(campaign: Campaign, actor: str, fields: Fields) -> Outcome:
    receipt = pause_campaign(campaign.account, campaign.pk, actor=actor, reason=fields["reason"])
    return Outcome("is paused", receipt)


def _resume(campaign: Campaign, actor: str, fields: Fields) -> Outcome:
    resume_campaign(campaign.account, campaign.pk, actor=actor, reason=fields["reason"])
    return Outcome("was resumed")


def _cancel(campaign: Campaign, actor: str, fields: Fields) -> Outcome:
    receipt = cancel_campaign(campaign.account, campaign.pk, actor=actor, reason=fields["reason"])
    return Outcome("is cancelled", receipt)


def _delete(campaign: Campaign, actor: str, fields: Fields) -> Outcome:
    receipt = delete_campaign(campaign.account, campaign.pk, actor=actor, reason=fields["reason"])
    return Outcome("is deleted", receipt)


def _duplicate(campaign: Campaign, actor: str, fields: Fields) -> Outcome:
    copy = duplicate_campaign(campaign.account, campaign.pk)
    return Outcome(f"was duplicated as the draft “{copy.title}”", copy=copy)


def _test(campaign: Campaign, actor: str, fields: Fields) -> Outcome:
    send_test(campaign.account, campaign.pk, fields["to"])
    return Outcome(f"is being sent to {', '.join(fields['to'])} as a test")


def _change_pace(campaign: Campaign, actor: str, fields: Fields) -> Outcome:
    change_terms(campaign.account, campaign.pk, fields)
    return Outcome("has a new pace: its unsent mail got new times")


class TimeForm(forms.Form):
    """Ask for the new time of a campaign."""

    send_at = ZonedTimeField()

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        time = self.fields["send_at"]
        assert isinstance(time, ZonedTimeField)
        time.show_in(zone_of(campaign), campaign.send_at)
        self.initial["send_at"] = time.shown_as_typed


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
CANCEL = CampaignMove("cancel", "Cancel", "cancel", CANCELLABLE, _cancel, ReasonForm, "danger", button="Confirm")
PACE = CampaignMove("pace", "Change pace", "speed", STARTED, _change_pace, PaceForm)
TEST = CampaignMove("test", "Send a test", "outgoing_mail", ALL, _test, AddressesForm)
DUPLICATE = CampaignMove("duplicate", "Duplicate", "content_copy", ALL, _duplicate, permission=MAY_ADD)
DELETE = CampaignMove("delete", "Delete", "delete", ALL, _delete, ReasonForm, "danger", MAY_DELETE)

MOVES = (SEND, SEND_NOW, RESCHEDULE, UNSCHEDULE, PAUSE, RESUME, CANCEL, PACE, TEST, DUPLICATE, DELETE)
"""The moves in the order of the menu."""
ASIDE = frozenset({PACE, TEST, DUPLICATE, DELETE})
"""Moves that are shown below the status on a campaign's page."""


def describe_consequences(move: CampaignMove, campaign: Campaign, undo: dt.timedelta) -> list[str]:
    """Return sentences that describe what the move will do."""
    status = CampaignStatus(campaign.status)
    if move is SEND and campaign.send_at:
        return [
            f"It will be sent at {describe_plan(campaign)}. Until then it can be unscheduled.",
            "Its audience is read shortly before: contacts who join a list until then get it, too.",
        ]
    if move in {SEND, SEND_NOW}:
        return _describe_sending(undo)
    if move is DELETE:
        stop = {
            True: "As soon as this is confirmed, no more of its mail is sent. Mail that was sent stays counted.",
            False: "It was not sent, and will not be." if status not in FINAL_STATUSES else "It will be hidden.",
        }
        return [stop[status in RUNNING], "Its batch, its receipts and its history stay. This cannot be undone."]
    return {
        RESCHEDULE: [f"It is scheduled for {describe_plan(campaign)}."],
        UNSCHEDULE: ["It becomes a draft again, without a time. None of its mail was sent, and none will be."],
        PAUSE: [
            "As soon as this is confirmed, no more of its mail is sent, and no more messages are prepared.",
            "It can be resumed where it was stopped: no contact is skipped, and none gets it twice.",
        ],
        RESUME: ["It continues where it was stopped, at its pace. No contact is skipped, and none gets it twice."],
        CANCEL: [
            "As soon as this is confirmed, no more of its mail is sent.",
            'Its status becomes "Cancelled". This cannot be undone.',
        ],
        PACE: ["Its unsent mail gets new times, in the same order. Mail that a worker is sending is not affected."],
        TEST: ["Its tags are replaced with their defaults. The campaign is not changed."],
        DUPLICATE: ["The copy is a draft with the same content and audience, but without a time."],
    }[move]


def _describe_sending(undo: dt.timedelta) -> list[str]:
    at_once = f"It will be sent in {int(undo.total_seconds())} seconds. Until then it can be unscheduled."
    return [
        at_once
        if undo
        else "It is sent at once. It can be paused or cancelled, but mail that was sent cannot be recalled.",
        "Suppressed contacts do not get it.",
    ]
