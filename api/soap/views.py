"""Serve the endpoint: one path for all operations, which differ in the body.

Every request is answered with an envelope, and with status 500 unless it was done: clients of this API know no other.
Their Content-Type and Accept are ignored.
"""

from __future__ import annotations

import re
import uuid
from typing import Final

import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from lxml import etree

from accounts.idempotency import identify_request
from accounts.models import ApiKey
from api.caller import acting_account, campaign_scopes, check_rate, check_scopes, count_call
from api.http import UnknownEncoding, read_within
from api.idempotency import HEADER, do_in_steps
from api.soap import outputs
from api.soap.addresses import base_url
from api.soap.calls import Call
from api.soap.codes import Code
from api.soap.errors import Fault, FaultKind, fault_of
from api.soap.login import log_in
from api.soap.names import PARTNER, Version
from api.soap.operations import NAMES, OPERATIONS, UNSUPPORTED, Operation
from api.soap.reading import (
    MAX_BYTES,
    OPENING_BYTES,
    Envelope,
    NotSoap,
    Opening,
    read_document,
    read_envelope,
    read_opening,
)
from api.soap.wsdl import show_wsdl
from foundation.responses import accept_methods
from foundation.traces import trace_of

log = structlog.get_logger(__name__)

ACTION_PARAMETER: Final = re.compile(r'(?i);\s*action="?([^";]*)"?')
UNSHOWN: Final = re.compile(r"[^\w.:/#-]")
BROKEN: Final = "The request could not be carried out."
BUSY: Final = "The server is busy; try again."
KINDS: Final = {Version.SOAP_11: "text/xml", Version.SOAP_12: "application/soap+xml"}


@csrf_exempt
def service(request: HttpRequest) -> HttpResponseBase:
    """Serve Service.asmx: the operations, and with `?wsdl` also their description."""
    is_described = request.META.get("QUERY_STRING", "").lower() == "wsdl"
    return (describe_or_operate if is_described else operate)(request)


@accept_methods("GET", "POST")
def describe_or_operate(request: HttpRequest) -> HttpResponseBase:
    """Serve Service.asmx?wsdl."""
    return operate(request) if request.method == "POST" else show_wsdl(request)


@accept_methods("POST")
def operate(request: HttpRequest) -> HttpResponseBase:
    """Answer one operation."""
    call_id = str(uuid.uuid4())
    opening: Opening | None = None
    try:
        document = read_document(read_bytes(request))
        key = None
        if len(document) > OPENING_BYTES:
            # Without a key, nobody makes this process parse megabytes.
            opening = read_opening(document)
            key = find_caller(request, opening)
        opening = envelope = read_envelope(document)
        operation = operation_of(request, envelope)
        call = let_in(request, envelope, operation, key=key or find_caller(request, envelope), call_id=call_id)
        serve = carry_out_once if operation.is_change and HEADER in request.META else carry_out
        return serve(request, envelope, operation, call)
    except NothingDone as error:
        return error.response
    except Exception as error:
        return refuse(request, error, opening=opening, call_id=call_id)


