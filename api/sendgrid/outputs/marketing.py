"""What all of /v3/marketing says alike: its errors, its times, its pages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from api.sendgrid.errors import Refusal


def envelope(refusal: Refusal) -> dict[str, Any]:
    """What is not done. No document has the values of `error_id`: ours are the core's codes, or the status' name."""
    name = HTTPStatus(refusal.status).name.lower()
    return {
        "errors": [
            {"field": found.field, "message": found.message, "error_id": found.error_id or name}
            for found in refusal.problems
        ]
    }


def moment(at: dt.datetime | None) -> str | None:
    """`2026-11-20T10:53:00.000Z`; null for none."""
    if at is None:
        return None
    return f"{at.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def page(entries: Iterable[Any], metadata: Mapping[str, Any], *, key: str = "result") -> dict[str, Any]:
    """A part of a list."""
    return {key: list(entries), "_metadata": metadata}
