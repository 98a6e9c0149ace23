"""Replay or drop mail in hand: the question, with how many messages it is about, and then the receipt."""

from __future__ import annotations

from dataclasses import replace

from django.http import Http404, HttpRequest, HttpResponse

from batches.admin.asking import Move, Question, ReasonForm, confirm, refuse, require
from batches.admin.control import MAY_CONTROL
from batches.counts import Tally
from batches.models import Receipt
from mailer.admin.in_hand import MAY_SEE, Chosen
from mailer.in_hand import Why, drop, replay, tally_in_hand

REPLAY = Move(Receipt.Action.REPLAY, "replay")
DROP = Move(Receipt.Action.DROP, "delete", "danger")

CONSEQUENCES = {
    (REPLAY, Why.HELD): [
        "They are due now and leave at the fleet's pace, however late they are.",
        "What is paused or frozen waits for that; what is cancelled or purged stays where it is.",
    ],
    (REPLAY, Why.IN_DOUBT): [
        "They are sent again with the same Message-ID. Those that had left before arrive twice.",
        "What is paused or frozen waits for that; what is cancelled or purged stays where it is.",
    ],
    (DROP, Why.HELD): ["They are never sent. This cannot be taken back."],
    (DROP, Why.IN_DOUBT): ["They are not sent again. Whether they had left stays unknown. This cannot be taken back."],
}


def replay_in_hand(request: HttpRequest) -> HttpResponse:
    """Ask, and on POST replay what the address names."""
    return _decide(request, REPLAY)


def drop_in_hand(request: HttpRequest) -> HttpResponse:
    """Ask, and on POST drop what the address names."""
    return _decide(request, DROP)


def _decide(request: HttpRequest, move: Move) -> HttpResponse:
    require(request, MAY_SEE, MAY_CONTROL)
    chosen = Chosen.read(request.GET)
    if chosen is None:
        raise Http404
    # Everything is a wish of its own: a choice that got lost on the way must not become one.
    if request.GET.get("of") == "all":
        chosen = replace(chosen, message_ids=None)
    elif not chosen.message_ids:
        return refuse(request, f"Nothing was changed: choose the messages to {move.action} first.", chosen.link())
    carry = replay if move is REPLAY else drop
    return confirm(
        request,
        ReasonForm(request.POST or None),
        lambda: _question(move, chosen),
        lambda actor, said: carry(chosen.account, chosen.selection, actor=actor, reason=said["reason"]),
        back=chosen.link(),
    )


def _question(move: Move, chosen: Chosen) -> Question:
    named = chosen.why.value.replace("_", " ")
    if chosen.message_ids is not None:
        number = Tally(len(chosen.message_ids), is_exact=True)
    else:
        number = tally_in_hand(chosen.why, chosen.account, batch=chosen.batch)
    what = "message" if number == Tally(1, is_exact=True) else "messages"
    return Question(
        title=f"{move.title} mail in hand",
        asked=f"{move.title} {number} {what} of {chosen.account}, {named}?",
        named=f"batch {chosen.batch}" if chosen.batch else "",
        consequences=CONSEQUENCES[move, chosen.why],
        button=move.title,
        icon=move.icon,
        variant=move.variant,
    )
