"""Read the requests that stop a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rest_framework.request import Request

from api.sendgrid.errors import Problem, Refusal
from api.sendgrid.reading import read_object
from batches.states import BatchStatus

STATUSES = {"pause": BatchStatus.PAUSED, "cancel": BatchStatus.CANCELLED}
BATCH_ID_LENGTH = 200

INVALID_BATCH = Problem("invalid batch id", "batch_id")
INVALID_STATUS = Problem("invalid status", "status")  # ours, as are all texts below that no document has


@dataclass(frozen=True, slots=True)
class StopRequest:
    """A batch, and the status its caller wants it in."""

    batch_id: str
    status: BatchStatus


def read_stop(request: Request) -> StopRequest:
    """The body of POST scheduled_sends; names both fields if both are wrong."""
    given = read_object(request)
    batch_id, status = given.get("batch_id"), find_status(given)
    problems = [] if isinstance(batch_id, str) and 0 < len(batch_id) <= BATCH_ID_LENGTH else [INVALID_BATCH]
    if status is None:
        problems.append(INVALID_STATUS)
    if problems or status is None:
        raise Refusal(400, *problems)
    return StopRequest(str(batch_id), status)


def read_status(request: Request) -> BatchStatus:
    """The body of PATCH scheduled_sends."""
    status = find_status(read_object(request))
    if status is None:
        raise Refusal(400, INVALID_STATUS)
    return status


def find_status(given: Mapping[str, Any]) -> BatchStatus | None:
    word = given.get("status")
    return STATUSES.get(word) if isinstance(word, str) else None
