"""Carry out a Perform: cancel, pause and resume sends, several of them in a call.

A result is OK only if the stop was committed. Its text says how many messages were sent, how many are held back,
and how many are still in flight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from api.caller import headers_of_receipts
from api.campaign_words import Dialect, Move, may
from api.soap.calls import Call
from api.soap.codes import ALREADY, ERROR, SEND_CANCELED, SEND_PAUSED, SEND_RESUMED, Code
from api.soap.errors import Problem, cannot_perform
from api.soap.objects import (
    SEND,
    check_count,
    check_options,
    check_type,
    each_by_itself,
    problem_of_object,
    read_send_id,
)
from api.soap.outputs import Result, add, add_result, overall, payload
from api.soap.reading import Element, child, elements, text
from batches.models import Receipt
from campaigns.lifecycle import resume_campaign
from campaigns.patience import patiently_until
from campaigns.receipts import came_too_late
from campaigns.several import stop_campaigns
from campaigns.states import CampaignStatus

PARTICIPLES: Final = {"cancel": "canceled", "pause": "paused", "resume": "resumed"}


@dataclass(frozen=True, slots=True)
class StopAction:
    """A stop by its name in a call: the move that this API allows, the status after it, and the text of a success."""

    move: Move
    target: CampaignStatus
    message: str


STOPS: Final[Mapping[str, StopAction]] = {
    "cancel": StopAction(Move.CANCEL, CampaignStatus.CANCELLED, SEND_CANCELED),
    "pause": StopAction(Move.PAUSE, CampaignStatus.PAUSED, SEND_PAUSED),
}


def perform(call: Call) -> Element:
    """Return the reply to a Perform."""
    check_options(call.payload)
    action = (text(call.payload, "Action") or "").lower()
    definitions = child(call.payload, "Definitions")
    objects = list(elements(definitions, "Definition")) if definitions is not None else []
    wrong = check_count(objects)
    results = [] if wrong else _perform(call, action, objects)
    reply = payload("PerformResponseMsg")
    if results:
        parent = add(reply, "Results")
        for result in results:
            add_result(parent, "Result", result)
    status = ERROR if wrong else overall(results)
    call.came_to_nothing = status == ERROR
    add(reply, "OverallStatus", status)
    add(reply, "OverallStatusMessage", wrong or "")
    add(reply, "RequestID", call.id)
    return reply


def _perform(call: Call, action: str, objects: list[Element]) -> list[Result]:
    reason = text(call.payload, "Options", "Explanation") or ""
    participle = PARTICIPLES.get(action, "changed")
    if stop := STOPS.get(action):
        results = each_by_itself(objects, partial(_read_one, stop.message), participle=participle)
        receipts = _stop(call, stop, reason, results, participle=participle)
    else:
        receipts = {}
        serve = partial(_resume_one, call, reason, receipts) if action == "resume" else partial(_refuse_one, action)
        results = each_by_itself(objects, serve, participle=participle)
    call.headers |= headers_of_receipts(list({receipt.pk: receipt for receipt in receipts.values()}.values()))
    return [_with_numbers(result, receipts.get(result.ordinal)) for result in results]


def _read_one(message: str, index: int, element: Element) -> Result:
    check_type(element, index)
    return Result(index, message, send=read_send_id(element))


def _refuse_one(action: str, index: int, element: Element) -> Result:
    check_type(element, index)
    raise cannot_perform("this action" if action else "no action", SEND)


def _stop(call: Call, stop: StopAction, reason: str, results: list[Result], *, participle: str) -> dict[int, Receipt]:
    """Stop the sends of the results without a problem, store their outcomes there, and return the receipts."""
    sends = [(result.ordinal, result.send) for result in results if result.problem is None and result.send is not None]
    stops = stop_campaigns(
        call.account,
        [send for _, send in sends],
        stop.target,
        actor=call.actor,
        reason=reason,
        allowed_from=may(stop.move, Dialect.SOAP),
        patient_until=call.patient_until,
    )
    receipts = {}
    for (index, send), stopped in zip(sends, stops, strict=True):
        if stopped.error is not None:
            results[index] = Result.refused(
                index, problem_of_object(stopped.error, send=send, participle=participle), send=send
            )
        elif stopped.is_repeated:
            results[index] = replace(results[index], message=ALREADY[stop.message])
        if stopped.receipt is not None:
            receipts[index] = stopped.receipt
    return receipts


def _resume_one(call: Call, reason: str, receipts: dict[int, Receipt], index: int, element: Element) -> Result:
    check_type(element, index)
    send = read_send_id(element)
    receipts[index] = patiently_until(
        call.patient_until,
        resume_campaign,
        call.account,
        send,
        actor=call.actor,
        reason=reason,
        allowed_from=may(Move.RESUME, Dialect.SOAP),
    )
    return Result(index, SEND_RESUMED, send=send)


def _with_numbers(result: Result, receipt: Receipt | None) -> Result:
    """Return the result with the numbers of the receipt.

    A cancel that came too late for all messages of a send is refused.
    """
    if receipt is None:
        return result
    if receipt.action == Receipt.Action.CANCEL and came_too_late(receipt):
        sent = receipt.sent + receipt.in_doubt
        text = f"Send {result.send} cannot be canceled: all {sent} messages were sent ({receipt_of(receipt)})"
        return Result.refused(result.ordinal, Problem(Code.SEND_STATUS, text), send=result.send)
    return replace(result, message=f"{result.message}: {numbers_of(receipt)} ({receipt_of(receipt)})")


def numbers_of(receipt: Receipt) -> str:
    """Return the numbers of a receipt as a line of text."""
    if receipt.action == Receipt.Action.RESUME:
        return f"{receipt.sent} sent, {receipt.ended} ended"
    if not receipt.is_settled:
        return f"{receipt.sent} sent, not settled yet: {receipt.in_flight} in flight"
    in_doubt = f", {receipt.in_doubt} in doubt" if receipt.in_doubt else ""
    return f"{receipt.sent} sent, {receipt.newly_stopped} held back{in_doubt}"


def receipt_of(receipt: Receipt) -> str:
    return f"receipt {receipt.public_id}"
