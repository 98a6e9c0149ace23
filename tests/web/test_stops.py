"""The list of stops has every call that stops mail or lets it continue, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import unwrap
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from accounts import keys
from api.soap import operations
from batches.stop import control, freeze
from campaigns import lifecycle, several
from config.web.kinds import Kind, kind_of
from config.web.stops import MOST_BYTES, SCANNED_BYTES, is_soap_stop, is_stop
from mailer import one_message
from tests.api.core_errors import names_in
from tests.api.soap.envelopes import SOAP_11, SOAP_12, envelope, perform, retrieve

CORE_STOPS = {
    control.stop_batch,
    control.resume_batch,
    freeze.freeze_account,
    freeze.thaw_account,
    freeze.freeze_installation,
    freeze.thaw_installation,
    lifecycle.cancel_campaign,
    lifecycle.commit_stop,
    lifecycle.delete_campaign,
    lifecycle.pause_campaign,
    lifecycle.resume_campaign,
    lifecycle.unschedule_campaign,
    several.delete_campaigns,
    several.stop_campaigns,
    one_message.stop_message,
    keys.revoke_key,
}
"""The functions of the core that stop mail or let it continue."""
METHODS = ("POST", "PUT", "PATCH", "DELETE")


class Route(NamedTuple):
    path: str
    """The path with x in place of its parameters."""
    callback: Any


def routes(resolver: URLResolver, before: str = "/") -> Iterator[Route]:
    for each in resolver.url_patterns:
        path = before + example(str(each.pattern))
        if isinstance(each, URLResolver):
            yield from routes(each, path)
        elif isinstance(each, URLPattern):
            yield Route(path, each.callback)


def example(pattern: str) -> str:
    """Return a path that matches a route."""
    path = re.sub(r"<(\w+:)?\w+>/?$|<(\w+:)?\w+>", lambda match: "x/" if match[0].endswith("/") else "x", pattern)
    path = re.sub(r"\(\?P<\w+>(\[[^]]*\]|\([^)]*\)|[^()\[\]])*\)", "x", pattern) if "(?P" in pattern else path
    return path.removeprefix("^").removesuffix("$").replace("/?", "").replace("\\.", ".").replace("\\Z", "")


ROUTES = list(routes(get_resolver()))
API_ROUTES = [route for route in ROUTES if hasattr(route.callback, "cls")]


def reached(function: Any, view: type) -> set[Any]:
    """Return the functions outside the APIs that a handler calls, directly or through functions of its API."""
    functions, waiting, seen = set[Any](), [function], set[Any]()
    while waiting:
        each = unwrap(waiting.pop())
        each = getattr(each, "func", each)
        if each in seen or not isinstance(each, FunctionType):
            continue
        seen.add(each)
        if not each.__module__.startswith("api."):
            functions.add(each)
            continue
        names = names_in(each.__code__)
        owners = [view, *(value for name in names if isinstance(value := each.__globals__.get(name), ModuleType))]
        waiting += [value for name in names if callable(value := each.__globals__.get(name))]
        waiting += [value for name in names for owner in owners if callable(value := getattr(owner, name, None))]
    return functions


def stopping_calls() -> set[tuple[str, str]]:
    """Return the methods and paths of the REST APIs whose handlers reach a stop of the core."""
    return {
        (method, route.path)
        for route in API_ROUTES
        for method in METHODS
        if (handler := getattr(route.callback.cls, method.lower(), None))
        and reached(handler, route.callback.cls) & CORE_STOPS
    }


def test_every_stop_of_the_rest_apis_is_on_the_list_and_nothing_else() -> None:
    listed = {
        (method, route.path)
        for route in API_ROUTES
        for method in METHODS
        if is_stop(method, route.path) and hasattr(route.callback.cls, method.lower())
    }
    assert listed == stopping_calls()
    assert len(listed) == 22


ADMIN_STOPS = {
    "/admin/freeze-everything/",
    "/admin/thaw-everything/",
    "/admin/stop/question/",
    *(f"/admin/accounts/apikey/x/{move}/" for move in ("revoke", "revoke-and-stop")),
    *(f"/admin/accounts/account/x/{move}/" for move in ("freeze", "thaw")),
    *(f"/admin/batches/batch/x/{move}/" for move in ("pause", "cancel", "resume")),
    *(f"/admin/campaigns/campaign/x/{move}/" for move in ("unschedule", "pause", "resume", "cancel", "delete")),
    "/admin/mailer/message/x/stop/",
    "/admin/mailer/message/all/stop/",
}
ADMIN_OTHERS = {
    *("waves", "in-hand", "inbox", "x", "replay", "drop", "add", "purge", "reschedule", "progress", "send", "now"),
    *("pace", "test", "duplicate", "import", "rejected.csv", "job", "count", "resend", "verify", "periodictask"),
    *("templateversion", "activate", "deactivate", "preview", "failures"),
    *("export", "end", "admin", "health", "activity", "overview", "run-books", "fleet", "stop", "receipts", "reach"),
    *("message", "change", "campaign", "enable", "disable", "try-again", "search", "autocomplete"),
}
"""The last segments of all other paths. A new button must be added here or above."""


def test_every_stopping_button_of_the_admin_is_on_the_list_and_nothing_else() -> None:
    pages = {
        route.path
        for route in ROUTES
        if route.path.startswith("/admin/") and not unwrap(route.callback).__module__.startswith(("django.", "unfold."))
    }
    assert {path for path in pages if is_stop("POST", path)} == ADMIN_STOPS
    assert {path.rstrip("/").rpartition("/")[2] for path in pages - ADMIN_STOPS} <= ADMIN_OTHERS
    assert all(is_stop("GET", path) for path in ADMIN_STOPS)


SOAP_STOPS = ("PerformRequestMsg",)


@pytest.mark.parametrize("soap", [SOAP_11, SOAP_12])
def test_a_perform_is_a_stop(soap: str) -> None:
    assert is_soap_stop(envelope(perform("pause", 1), soap=soap))


def test_every_spelling_of_a_perform_is_recognised() -> None:
    written = envelope(perform("pause", 1)).decode()
    declared = f'<?xml version="1.0" encoding="utf-8"?><!-- <Body> -->{written}'
    for text in (written, declared, f"\ufeff{written}", f"\n {declared}"):
        assert is_soap_stop(text.encode())
    assert is_soap_stop(declared.replace("utf-8", "utf-16").encode("utf-16"))


def test_other_operations_do_not_exist() -> None:
    for name in operations.OPERATIONS:
        body = f'<{name} xmlns="http://exacttarget.com/wsdl/partnerAPI"/>'
        assert is_soap_stop(envelope(body)) == (name in SOAP_STOPS)


def test_nothing_else_can_pretend_to_be_a_perform() -> None:
    stop, other = perform("pause", 1), retrieve("ID")
    attempts = {
        "in a comment": envelope(f"<!-- {stop} -->{other}"),
        "in the header": envelope(other, header=stop),
        "in a body in the header": envelope(other, header=f"<s:Body>{stop}</s:Body>"),
        "second": envelope(other + stop),
        "in a second body": envelope(f"{other}</s:Body><s:Body>{stop}"),
        "after an empty body": envelope(f"</s:Body><s:Body>{stop}"),
        "in CDATA": envelope(f"<![CDATA[{stop}]]>{other}"),
        "deeper": envelope(f"<a>{stop}</a>"),
        "of another namespace": envelope('<PerformRequestMsg xmlns="http://example.com"/>'),
        "in an attribute": envelope(f'<a b="&lt;PerformRequestMsg"/>{stop}'),
        "behind a DOCTYPE": b"<!DOCTYPE a>" + envelope(stop),
        "by an entity": b'<!DOCTYPE a [<!ENTITY b "c">]>' + envelope(stop),
        "no XML": b"<a" + envelope(stop),
        "far away": envelope(stop, header="<a/>" * SCANNED_BYTES),
        "nothing": b"",
    }
    assert [name for name, body in attempts.items() if is_soap_stop(body)] == []


def test_a_large_body_or_another_method_is_not_a_stop() -> None:
    path = "/v3/user/scheduled_sends"
    assert kind_of("POST", path, MOST_BYTES) is Kind.STOP
    assert kind_of("POST", path, MOST_BYTES + 1) is Kind.ORDINARY
    assert kind_of("GET", path, 0) is Kind.ORDINARY
    assert kind_of("POST", f"{path}/../../mail/send", 0) is Kind.ORDINARY
    assert kind_of("GET", "/healthz", 0) is Kind.STOP
