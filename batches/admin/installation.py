"""Freeze or thaw the whole installation, for superusers."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from batches.admin.asking import Button, Figure, Question, ReasonForm, confirm
from batches.counts import tally_state
from batches.models import Receipt
from batches.states import ParcelState
from batches.stop.freeze import freeze_installation, is_installation_frozen, thaw_installation

FREEZE = Button(Receipt.Action.FREEZE, "ac_unit", "danger")
THAW = Button(Receipt.Action.THAW, "sunny")
CONSEQUENCES = {
    FREEZE: [
        "As soon as this is confirmed, no more mail of any account is sent.",
        "Mail is still accepted. Mail that becomes due is retained, and does not expire while everything is frozen.",
        "Thaw continues the delivery. Nothing is lost or sent twice.",
    ],
    THAW: [
        "Retained mail is sent immediately, as fast as the workers can, unless its batch is paused or cancelled.",
        "Accounts that were frozen individually stay frozen.",
        "Lateness is counted from the thaw: no mail is late because of the freeze.",
    ],
}


def may_freeze_everything(request: HttpRequest) -> bool:
    """Return whether this operator has the switch."""
    return bool(request.user.is_active and request.user.is_superuser)


def freeze_everything(request: HttpRequest) -> HttpResponse:
    """Ask, and on POST freeze the installation."""
    return _switch(request, FREEZE)


def thaw_everything(request: HttpRequest) -> HttpResponse:
    """Ask, and on POST thaw the installation."""
    return _switch(request, THAW)


def _switch(request: HttpRequest, button: Button) -> HttpResponse:
    if not may_freeze_everything(request):
        raise PermissionDenied
    switch = freeze_installation if button is FREEZE else thaw_installation
    return confirm(
        request,
        ReasonForm(request.POST or None),
        lambda: _question(button),
        lambda actor, answers: switch(actor=actor, reason=answers["reason"]),
        back=reverse("admin:index"),
        first=lambda: _why_pointless(button),
    )


def _why_pointless(button: Button) -> str:
    if is_installation_frozen() == (button is THAW):
        return ""
    return (
        "There is nothing to thaw: the installation is not frozen."
        if button is THAW
        else "Everything is already frozen."
    )


def _question(button: Button) -> Question:
    return Question(
        title=f"{button.title} everything",
        text=f"{button.title} the mail of all accounts?",
        figures=[
            Figure(state.label.capitalize() if state != ParcelState.CLAIMED else "Being sent", tally_state(state))
            for state in (ParcelState.SCHEDULED, ParcelState.DUE, ParcelState.CLAIMED, ParcelState.RETAINED)
        ],
        consequences=CONSEQUENCES[button],
        button=f"{button.title} everything",
        icon=button.icon,
        variant=button.variant,
    )
