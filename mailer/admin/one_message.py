"""Stop one message, or send it at another time: ask first, and then show the receipt."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from batches.admin.asking import Button, Question, ReasonForm, confirm, require
from batches.admin.control import MAY_CONTROL, RescheduleForm
from batches.models import PARCEL_SPAN, Parcel, Receipt
from batches.states import WAITING_STATES, ParcelState
from foundation.admin import write_time
from foundation.clock import database_now
from mailer.in_hand import Why
from mailer.models import Message
from mailer.one_message import reschedule_message, stop_message
from mailer.queries import states_of

MAY_SEE = "mailer.view_message"
STOP = Button(Receipt.Action.CANCEL, "cancel", "danger")
RESCHEDULE = Button(Receipt.Action.RESCHEDULE, "schedule_send")
TITLES = {STOP: "Stop this message", RESCHEDULE: "Send at another time"}
MOVABLE = {state.label for state in (*WAITING_STATES, ParcelState.CLAIMED)}
"""The states of a message that may still be sent."""


def stop(request: HttpRequest, message_id: int) -> HttpResponse:
    """Ask, and on POST stop the message."""
    return _move(request, message_id, STOP)


def reschedule(request: HttpRequest, message_id: int) -> HttpResponse:
    """Ask, and on POST give the message another `send_at`."""
    return _move(request, message_id, RESCHEDULE)


def buttons_of(
    request: HttpRequest, message: Message, state: str, account_id: int | None
) -> list[tuple[str, str, str]]:
    """Return the buttons of a message in this state, as title, address and icon."""
    if not request.user.has_perms([MAY_SEE, MAY_CONTROL]):
        return []
    buttons = [
        (TITLES[button], reverse(f"admin:mailer_message_{name}", args=[message.pk]), button.icon)
        for name, button in (("reschedule", RESCHEDULE), ("stop", STOP))
        if state in MOVABLE
    ]
    if account_id is None or state not in {why.value for why in Why}:
        return buttons
    query = {"account": account_id, "why": state, "message": message.pk}
    return [
        ("Replay", reverse("in_hand_replay", query=query), "replay"),
        ("Drop", reverse("in_hand_drop", query=query), "delete"),
        *buttons,
    ]


def _move(request: HttpRequest, message_id: int, button: Button) -> HttpResponse:
    require(request, MAY_SEE, MAY_CONTROL)
    message = get_object_or_404(Message, pk=message_id)
    parcel = get_object_or_404(Parcel.objects.select_related("account"), pk=message_id // PARCEL_SPAN)
    account = parcel.account
    if button is STOP:
        form = ReasonForm(request.POST or None)
    else:
        form = RescheduleForm(request.POST or None)
    return confirm(
        request,
        form,
        lambda: _question(button, message, parcel),
        lambda actor, answers: (
            stop_message(account, message_id, actor=actor, reason=answers["reason"])
            if button is STOP
            else reschedule_message(account, message_id, answers["send_at"], actor=actor, reason=answers["reason"])
        ),
        back=reverse("admin:mailer_message_change", args=[message_id]),
        model=Message,
        first=lambda: _tell_obstacle(message_id),
    )


def _tell_obstacle(message_id: int) -> str:
    state = states_of([message_id])[message_id]
    return "" if state in MOVABLE else f"There is nothing to do: the message is {state.replace('_', ' ')}."


def _question(button: Button, message: Message, parcel: Parcel) -> Question:
    schedule = f"It was scheduled for {write_time(parcel.send_at)} UTC."
    if button is STOP:
        consequences = [
            schedule,
            "The message is not sent, and the rest of its batch is not affected. This cannot be undone.",
            "If a worker is sending it at this moment, the receipt says whether it was sent.",
        ]
    else:
        consequences = [
            schedule,
            "Only this message gets a new time. Until then it waits, even if it was held or due.",
            f"The clock of the database, which decides, shows {write_time(database_now())} UTC.",
        ]
    return Question(
        title=TITLES[button],
        text=f"{TITLES[button]} to {message.recipient}?",
        consequences=consequences,
        button=TITLES[button],
        icon=button.icon,
        variant=button.variant,
    )
