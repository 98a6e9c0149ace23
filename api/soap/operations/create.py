"""Create, Update and Delete of sends. A Create sends now, or schedules if there is a SendDate; each object is made by
itself, wholly or not at all. An Update gives a scheduled send another time. Nothing is deleted on this wire."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from api.campaign_words import Dialect, Move, may
from api.soap.calls import Call
from api.soap.codes import ERROR, SEND_CREATED, SEND_UPDATED, Code
from api.soap.errors import Fault, FaultKind, Problem, cannot_perform
from api.soap.inputs import FIXED, read_new_send, read_send_date, refuse_set
from api.soap.objects import SEND, check_count, check_options, check_type, each_by_itself, read_send_id
from api.soap.outputs import Result, add, add_result, overall, payload
from api.soap.reading import Element, elements
from campaigns.lifecycle import schedule_campaign
from campaigns.patience import patiently_until
from campaigns.readiness import NEEDED
from campaigns.sending import send_campaign

Serve = Callable[[int, Element], Result]


def create(call: Call) -> Element:
    """The reply."""
    return _answer(call, "Create", partial(_create_one, call), done="created")


def update(call: Call) -> Element:
    """The reply."""
    return _answer(call, "Update", partial(_update_one, call), done="rescheduled")


def delete(call: Call) -> Element:
    """The reply: an error for each object."""
    return _answer(call, "Delete", _refuse_one, done="deleted")


def _answer(call: Call, operation: str, serve: Serve, *, done: str) -> Element:
    check_options(call.payload)
    objects = list(elements(call.payload, "Objects"))
    if wrong := check_count(objects):
        # These replies have no place to say it.
        raise Fault(FaultKind.CLIENT, wrong)
    results = each_by_itself(objects, serve, done=done)
    made = payload(f"{operation}Response")
    for result in results:
        add_result(made, "Results", result, new_id=operation == "Create")
    add(made, "RequestID", call.id)
    status = overall(results)
    call.came_to_nothing = status == ERROR
    add(made, "OverallStatus", status)
    return made


def _create_one(call: Call, index: int, found: Element) -> Result:
    check_type(found, index)
    said = read_new_send(call.account, found, now=call.key.found_at)
    made = send_campaign(
        call.account,
        said.changes,
        original=said.original,
        contacts=said.contacts,
        send_at=said.send_at,
        allowed_from=may(Move.SCHEDULE, Dialect.SOAP) | may(Move.SEND_NOW, Dialect.SOAP),
    )
    return Result(index, SEND_CREATED, send=made.pk, uuid=made.uuid)


def _update_one(call: Call, index: int, found: Element) -> Result:
    check_type(found, index)
    send = read_send_id(found)
    refuse_set(found, FIXED)
    send_at = read_send_date(found, now=call.key.found_at)
    if send_at is None:
        raise Problem(Code.SEND_DATE, "SendDate is required")
    patiently_until(
        call.patient_until,
        schedule_campaign,
        call.account,
        send,
        send_at,
        allowed_from=may(Move.RESCHEDULE, Dialect.SOAP),
        # It was ready by the rules of the wire that scheduled it.
        needs=NEEDED,
    )
    return Result(index, SEND_UPDATED, send=send)


def _refuse_one(index: int, found: Element) -> Result:
    check_type(found, index)
    raise cannot_perform("Delete", SEND)
