"""Build the header of every page: how old the figures are, whether mail is flowing, how fast, and what is wrong."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest, HttpResponse

from batches.stop.freeze import is_installation_frozen
from console.live import SUPERUSER, Part, Rights, answer_poll, safe
from foundation.admin import mark_numbers
from mailer.in_hand import tally_all_in_hand
from monitoring.fleet import Process
from monitoring.problems import Health, Severity, read_health
from monitoring.rates import describe_lateness

MAY_SEE = "batches.view_batch"
MAY_SEE_MESSAGES = "mailer.view_message"
BADGE_LOOKS_AT = 1000
SHARED_SECONDS = 1.0
_last: ContextVar[tuple[float, Health] | None] = ContextVar("last health", default=None)


def build_header(rights: Rights) -> dict[str, Any]:
    """Return the context of the header. Operators who may not see batches only get whether mail is flowing."""
    may_freeze = SUPERUSER in rights
    if MAY_SEE not in rights:
        return {"is_frozen": is_installation_frozen(), "may_freeze": may_freeze}
    health = read_health()
    _last.set((time.monotonic(), health))
    return {
        "is_frozen": health.is_frozen,
        "may_freeze": may_freeze,
        "health": health,
        "late": describe_lateness(health.lateness.p95),
        "has_mail": health.lateness.p95 is not None,
        "is_critical": any(problem.severity is Severity.CRITICAL for problem in health.problems),
    }


def recent_health() -> Health | None:
    """Return the health that this thread has read for a header within the last second, or None."""
    last = _last.get()
    return last[1] if last and time.monotonic() - last[0] < SHARED_SECONDS else None


def processes_of_header() -> Sequence[Process] | None:
    """Return the worker processes of `recent_health`, or None."""
    health = recent_health()
    return health.processes if health else None


HEADER = Part("header", "console/header.html", build_header, (SUPERUSER, MAY_SEE))


def add_header(request: HttpRequest) -> dict[str, Any]:
    """Return the context that every page of an operator has."""
    if not (request.user.is_active and request.user.is_staff):
        return {}
    return {"health_html": safe(HEADER.fetch(request))}


def count_in_hand(request: HttpRequest) -> str:
    """Return the number of messages in hand for the sidebar; empty for 0, and for operators who may not see them."""
    if not request.user.has_perm(MAY_SEE_MESSAGES):
        return ""
    health = recent_health()
    tally = health.in_hand if health else tally_all_in_hand(BADGE_LOOKS_AT)
    text = f"{tally.messages:,}{'' if tally.is_exact else '+'}"
    return mark_numbers(text, "all:in_hand") if tally.messages else ""


def show_header(request: HttpRequest) -> HttpResponse:
    """Answer the poll of a page that has no live part."""
    return answer_poll(request, HEADER.fetch(request))


def answer_live(request: HttpRequest, part: Part, *subject: int | str) -> HttpResponse:
    """Answer the poll of a page with a live part."""
    return answer_poll(request, HEADER.fetch(request), part.fetch(request, *subject), is_loose=part.is_loose)
