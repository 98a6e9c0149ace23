"""Create, Update and Delete sends.

A Create sends now, or schedules a send that has a SendDate. Each object is created separately, wholly or not at all. An
Update changes the time of a scheduled send. A Delete is refused.
"""

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
    """Return the reply to a Create."""
    return _answer(call, "Create", partial(_create_one, call), participle="created")


def update(call: Call) -> Element:
    """Return the reply to an Update."""
    return _answer(call, "Update", partial(_update_one, call), participle="rescheduled")


def delete(call: Call) -> Element:
    """Return the reply to a Delete: an error for each object."""
    return _answer(call, "Delete", _refuse_one, participle="deleted")


def _answer(call: Call, operation: str, serve: Serve, *, participle: str) -> Element:
    check_options(call.payload)
    objects = list(elements(call.payload, "Objects"))
    if wrong := check_count(objects):
        # These replies have no place for such an error.
        raise Fault(FaultKind.CLIENT, wrong)
    results = each_by_itself(objects, serve, participle=participle)
    reply = payload(f"{operation}Response")
    for result in results:
        add_result(reply, "Results", result, new_id=operation == "Create")
    add(reply, "RequestID", call.id)
    status = overall(results)
    call.came_to_nothing = status == ERROR
    add(reply, "OverallStatus", status)
    return reply


def _create_one(call: Call, index: int, element: Element) -> Result:
    check_type(element, index)
    new = read_new_send(call.account, element, now=call.key.found_at)
    campaign = send_campaign(
        call.account,
        new.changes,
        original=new.original,
        contacts=new.contacts,
        send_at=new.send_at,
        key=call.key,
        allowed_from=may(Move.SCHEDULE, Dialect.SOAP) | may(Move.SEND_NOW, Dialect.SOAP),
    )
    return Result(index, SEND_CREATED, send=campaign.pk, uuid=campaign.uuid)


def _update_one(call: Call, index: int, element: Element) -> Result:
    check_type(element, index)
    send = read_send_id(element)
    refuse_set(element, FIXED)
    send_at = read_send_date(element, now=call.key.found_at)
    if send_at is None:
        raise Problem(Code.SEND_DATE, "SendDate is required")
    patiently_until(
        call.patient_until,
        schedule_campaign,
        call.account,
        send,
        send_at,
        key=call.key,
        allowed_from=may(Move.RESCHEDULE, Dialect.SOAP),
        # It was ready by the rules of the API that scheduled it.
        needs=NEEDED,
    )
    return Result(index, SEND_UPDATED, send=send)


def _refuse_one(index: int, element: Element) -> Result:
    check_type(element, index)
    raise cannot_perform("Delete", SEND)
