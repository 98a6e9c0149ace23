"""Provide bodies of the native API to compare answers with."""

from __future__ import annotations

import datetime as dt
from typing import Any

STATES = (
    *("scheduled", "due", "claimed", "retained", "held", "sent", "refused", "dropped", "stopped"),
    *("in_doubt", "discarded", "expired"),
)
NOT_FOUND = {"error": {"code": "RESOURCE_NOT_FOUND", "message": "Batch not found."}}
NO_MESSAGE = {"error": {"code": "RESOURCE_NOT_FOUND", "message": "Message not found."}}
NO_ROUTE = {"error": {"code": "RESOURCE_NOT_FOUND", "message": "This path does not exist."}}
UNKNOWN_FIELD = "This call does not have this field."
NO_TIME = "Must be an ISO 8601 time with an offset, such as 2026-11-20T10:53:00Z."
TOO_FAR = "Must not be more than ten years ahead."
WRONG_TIMES: list[tuple[Any, str]] = [
    *((wrong, NO_TIME) for wrong in ("tomorrow", "", "2026-11-20", "2026-11-20T10:53:00", "2026-02-30T00:00:00Z")),
    *((wrong, NO_TIME) for wrong in (1_800_000_000, True, [], {}, "9" * 5000)),
    ("9999-12-31T23:59:59Z", TOO_FAR),
    ("9999-12-31T23:59:59-23:59", "Datetime value out of range."),
    ("0001-01-01T00:00:00+23:59", "Datetime value out of range."),
]
"""Values that are not a time for an action, each with its error text."""
FORBIDDEN = {"error": {"code": "FORBIDDEN", "message": "The API key does not have the scope for this call."}}


def counts(**others: int) -> dict[str, int]:
    """Return counts by state: those given, and zero for all others."""
    return dict.fromkeys(STATES, 0) | others


def invalid(**details: list[str]) -> dict[str, Any]:
    return {
        "error": {"code": "VALIDATION_ERROR", "message": "The given data was invalid.", "details": details},
    }


def written_time(at: dt.datetime | None) -> str | None:
    """Return a time in the API's format."""
    return at and at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def walk(client: Any, path: str, **query: Any) -> list[dict[str, Any]]:
    """Return all pages of a list, in order."""
    items: list[dict[str, Any]] = []
    after = None
    for _ in range(1000):
        parameters = query | ({"after": after} if after else {})
        answer = client.get(f"{path}?{'&'.join(f'{key}={value}' for key, value in parameters.items())}")
        assert answer.status_code == 200, answer.content
        page = answer.json()
        assert len(page["data"]) <= page["pagination"]["limit"]
        items += page["data"]
        after = page["pagination"]["next"]
        if after is None:
            return items
    raise AssertionError("the list never ends")
