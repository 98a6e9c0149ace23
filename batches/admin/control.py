"""Pause, cancel, resume and reschedule a batch from its page: ask what each button needs, and call its function."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextInputWidget

from batches.admin.asking import Button, Figure, Question, ReasonForm, TimeField, confirm, require
from batches.counts import Counts, count_batch
from batches.freezes import EVERYTHING_FROZEN_AT, tell_freezes
from batches.models import Batch, Receipt
from batches.states import STOPPED, BatchStatus
from batches.stop.control import resume_batch, stop_batch
from batches.stop.exact import PauseTerms
from batches.stop.reschedule import reschedule_batch
from foundation.admin import mark_numbers, write_time
from foundation.clock import database_now

MAY_CONTROL = "batches.change_batch"
LONGEST_RETENTION_HOURS = 24 * 365

PAUSE = Button(Receipt.Action.PAUSE, "pause")
CANCEL = Button(Receipt.Action.CANCEL, "cancel", "danger")
RESUME = Button(Receipt.Action.RESUME, "play_arrow")
RESCHEDULE = Button(Receipt.Action.RESCHEDULE, "schedule_send")
ALLOWED_FROM: dict[Button, Collection[BatchStatus]] = {
    RESUME: STOPPED,
    RESCHEDULE: frozenset({BatchStatus.OPEN, BatchStatus.PAUSED}),
    PAUSE: frozenset({BatchStatus.OPEN, BatchStatus.CANCELLED}),
    CANCEL: frozenset({BatchStatus.OPEN, BatchStatus.PAUSED}),
}
"""The buttons in their order, and the statuses in which each is offered."""
BUTTONS = tuple(ALLOWED_FROM)


class PauseForm(ReasonForm):
    """Ask for the reason and the end of a pause. Without an end it lasts until somebody resumes the batch."""

    until = TimeField(
        label="Until (UTC)",
        required=False,
        help_text="The batch is then resumed automatically. Empty: it stays paused until somebody resumes it.",
    )
    hours = forms.FloatField(
        label="Retain mail for (hours)",
        required=False,
        min_value=0,
        max_value=LONGEST_RETENTION_HOURS,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[
            "hours"
        ].help_text = f"Counted from its send_at. Mail that is not resumed by then expires. Empty: {tell_hours(None)}."


class RescheduleForm(ReasonForm):
    """Ask for the reason and the new time of a reschedule."""

    send_at = TimeField(label="New send_at (UTC)", help_text="A time that has passed means now.")
    field_order = ("send_at", "reason")


FORMS: dict[Button, type[ReasonForm]] = {PAUSE: PauseForm, RESCHEDULE: RescheduleForm}


def buttons_of(batch: Batch) -> list[Button]:
    """Return the buttons that have an effect in the status of the batch.

    A hidden batch has none: the batch of mail that was sent without a batch id cannot be stopped as a whole, and the
    batch of a campaign is stopped with its campaign.
    """
    return [] if batch.is_hidden else [button for button in BUTTONS if batch.status in ALLOWED_FROM[button]]


def control_batch(request: HttpRequest, batch_id: int, button: Button) -> HttpResponse:
    """Ask for confirmation, and on POST do what the button says."""
    require(request, MAY_CONTROL)
    batches = Batch.objects.select_related("account__parent").annotate(everything_frozen_at=EVERYTHING_FROZEN_AT)
    batch = get_object_or_404(batches, pk=batch_id)
    return confirm(
        request,
        FORMS.get(button, ReasonForm)(request.POST or None),
        lambda: _question(button, batch),
        lambda actor, answers: carry_out(button, batch, actor=actor, **answers),
        back=reverse("admin:batches_batch_change", args=[batch.pk]),
        model=Batch,
        first=lambda: (
            ""
            if button in buttons_of(batch)
            else f"There is nothing to {button.action}: the batch is {BatchStatus(batch.status).label}."
        ),
    )


def carry_out(button: Button, batch: Batch, *, actor: str, reason: str, **answers: Any) -> Receipt:
    """Carry an action out by the functions that the APIs use. Raises StatusConflict when somebody else was faster."""
    account, public_id, allowed_from = batch.account, batch.public_id, ALLOWED_FROM[button]
    if button is RESCHEDULE:
        return reschedule_batch(account, public_id, answers["send_at"], actor=actor, reason=reason)
    if button is RESUME:
        return resume_batch(account, public_id, actor=actor, reason=reason, allowed_from=allowed_from)
    return stop_batch(
        account,
        public_id,
        BatchStatus.PAUSED if button is PAUSE else BatchStatus.CANCELLED,
        actor=actor,
        reason=reason,
        allowed_from=allowed_from,
        terms=_terms(answers.get("until"), answers.get("hours")),
    )


def _terms(until: dt.datetime | None, hours: float | None) -> PauseTerms:
    return PauseTerms(until, None if hours is None else dt.timedelta(hours=hours))


def _question(button: Button, batch: Any) -> Question:
    counts = count_batch(batch.pk)
    freezes = tell_freezes(batch.account, batch.everything_frozen_at) if button is RESUME else []
    return Question(
        title=f"{button.title} a batch",
        text=f"{button.title} this batch of {batch.account}?",
        named=batch.public_id,
        figures=[
            Figure("Accepted", counts.accepted, key=f"batch:{batch.pk}:accepted"),
            Figure("Waiting now", counts.waiting, key=f"batch:{batch.pk}:waiting"),
            Figure("Sent already", counts.sent, key=f"batch:{batch.pk}:sent"),
            Figure("Claimed by workers", counts.claimed, key=f"batch:{batch.pk}:claimed"),
        ],
        consequences=[*freezes, *say_consequences(button, counts, f"batch:{batch.pk}")],
        button=button.title,
        icon=button.icon,
        variant=button.variant,
    )


def say_consequences(button: Button, counts: Counts, about: str) -> list[str]:
    """Return the effects of the action, in sentences with numbers. `about` is the key of the batch."""
    say = {PAUSE: _say_pause, CANCEL: _say_cancel, RESCHEDULE: _say_reschedule}.get(button, _say_resume)
    return say(counts, about)


def _at_hand(counts: Counts) -> int:
    return counts.due + counts.claimed + counts.retained


def _say_pause(counts: Counts, about: str) -> list[str]:
    return [
        "As soon as this is confirmed, no more mail from this batch is sent.",
        f"Mail that becomes due is retained for {tell_hours(None)} after its send_at, unless you choose another "
        "time, and then expires.",
        "Resume continues the delivery. Nothing is lost or sent twice.",
    ]


def _say_cancel(counts: Counts, about: str) -> list[str]:
    return [
        "As soon as this is confirmed, no more mail from this batch is sent.",
        mark_numbers(
            f"Mail is discarded permanently at its send_at. For {counts.scheduled:,} messages that time has not "
            "come: until then, resume undoes the cancel.",
            f"{about}:scheduled",
        ),
        mark_numbers(
            f"For {_at_hand(counts) + counts.held:,} messages that time has come: they are discarded immediately, and "
            "resume does not bring them back.",
            f"{about}:come",
        ),
    ]


def _say_reschedule(counts: Counts, about: str) -> list[str]:
    return [
        mark_numbers(
            f"{counts.waiting - counts.claimed:,} waiting messages get this send_at, whatever it was before: "
            f"{counts.scheduled:,} scheduled, {counts.due:,} due, {counts.retained:,} retained, "
            f"{counts.held:,} held.",
            *(f"{about}:{name}" for name in ("movable", "scheduled", "due", "retained", "held")),
        ),
        mark_numbers(
            f"{counts.claimed:,} messages are claimed by workers, which send them at their old time.",
            f"{about}:claimed",
        ),
        f"The clock of the database, which decides, shows {write_time(database_now())} UTC.",
    ]


def _say_resume(counts: Counts, about: str) -> list[str]:
    return [
        mark_numbers(
            f"{_at_hand(counts):,} messages whose time has come are sent immediately, as fast as the workers can.",
            f"{about}:at_hand",
        ),
        mark_numbers(f"{counts.scheduled:,} messages are sent at their send_at, as scheduled.", f"{about}:scheduled"),
        mark_numbers(
            f"{counts.ended_unsent:,} messages were stopped, discarded or expired, and are not sent.",
            f"{about}:ended_unsent",
        ),
        *say_held(counts, about),
    ]


def say_held(counts: Counts, about: str) -> list[str]:
    """Return a sentence about held mail, if there is any."""
    text = f"{counts.held:,} messages are held, and still need a decision."
    return [mark_numbers(text, f"{about}:held")] if counts.held else []


def tell_hours(seconds: float | None) -> str:
    """Return how long paused mail is retained, in words; None: as the installation says."""
    return f"{(settings.RETENTION_SECONDS if seconds is None else seconds) / 3600:g} hours"
