"""Build the header of every page: how old the figures are, and whether mail is flowing."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from batches.stop.freeze import is_installation_frozen
from console.live import SUPERUSER, Part, Rights, answer_poll, safe


def build_header(rights: Rights) -> dict[str, Any]:
    """Return the context of the header."""
    return {"is_frozen": is_installation_frozen(), "may_freeze": SUPERUSER in rights}


HEADER = Part("header", "console/header.html", build_header, (SUPERUSER,))


def add_header(request: HttpRequest) -> dict[str, Any]:
    """Return the context that every page of an operator has (unfold's GLOBAL_CALLBACK)."""
    if not (request.user.is_active and request.user.is_staff):
        return {}
    return {"health_html": safe(HEADER.fetch(request))}


def show_header(request: HttpRequest) -> HttpResponse:
    """Answer the poll of a page that has no live part."""
    return answer_poll(request, HEADER.fetch(request))


def answer_live(request: HttpRequest, part: Part, *subject: int | str) -> HttpResponse:
    """Answer the poll of a page with a live part."""
    return answer_poll(request, HEADER.fetch(request), part.fetch(request, *subject))
