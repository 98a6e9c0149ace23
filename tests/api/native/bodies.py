"""What the native API says back, for tests to compare with."""

from __future__ import annotations

import datetime as dt
from typing import Any

STATES = (
    *("scheduled", "due", "claimed", "retained", "held", "sent", "refused", "dropped", "stopped"),
    *("in_doubt", "discarded", "expired"),
)
NOT_FOUND = {"error": {"code": "RESOURCE_NOT_FOUND", "message": "Batch not found."}}
NO_ROUTE = {"error": {"code": "RESOURCE_NOT_FOUND", "message": "There is nothing here."}}
FORBIDDEN = {"error": {"code": "FORBIDDEN", "message": "The API key lacks the scope for this."}}


def counts(**held: int) -> dict[str, int]:
    """Counts by state: those named, and zero for the others."""
    return dict.fromkeys(STATES, 0) | held


def invalid(**details: list[str]) -> dict[str, Any]:
    return {
        "error": {"code": "VALIDATION_ERROR", "message": "The given data was invalid.", "details": details},
    }


def told(at: dt.datetime | None) -> str | None:
    """A time as it is written."""
    return at and at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def walk(client: Any, path: str, **query: Any) -> list[dict[str, Any]]:
    """All pages of a list, one after the other."""
    found: list[dict[str, Any]] = []
    after = None
    for _ in range(1000):
        asked = query | ({"after": after} if after else {})
        answer = client.get(f"{path}?{'&'.join(f'{key}={value}' for key, value in asked.items())}")
        assert answer.status_code == 200, answer.content
        page = answer.json()
        assert len(page["data"]) <= page["pagination"]["limit"]
        found += page["data"]
        after = page["pagination"]["next"]
        if after is None:
            return found
    raise AssertionError("the list never ends")
