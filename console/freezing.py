"""Freeze or thaw the whole installation, for superusers."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from batches.admin.asking import Button, Figure, Question, ReasonForm, confirm
from batches.models import Receipt
from batches.states import ParcelState
from batches.stop.freeze import freeze_installation, is_installation_frozen, thaw_installation
from batches.verdict import GateStatus
from foundation.admin import mark_numbers
from monitoring.fleet import connections_in_use
from monitoring.scope import EVERYTHING
from monitoring.store import Store, read_store

FREEZE = Button(Receipt.Action.FREEZE, "ac_unit", "danger")
THAW = Button(Receipt.Action.THAW, "sunny")
STOPPED_BY = {
    GateStatus.PAUSED: "paused",
    GateStatus.FROZEN: "frozen with their account",
    GateStatus.CANCELLED: "cancelled",
}


def may_freeze_everything(request: HttpRequest) -> bool:
    """Return whether this operator may freeze and thaw everything."""
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
    store = read_store(EVERYTHING)
    return Question(
        title=f"{button.title} everything",
        text=f"{button.title} the mail of all accounts?",
        figures=figures_of(store),
        consequences=_say_freeze(store) if button is FREEZE else _say_thaw(store),
        button=f"{button.title} everything",
        icon=button.icon,
        variant=button.variant,
    )


def figures_of(store: Store) -> list[Figure]:
    """Return what would be sent if nothing were frozen, and what workers have at this moment."""
    return [
        Figure(
            "Scheduled",
            store.count(ParcelState.SCHEDULED, GateStatus.OPEN),
            "to be sent at its time",
            key="all:scheduled_open",
        ),
        Figure("Due", store.count(ParcelState.DUE, GateStatus.OPEN), key="all:due_open"),
        Figure("Claimed by workers", store.count(ParcelState.CLAIMED), key="all:claimed"),
        Figure("Connections in use", connections_in_use(), "with a message under way", key="fleet:connections_used"),
        Figure("Retained", store.count(ParcelState.RETAINED), key="all:retained"),
        Figure("Scheduled campaigns", store.campaigns, "without messages yet", key="all:planned_campaigns"),
    ]


def _say_freeze(store: Store) -> list[str]:
    return [
        "As soon as this is confirmed, no more mail of any account is sent.",
        "Mail is still accepted. Mail that becomes due is retained, and does not expire while everything is frozen.",
        "Thaw continues the delivery. Nothing is lost or sent twice.",
        *_say_stopped(store),
    ]


def _say_thaw(store: Store) -> list[str]:
    released = store.count(ParcelState.RETAINED, GateStatus.OPEN)
    return [
        mark_numbers(
            f"{released} retained messages are sent immediately, as fast as the workers can send.", "all:retained_open"
        ),
        "Accounts that were frozen individually stay frozen, and paused batches stay paused.",
        "Lateness is counted from the thaw: no mail is late because of the freeze.",
        *_say_stopped(store),
    ]


def _say_stopped(store: Store) -> list[str]:
    """Return a sentence about the scheduled mail that is already stopped; an empty list without such mail."""
    parts = {
        f"all:scheduled_{gate.value}": f"{tally} {word}"
        for gate, word in STOPPED_BY.items()
        if (tally := store.count(ParcelState.SCHEDULED, gate)).messages
    }
    text = f"Further messages are scheduled and already stopped: {', '.join(parts.values())}."
    return [mark_numbers(text, *parts)] if parts else []
