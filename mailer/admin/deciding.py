"""Replay or drop mail in hand: ask with the number of the messages, and then show the receipt."""

from __future__ import annotations

from dataclasses import replace

from django.http import Http404, HttpRequest, HttpResponse

from batches.admin.asking import Button, Question, ReasonForm, confirm, refuse, require
from batches.admin.control import MAY_CONTROL
from batches.counts import Tally
from batches.models import Receipt
from foundation.admin import mark_numbers
from mailer.admin.in_hand import MAY_SEE, Choice, key_of_hand
from mailer.in_hand import Why, drop, replay, tally_in_hand

REPLAY = Button(Receipt.Action.REPLAY, "replay")
DROP = Button(Receipt.Action.DROP, "delete", "danger")

CONSEQUENCES = {
    (REPLAY, Why.HELD): [
        "The messages are due now and are sent as fast as the workers can, however late they are.",
        "Paused and frozen messages wait for the resume or the thaw. Cancelled and purged messages do not change.",
    ],
    (REPLAY, Why.IN_DOUBT): [
        "The messages are sent again with the same Message-ID. Those that were sent before arrive twice.",
        "Paused and frozen messages wait for the resume or the thaw. Cancelled and purged messages do not change.",
    ],
    (DROP, Why.HELD): ["The messages are not sent. This cannot be undone."],
    (DROP, Why.IN_DOUBT): [
        "The messages are not sent again. Whether they were sent before stays unknown. This cannot be undone."
    ],
}


def replay_in_hand(request: HttpRequest) -> HttpResponse:
    """Ask for confirmation, and on POST replay the messages that the page's address names."""
    return _decide(request, REPLAY)


def drop_in_hand(request: HttpRequest) -> HttpResponse:
    """Ask for confirmation, and on POST drop the messages that the page's address names."""
    return _decide(request, DROP)


def _decide(request: HttpRequest, button: Button) -> HttpResponse:
    require(request, MAY_SEE, MAY_CONTROL)
    choice = Choice.read(request.GET)
    if choice is None:
        raise Http404
    # "All" must be chosen explicitly: a list of messages that was lost on the way must not become all messages.
    if request.GET.get("of") == "all":
        choice = replace(choice, message_ids=None)
    elif not choice.message_ids:
        return refuse(request, f"Nothing was changed: choose the messages to {button.action} first.", choice.link())
    carry = replay if button is REPLAY else drop
    return confirm(
        request,
        ReasonForm(request.POST or None),
        lambda: _question(button, choice),
        lambda actor, answers: carry(choice.account, choice.selection, actor=actor, reason=answers["reason"]),
        back=choice.link(),
    )


def _question(button: Button, choice: Choice) -> Question:
    state = choice.why.value.replace("_", " ")
    if choice.message_ids is not None:
        number = Tally(len(choice.message_ids), is_exact=True)
    else:
        number = tally_in_hand(choice.why, choice.account, batch=choice.batch)
    noun = "message" if number == Tally(1, is_exact=True) else "messages"
    text = f"{button.title} {number} {noun} of {choice.account}, {state}?"
    return Question(
        title=f"{button.title} mail in hand",
        text=text if choice.message_ids is not None else mark_numbers(text, key_of_hand(choice)),
        named=f"batch {choice.batch}" if choice.batch else "",
        consequences=CONSEQUENCES[button, choice.why],
        button=button.title,
        icon=button.icon,
        variant=button.variant,
    )
