"""Pause, cancel and resume by an operator: what will happen, how many messages it is about, and then the receipt.

The pages call the functions that the APIs call. A GET only asks; the answer to the POST is the receipt's page.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextInputWidget

from batches.control import STOPPED, resume_batch, stop_batch
from batches.counts import Counts, count_batch
from batches.errors import StatusConflict, UnknownBatch
from batches.models import Batch, Receipt
from batches.states import BatchStatus


@dataclass(frozen=True, slots=True)
class Move:
    """One of the three buttons: where it leads, and from where it makes sense."""

    action: Receipt.Action
    to: BatchStatus
    allowed_from: Collection[BatchStatus]
    icon: str
    variant: str

    @property
    def title(self) -> str:
        return self.action.label.capitalize()


MOVES = (
    Move(Receipt.Action.RESUME, BatchStatus.OPEN, STOPPED, "play_arrow", "primary"),
    Move(
        Receipt.Action.PAUSE,
        BatchStatus.PAUSED,
        frozenset({BatchStatus.OPEN, BatchStatus.CANCELLED}),
        "pause",
        "primary",
    ),
    Move(
        Receipt.Action.CANCEL,
        BatchStatus.CANCELLED,
        frozenset({BatchStatus.OPEN, BatchStatus.PAUSED}),
        "cancel",
        "danger",
    ),
)


class ReasonForm(forms.Form):
    """Why: kept in the receipt."""

    reason = forms.CharField(
        max_length=500,
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "Why? It is kept in the receipt.", "autofocus": True}),
    )


def may_control(request: HttpRequest) -> bool:
    """Whether this operator has the buttons."""
    return request.user.has_perm("batches.change_batch")


def moves_of(batch: Batch) -> list[Move]:
    """The moves that make sense. The hidden batch of mail sent without one cannot be stopped as a batch."""
    return [] if batch.is_default else [move for move in MOVES if batch.status in move.allowed_from]


def control_batch(request: HttpRequest, batch_id: int, action: str) -> HttpResponse:
    """Ask for confirmation, and on POST carry the move out."""
    if not may_control(request):
        raise PermissionDenied
    batch = get_object_or_404(Batch.objects.select_related("account"), pk=batch_id)
    (move,) = (move for move in MOVES if move.action == action)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _answer(request, batch, move, form.cleaned_data["reason"])
    if move not in moves_of(batch):
        messages.warning(request, f"There is nothing to {action}: the batch is {BatchStatus(batch.status).label}.")
        return _back_to(batch)
    return TemplateResponse(request, "batches/control.html", _question(request, batch, move, form))


def _answer(request: HttpRequest, batch: Batch, move: Move, reason: str) -> HttpResponse:
    try:
        receipt = carry_out(move, batch, actor=f"operator {request.user.get_username()}", reason=reason)
    except (StatusConflict, UnknownBatch) as error:
        messages.warning(request, f"Nothing was changed: {error}.")
        return _back_to(batch)
    if not request.user.has_perm("batches.view_receipt"):
        messages.success(request, f"Done: {receipt.sent:,} had been sent, {receipt.in_flight:,} are in flight.")
        return _back_to(batch)
    return HttpResponseRedirect(reverse("admin:batches_receipt_change", args=[receipt.pk]))


def carry_out(move: Move, batch: Batch, *, actor: str, reason: str) -> Receipt:
    """Through the doors that the APIs use. Raises StatusConflict when someone was first."""
    if move.to == BatchStatus.OPEN:
        return resume_batch(batch.account, batch.public_id, actor=actor, reason=reason, allowed_from=move.allowed_from)
    return stop_batch(
        batch.account, batch.public_id, move.to, actor=actor, reason=reason, allowed_from=move.allowed_from
    )


def _back_to(batch: Batch) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:batches_batch_change", args=[batch.pk]))


def _question(request: HttpRequest, batch: Batch, move: Move, form: ReasonForm) -> dict[str, object]:
    counts = count_batch(batch.pk)
    return {
        **admin.site.each_context(request),
        "title": f"{move.title} a batch",
        "opts": Batch._meta,
        "batch": batch,
        "move": move,
        "counts": counts,
        "consequences": say_consequences(move, batch, counts),
        "form": form,
    }


def say_consequences(move: Move, batch: Batch, counts: Counts) -> list[str]:
    """What the move will do, in sentences with numbers."""
    hours = f"{settings.RETENTION_SECONDS / 3600:g} hours"
    at_hand = counts.due + counts.claimed + counts.retained
    if move.action == Receipt.Action.PAUSE:
        return [
            "When the answer is there, nothing more of this batch leaves.",
            f"What comes due is retained for {hours} after its send_at, and then expires.",
            "Resume lets it go on; nothing is lost or sent twice.",
        ]
    if move.action == Receipt.Action.CANCEL:
        return [
            "When the answer is there, nothing more of this batch leaves.",
            f"Mail is discarded for good at its send_at. {counts.scheduled:,} messages are still ahead of theirs: "
            "until then the cancel can be taken back with resume.",
            f"For {at_hand:,} messages that time has come: they are discarded at once, and no resume brings them back.",
        ]
    return [
        f"{at_hand:,} messages whose time has come leave at once, at the fleet's pace.",
        f"{counts.scheduled:,} messages wait for their send_at as if nothing had been.",
        f"{counts.ended_unsent:,} were stopped, discarded or expired, and stay so.",
    ]
