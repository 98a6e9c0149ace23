"""Describe the calls of `views/batches.py`."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view

from api.native import inputs
from api.native.schema.words import COUNTS, ID, LABEL, STATUS, call, envelope_of, page_of
from api.openapi import (
    FLAG,
    NUMBER,
    RECEIPT_HEADERS,
    TEXT,
    TIME,
    Describe,
    Form,
    Piece,
    Reply,
    component,
    list_of,
    nullable,
    one_of,
    record,
)
from batches.verdict import GateStatus
from monitoring.waiting import WaitKind

BATCH: dict[str, Piece] = {
    "id": ID,
    "label": LABEL,
    "status": STATUS,
    "since": TIME,
    "paused_until": nullable(TIME),
    "retention_seconds": nullable(NUMBER),
    "version": NUMBER,
    "created_at": TIME,
}
COMPONENTS: dict[str, Piece] = {
    "Batch": record(**BATCH),
    "BatchDetails": record(
        **BATCH,
        gate=one_of(status.value for status in GateStatus),
        waits=nullable(record(reason=one_of(WaitKind), text=TEXT)),
        **COUNTS,
        expires_at=nullable(TIME),
        waves=list_of(component("Wave")),
    ),
    "Wave": record(send_at=TIME, **COUNTS, exact=FLAG, expires_at=nullable(TIME)),
}


def move(name: str, summary: str, body: Form = inputs.MoveForm) -> Describe:
    """Describe a stop, a resume or a reschedule of one batch."""
    answer = {"oneOf": [envelope_of("ReceiptDetails"), envelope_of("DryRun")]}
    reply = Reply(
        "The receipt. A dry run changes nothing, and its response has the counts instead.", answer, RECEIPT_HEADERS
    )
    return call(name, summary, tag="batches", replies={200: reply}, refusals=[404], body=body)


batches = extend_schema_view(
    get=call(
        "list_batches",
        "List the batches of the account, newest first",
        tag="batches",
        query=inputs.BatchesForm,
        replies={200: Reply("A page of batches.", page_of("Batch"))},
    ),
    post=call(
        "create_batch",
        "Create a batch",
        tag="batches",
        body=inputs.NothingForm,
        replies={201: Reply("The new batch.", envelope_of("Batch"))},
    ),
)
one_batch = extend_schema_view(
    get=call(
        "get_batch",
        "Get a batch: its status, its counts by state and its waves",
        tag="batches",
        replies={200: Reply("The batch.", envelope_of("BatchDetails"))},
        refusals=[404],
    ),
)
pause_batch = extend_schema_view(
    post=move("pause_batch", "Pause a batch: no message of it is sent until it is resumed", inputs.PauseForm)
)
cancel_batch = extend_schema_view(post=move("cancel_batch", "Cancel a batch: its mail is discarded when it is due"))
resume_batch = extend_schema_view(post=move("resume_batch", "Resume a stopped batch"))
reschedule_batch = extend_schema_view(
    post=move("reschedule_batch", "Change the time of all waiting mail of a batch", inputs.RescheduleForm)
)
