"""Recognise the calls that stop mail or let it go on again: a thread and a database connection are reserved for them.

A call is recognised by its method and path. The SOAP API has one path for all operations, so there the first element of
the body decides, as it does in the view.
"""

from __future__ import annotations

import re
from typing import Any, Final
from xml.parsers import expat

from api.soap.names import PARTNER, Version

MOST_BYTES: Final = 64 * 1024
"""The largest body of a stop. A larger one is handled like any other call."""
SCANNED_BYTES: Final = 16 * 1024
"""The part of a SOAP envelope in which the operation must begin; headers of real clients take 2 to 4 KB."""
BLANKS: Final = b"\xef\xbb\xbf \t\r\n"
"""Bytes that the SOAP API ignores before the document."""

SOAP_PATHS: Final = frozenset({"/Service.asmx", "/service.asmx"})
SOAP_STOP: Final = f"{PARTNER} PerformRequestMsg"
"""Perform cancels, pauses and resumes, and does nothing else."""
BODIES: Final = frozenset(f"{version.value} Body" for version in Version)

ID: Final = r"[^/]+"
STOPS: Final[tuple[tuple[frozenset[str], re.Pattern[str]], ...]] = tuple(
    (frozenset(methods.split()), re.compile(rf"{path}/?\Z"))
    for methods, path in (
        # A load balancer must not remove an instance that is only busy.
        ("GET HEAD", "/healthz"),
        # SendGrid. Deleting an API key stops a runaway program.
        ("POST", "/v3/user/scheduled_sends"),
        ("PATCH DELETE", f"/v3/user/scheduled_sends/{ID}"),
        ("DELETE", f"/v3/campaigns/{ID}"),
        ("DELETE", f"/v3/campaigns/{ID}/schedules"),
        ("DELETE", "/v3/marketing/singlesends"),
        ("DELETE", f"/v3/marketing/singlesends/{ID}"),
        ("DELETE", f"/v3/marketing/singlesends/{ID}/schedule"),
        ("DELETE", f"/v3/api_keys/{ID}"),
        # Easymail.
        ("DELETE", f"/api/v1/campaigns/{ID}"),
        ("POST", f"/api/v1/campaigns/{ID}/(unschedule|cancel)"),
        # Native.
        ("POST", f"/sluice/v1/batches/{ID}/(pause|cancel|resume)"),
        ("POST", f"/sluice/v1/campaigns/{ID}/(pause|cancel|resume)"),
        ("POST", f"/sluice/v1/messages/{ID}/cancel"),
        ("POST", f"/sluice/v1/keys/{ID}/revoke"),
        ("POST", "/sluice/v1/account/(freeze|thaw)"),
        # SOAP: a client whose token has expired needs a new one before it can stop anything.
        ("POST", "/v2/token"),
        ("POST", "/v1/requestToken"),
        # The admin's buttons: the question, and its confirmation.
        ("GET HEAD POST", "/admin/(freeze|thaw)-everything"),
        ("GET HEAD POST", "/admin/stop/question"),
        ("GET HEAD POST", f"/admin/accounts/account/{ID}/(freeze|thaw)"),
        ("GET HEAD POST", f"/admin/accounts/apikey/{ID}/(revoke|revoke-and-stop)"),
        ("GET HEAD POST", f"/admin/batches/batch/{ID}/(pause|cancel|resume)"),
        ("GET HEAD POST", f"/admin/campaigns/campaign/{ID}/(unschedule|pause|resume|cancel|delete)"),
        ("GET HEAD POST", f"/admin/mailer/message/{ID}/stop"),
    )
)
"""Methods and paths. tests/config/test_stops.py compares them with the routes."""


def is_stop(method: str, path: str) -> bool:
    """Return whether method and path, without its percent-encoding, are those of a stop."""
    return any(method in methods and pattern.match(path) for methods, pattern in STOPS)


def may_be_soap_stop(method: str, path: str) -> bool:
    """Return whether only the body tells if the request is a stop."""
    return method == "POST" and path in SOAP_PATHS


class _Found(Exception):
    """Raised to end the scan of an envelope."""


def is_soap_stop(body: bytes) -> bool:
    """Return whether the first element in the body of a SOAP envelope asks for a stop.

    It parses at most `SCANNED_BYTES`. Only an XML parser is trusted, so neither a comment nor a header can be mistaken
    for the operation.
    """
    scan = _Scan()
    text = body if body.startswith((b"\xff\xfe", b"\xfe\xff")) else body.lstrip(BLANKS)
    parser = expat.ParserCreate(None if text is body and body[:1] in (b"\xff", b"\xfe") else "utf-8", " ")
    parser.StartElementHandler = scan.start
    parser.EndElementHandler = scan.end
    parser.StartDoctypeDeclHandler = scan.refuse
    try:
        parser.Parse(text[:SCANNED_BYTES], False)
    except _Found:
        return scan.operation == SOAP_STOP
    except expat.ExpatError:
        pass
    return False


class _Scan:
    """The handlers of the parser. They remember the first element in the first body."""

    def __init__(self) -> None:
        self.depth = 0
        self.is_in_body = False
        self.operation = ""

    def start(self, name: str, _: Any) -> None:
        if self.is_in_body:
            self.operation = name
            raise _Found
        self.depth += 1
        self.is_in_body = self.depth == 2 and name in BODIES

    def end(self, _: str) -> None:
        self.depth -= 1
        if self.is_in_body:
            raise _Found

    def refuse(self, *_: Any) -> None:
        raise _Found
