"""Read the requests that stop a batch."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field
from rest_framework.request import Request

from api.bodies import ANY, Body
from api.sendgrid.reading import read_fields, read_object
from api.sendgrid.values import Texts
from batches.states import BatchStatus

STATUSES = {"pause": BatchStatus.PAUSED, "cancel": BatchStatus.CANCELLED}
BATCH_ID_LENGTH = 200


def find_status(word: Any) -> BatchStatus | None:
    """Return the core's status for SendGrid's word, or None if it is not one."""
    return STATUSES.get(word) if isinstance(word, str) else None


Status = Annotated[BatchStatus, BeforeValidator(find_status)]


class StatusChange(Body):
    """The requested status of a batch."""

    status: Status


class Stop(Body):
    """A batch and its requested status."""

    batch_id: Annotated[str, Field(min_length=1, max_length=BATCH_ID_LENGTH)]
    status: Status


TEXTS: Final[Texts] = {
    ("batch_id", ANY): "invalid batch id",
    ("status", ANY): "invalid status",  # no document has a text for it
}


def read_stop(request: Request) -> Stop:
    """Return the batch and its status, from the body of POST scheduled_sends."""
    return read_fields(Stop, read_object(request), TEXTS)


def read_status(request: Request) -> BatchStatus:
    """Return the status in the body of PATCH scheduled_sends."""
    return read_fields(StatusChange, read_object(request), TEXTS).status
