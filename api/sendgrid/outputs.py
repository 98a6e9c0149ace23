"""Write the parts that the answers of several families share: errors, times, pages."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from api.sendgrid.errors import Refusal


def envelope(refusal: Refusal) -> dict[str, Any]:
    """Return the body of a refusal: field and message, in that order."""
    return {"errors": [{"field": problem.field, "message": problem.message} for problem in refusal.problems]}


def json_response(status: int, value: object) -> HttpResponse:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return HttpResponse(text, status=status, content_type="application/json")


def seconds_of(moment: dt.datetime) -> int:
    """Return a time in Unix time."""
    return int(moment.timestamp())


def write_time(moment: dt.datetime) -> str:
    """Return a time in UTC, to the second."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def metadata_of(request: Request, path: str = "") -> dict[str, str]:
    """Return the address of a resource, or without a path that of the request."""
    return {"self": request.build_absolute_uri(f"/v3/marketing/{path}" if path else None)}


def marketing_envelope(refusal: Refusal) -> dict[str, Any]:
    """Return the body of a refusal below /v3/marketing.

    No document has the values of `error_id`: they are the core's error codes, or the name of the status.
    """
    name = HTTPStatus(refusal.status).name.lower()
    return {
        "errors": [
            {"field": problem.field, "message": problem.message, "error_id": problem.error_id or name}
            for problem in refusal.problems
        ]
    }


def page_of(entries: Iterable[Any], metadata: Mapping[str, Any], *, key: str = "result") -> dict[str, Any]:
    """Return a part of a list."""
    return {key: list(entries), "_metadata": metadata}
