"""Perform: cancel, pause and resume sends, several of them in a call.

All stops are committed first, each by itself; then they settle together, so that a call of many takes no longer than
the slowest of them. A result says OK only once the stop is committed; how many messages a worker still has in its hands
then is in its text, beside what had left and what is held back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from django.conf import settings

from api.campaign_words import Dialect, Move, may
from api.http import headers_of_receipts
from api.patience import patiently_until
from api.soap.calls import Call
from api.soap.codes import ALREADY, ERROR, SEND_CANCELED, SEND_PAUSED, SEND_RESUMED, Code
from api.soap.errors import Problem, cannot_perform
from api.soap.objects import SEND, check_count, check_options, check_type, each_by_itself, read_send_id
from api.soap.outputs import Result, add, add_result, overall, payload
from api.soap.reading import Element, child, elements, text
from batches.models import Receipt
from batches.stop.begin import finish_stop
from campaigns.errors import CampaignConflict
from campaigns.lifecycle import commit_stop, resume_campaign
from campaigns.receipts import held_nothing_back, last_stop
from campaigns.states import CampaignStatus

DONE: Final = {"cancel": "canceled", "pause": "paused", "resume": "resumed"}


def perform(call: Call) -> Element:
    """The reply."""
    check_options(call.payload)
    action = (text(call.payload, "Action") or "").lower()
    definitions = child(call.payload, "Definitions")
    objects = list(elements(definitions, "Definition")) if definitions is not None else []
    wrong = check_count(objects)
    results = [] if wrong else _perform(call, action, objects)
    made = payload("PerformResponseMsg")
    if results:
        parent = add(made, "Results")
        for result in results:
            add_result(parent, "Result", result)
    status = ERROR if wrong else overall(results)
    call.came_to_nothing = status == ERROR
    add(made, "OverallStatus", status)
    add(made, "OverallStatusMessage", wrong or "")
    add(made, "RequestID", call.id)
    return made


def _perform(call: Call, action: str, objects: list[Element]) -> list[Result]:
    receipts: dict[int, Receipt] = {}
    serve = partial(_serve_one, call, action, text(call.payload, "Options", "Explanation") or "", receipts)
    results = each_by_itself(objects, serve, done=DONE.get(action, "changed"))
    deadline = time.monotonic() + settings.STOP_WAIT_SECONDS
    settled = {index: _settle(receipt, deadline) for index, receipt in receipts.items()}
    call.headers |= headers_of_receipts(list({receipt.pk: receipt for receipt in settled.values()}.values()))
    return [_told(result, settled.get(result.ordinal)) for result in results]


def _serve_one(
    call: Call, action: str, reason: str, receipts: dict[int, Receipt], index: int, found: Element
) -> Result:
    """The change, committed. Raises Problem, and what the core does."""
    check_type(found, index)
    if action not in ACTIONS:
        raise cannot_perform("this action" if action else "no action", SEND)
    send = read_send_id(found)
    message, receipt = ACTIONS[action](call, send, reason)
    if receipt is not None:
        receipts[index] = receipt
    return Result(index, message, send=send)


Done = tuple[str, Receipt | None]


def _stop(
    call: Call, send: int, reason: str, *, target: CampaignStatus, move: Move, said: str, kind: Receipt.Action
) -> Done:
    try:
        receipt = patiently_until(
            call.patient_until,
            commit_stop,
            call.account,
            send,
            target,
            may(move, Dialect.SOAP),
            actor=call.actor,
            reason=reason,
        )
    except CampaignConflict as error:
        # The same call comes again when its answer was lost.
        if error.status is not target:
            raise
        return ALREADY[said], last_stop(call.account, send, kind)
    return said, receipt


def _resume(call: Call, send: int, reason: str) -> Done:
    receipt = patiently_until(
        call.patient_until,
        resume_campaign,
        call.account,
        send,
        actor=call.actor,
        reason=reason,
        allowed_from=may(Move.RESUME, Dialect.SOAP),
    )
    return SEND_RESUMED, receipt


ACTIONS: Final[Mapping[str, Callable[[Call, int, str], Done]]] = {
    "cancel": partial(
        _stop, target=CampaignStatus.CANCELED, move=Move.CANCEL, said=SEND_CANCELED, kind=Receipt.Action.CANCEL
    ),
    "pause": partial(_stop, target=CampaignStatus.PAUSED, move=Move.PAUSE, said=SEND_PAUSED, kind=Receipt.Action.PAUSE),
    "resume": _resume,
}


def _settle(receipt: Receipt, deadline: float) -> Receipt:
    return receipt if receipt.is_settled else finish_stop(receipt, deadline=deadline)


def _told(result: Result, receipt: Receipt | None) -> Result:
    """The result with the receipt's numbers. A cancel that came too late for all of a send is none."""
    if receipt is None:
        return result
    if receipt.action == Receipt.Action.CANCEL and held_nothing_back(receipt):
        gone = receipt.sent + receipt.in_doubt
        text = f"Send {result.send} cannot be canceled: all {gone} messages had left ({receipt_of(receipt)})"
        return Result.refused(result.ordinal, Problem(Code.SEND_STATUS, text), send=result.send)
    return replace(result, message=f"{result.message}: {numbers_of(receipt)} ({receipt_of(receipt)})")


def numbers_of(receipt: Receipt) -> str:
    """What a receipt says, in a line."""
    if receipt.action == Receipt.Action.RESUME:
        return f"{receipt.sent} had left, {receipt.ended} had ended"
    if not receipt.is_settled:
        return f"{receipt.sent} had left, not settled yet: {receipt.in_flight} in the hands of workers"
    in_doubt = f", {receipt.in_doubt} in doubt" if receipt.in_doubt else ""
    return f"{receipt.sent} had left, {receipt.stopped} held back{in_doubt}"


def receipt_of(receipt: Receipt) -> str:
    return f"receipt {receipt.public_id}"