class NothingDone(Exception):
    """Raised when a call with an Idempotency-Key had no effect, so that the key can be used again."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__()
        self.response = response


def carry_out_once(request: HttpRequest, envelope: Envelope, operation: Operation, call: Call) -> HttpResponse:
    """Return the reply that the same payload had under the same key, or do the call.

    Headers may differ, because clients put the time there.
    """
    payload = etree.tostring(call.payload, method="c14n")
    keyed = identify_request(request.META[HEADER], call.account, method="POST", path=operation.name, body=payload)

    def work() -> HttpResponse:
        response = carry_out(request, envelope, operation, call)
        if call.came_to_nothing:
            raise NothingDone(response)
        return response

    return do_in_steps(keyed, work)


def carry_out(request: HttpRequest, envelope: Envelope, operation: Operation, call: Call) -> HttpResponse:
    """Do the call and return its reply."""
    body = operation.serve(call)
    log.info("SOAP call", operation=operation.name, request_id=call.id, account=call.account.pk)
    content = outputs.reply(
        envelope.version, operation.name, body, relates_to=envelope.message_id or f"urn:uuid:{call.id}"
    )
    return answer(request, content, envelope.version, status=200, headers={"X-Request-ID": call.id, **call.headers})


def read_bytes(request: HttpRequest) -> bytes:
    """Return the body. Raises BadBody for one that is too large, or compressed."""
    if request.META.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() not in {"", "identity"}:
        raise UnknownEncoding
    return read_within(request, MAX_BYTES)


def operation_of(request: HttpRequest, envelope: Envelope) -> Operation:
    """Return the operation of the body, which the SOAPAction must not contradict. Raises a Fault."""
    name = etree.QName(envelope.payload)
    action = named_action(request, envelope)
    if action and action not in NAMES:
        raise unknown_action(action)
    if name.namespace != PARTNER:
        raise NotSoap
    if unsupported := UNSUPPORTED.get(name.localname):
        raise Fault(FaultKind.CLIENT, f"{unsupported} is not supported here.")
    operation = OPERATIONS.get(name.localname)
    if operation is None:
        raise NotSoap
    if action and action != operation.name:
        raise unknown_action(action)
    return operation


def named_action(request: HttpRequest, envelope: Envelope) -> str:
    """Return the SOAPAction from the place where the client has put it, or an empty text."""
    parameter = ACTION_PARAMETER.search(request.META.get("CONTENT_TYPE", ""))
    places = (request.META.get("HTTP_SOAPACTION", ""), parameter[1] if parameter else "", envelope.action or "")
    action = next((each for text in places if (each := text.strip().strip('"').strip())), "")
    return re.split(r"[/#]", action)[-1]


def unknown_action(action: str) -> Fault:
    """Return the fault for a SOAPAction that is not served, or that differs from the body."""
    action_text = UNSHOWN.sub("", action)[:60]
    return Fault(FaultKind.CLIENT, f"Server did not recognize the value of HTTP Header SOAPAction: {action_text}.")


def find_caller(request: HttpRequest, opening: Opening) -> ApiKey:
    """Return the key of the caller, and count the request. Raises CallerRefused."""
    key = log_in(request, opening.headers)
    check_rate(count_call(key))
    return key


def let_in(request: HttpRequest, envelope: Envelope, operation: Operation, *, key: ApiKey, call_id: str) -> Call:
    """Return the call if the caller may make it. Raises ScopeMissing and UnknownSubuser."""
    check_scopes(key, *(campaign_scopes(operation.verb) if operation.verb else ()))
    return Call(acting_account(key, request), key, envelope.payload, call_id)


def refuse(request: HttpRequest, error: Exception, *, opening: Opening | None, call_id: str) -> HttpResponse:
    """Return the fault for an error."""
    fault = fault_of(error)
    if fault is None:
        log.error("SOAP call failed", request_id=call_id, error=trace_of(error))
        fault = Fault(FaultKind.SERVER, BROKEN, code=Code.EXCEPTION)
    version = opening.version if opening else Version.SOAP_11
    related = (opening.message_id if opening else None) or f"urn:uuid:{call_id}"
    content = outputs.fault(version, fault, actor=base_url(request) + request.path, relates_to=related)
    return answer(request, content, version, status=500, headers={"X-Request-ID": call_id, **fault.headers})


def answer(
    request: HttpRequest, content: bytes, version: Version, *, status: int, headers: dict[str, str]
) -> HttpResponse:
    """Return an answer in the media type of SOAP 1.2 if the request has it. Many clients of SOAP 1.2 do not use it."""
    is_12 = request.META.get("CONTENT_TYPE", "").lower().startswith(KINDS[Version.SOAP_12])
    kind = KINDS[version if is_12 else Version.SOAP_11]
    return HttpResponse(content, status=status, content_type=f"{kind}; charset=utf-8", headers=headers)


@csrf_exempt
def bad_request(request: HttpRequest) -> HttpResponse:
    """Answer a malformed request below these paths."""
    return refuse(request, NotSoap(), opening=None, call_id=str(uuid.uuid4()))


def not_found(request: HttpRequest) -> HttpResponse:
    """Answer a path below these that does not exist."""
    return HttpResponse(status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a request below these paths in which a fault of ours occurred."""
    broken = Fault(FaultKind.SERVER, BROKEN, code=Code.EXCEPTION)
    return refuse(request, broken, opening=None, call_id=str(uuid.uuid4()))


def busy(request: HttpRequest) -> HttpResponse:
    """Return the fault for a request that finds no free thread. Its status is 503, unlike that of other faults."""
    fault = Fault(FaultKind.SERVER, BUSY, code=Code.EXCEPTION)
    response = refuse(request, fault, opening=None, call_id=str(uuid.uuid4()))
    response.status_code = 503
    return response
