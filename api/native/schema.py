"""What the OpenAPI document says of the native API's calls (`api/openapi.py` has the words).

To add a call: one value at the end of this file, and `@schema.its_name` above its view. Bodies that come in are the
forms of `inputs.py`; what goes out is said in `COMPONENTS`, and the suite compares that with what `outputs.py` writes.
"""

from __future__ import annotations

from collections.abc import Iterable

from drf_spectacular.utils import extend_schema_view

from api import openapi
from api.native import errors, inputs
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
from batches.models import Receipt
from batches.verdict import GateStatus
from mailer.models import EventKind

ALWAYS = (401, 403, 414, 429, 500, 503)
WITH_BODY = (400, 409, 413, 415, 422)
REFUSALS = {status: answer.message for status, answer in errors.HTTP_ANSWERS.items()} | {
    409: "This cannot be done now.",
    422: "The given data was invalid; `details` says what is wrong with each field.",
}

ID: Piece = {**TEXT, "example": "Ptm-O-FkVBG7lnvMa5DiDA"}
ACTION = one_of(Receipt.Action.values)
STATUS = one_of(inputs.STATUSES)
COUNTS: dict[str, Piece] = {"messages": NUMBER, "counts": component("Counts")}
BATCH: dict[str, Piece] = {
    "id": ID,
    "status": STATUS,
    "since": TIME,
    "paused_until": nullable(TIME),
    "retention_seconds": nullable(NUMBER),
    "version": NUMBER,
    "created_at": TIME,
}
RECEIPT: dict[str, Piece] = {
    "id": ID,
    "batch_id": nullable(ID),
    "message_id": nullable(TEXT),
    "action": ACTION,
    "actor": TEXT,
    "reason": TEXT,
    "created_at": TIME,
    "settled": FLAG,
    "settled_at": nullable(TIME),
    **dict.fromkeys(("sent", "stopped", "in_flight", "in_doubt", "ended", "affected"), NUMBER),
}

COMPONENTS: dict[str, Piece] = {
    "Batch": record(**BATCH),
    "BatchDetails": record(
        **BATCH,
        gate=one_of(status.value for status in GateStatus),
        **COUNTS,
        expires_at=nullable(TIME),
        waves=list_of(component("Wave")),
    ),
    "Wave": record(send_at=TIME, **COUNTS, expires_at=nullable(TIME)),
    "Counts": record(**dict.fromkeys(inputs.STATES, NUMBER)),
    "Message": record(
        id=TEXT,
        message_id=TEXT,
        batch_id=nullable(ID),
        recipient=TEXT,
        state=one_of(inputs.STATES),
        send_at=TIME,
        events=list_of(component("Event")),
    ),
    "Event": record(
        kind=one_of(kind.name.lower() for kind in EventKind),
        at=TIME,
        recipient=nullable(TEXT),
        reply=nullable(TEXT),
    ),
    "Receipt": record(**RECEIPT),
    "ReceiptDetails": record(**RECEIPT, doubtful_messages=list_of(TEXT)),
    "DryRun": record(
        dry_run=FLAG, action=ACTION, batch_id=nullable(ID), status=nullable(STATUS), affected=NUMBER, **COUNTS
    ),
    "Account": record(
        username=TEXT,
        parent=nullable(TEXT),
        frozen_at=nullable(TIME),
        doubt_policy=one_of(inputs.DOUBT_POLICIES),
        lateness_limit_seconds=nullable(NUMBER),
    ),
    "Pagination": record(limit=NUMBER, next=nullable(TEXT)),
    "Error": record(
        error={
            **record(code=TEXT, message=TEXT),
            "properties": {
                "code": {**TEXT, "example": "VALIDATION_ERROR"},
                "message": TEXT,
                "details": {"type": "object", "additionalProperties": list_of(TEXT)},
            },
        }
    ),
}


def one(name: str) -> Piece:
    return record(data=component(name))


def page_of(name: str) -> Piece:
    return record(data=list_of(component(name)), pagination=component("Pagination"))


def call(
    name: str,
    summary: str,
    *,
    tag: str,
    replies: dict[int, Reply],
    refusals: Iterable[int] = (),
    query: Form | tuple[()] = (),
    body: Form | None = None,
) -> Describe:
    """A call that answers `replies`, or refuses with one of `refusals`, or as every call may."""
    statuses = {*refusals, *ALWAYS, *(WITH_BODY if body else ()), *([422] if query else ())}
    refused = {status: Reply(REFUSALS[status], component("Error")) for status in sorted(statuses)}
    return openapi.call(name, summary, tag=tag, replies=replies | refused, query=query, body=body)


def move(name: str, summary: str, body: Form = inputs.MoveForm) -> Describe:
    """A stop or a resume of one batch, or another time for it."""
    answer = {"oneOf": [one("ReceiptDetails"), one("DryRun")]}
    reply = Reply("The receipt; of a dry run the counts, and nothing was changed.", answer, RECEIPT_HEADERS)
    return call(name, summary, tag="batches", replies={200: reply}, refusals=[404], body=body)


def account_move(name: str, summary: str) -> Describe:
    """A freeze, a thaw or a purge."""
    answer = {"oneOf": [one("ReceiptDetails"), one("DryRun")]}
    reply = Reply("The receipt; of a dry run the counts, and nothing was changed.", answer, RECEIPT_HEADERS)
    return call(name, summary, tag="account", replies={200: reply}, body=inputs.MoveForm)


def message_move(name: str, summary: str, body: Form) -> Describe:
    """Something that is done with messages by themselves."""
    reply = Reply("The receipt.", one("ReceiptDetails"), RECEIPT_HEADERS)
    return call(name, summary, tag="messages", replies={200: reply}, refusals=[404], body=body)


# --- the calls, each above its view in views.py -----------------------------------------------------------------------

batches = extend_schema_view(
    get=call(
        "list_batches",
        "The account's batches, newest first",
        tag="batches",
        query=inputs.BatchesForm,
        replies={200: Reply("A page of batches.", page_of("Batch"))},
    ),
    post=call(
        "create_batch",
        "A new batch",
        tag="batches",
        body=inputs.NothingForm,
        replies={201: Reply("The batch.", one("Batch"))},
    ),
)
one_batch = extend_schema_view(
    get=call(
        "get_batch",
        "A batch: its status, counts by state, waves",
        tag="batches",
        replies={200: Reply("The batch.", one("BatchDetails"))},
        refusals=[404],
    ),
)
batch_messages = extend_schema_view(
    get=call(
        "list_messages",
        "A batch's messages, all or those in one state",
        tag="messages",
        query=inputs.MessagesForm,
        replies={
            200: Reply("A page of messages; with `state` it may be short and yet not the last.", page_of("Message"))
        },
        refusals=[404],
    ),
)
one_message = extend_schema_view(
    get=call(
        "get_message",
        "A message: its state, and what happened to it",
        tag="messages",
        replies={200: Reply("The message.", one("Message"))},
        refusals=[404],
    ),
)
pause_batch = extend_schema_view(
    post=move("pause_batch", "Hold a batch: nothing of it leaves until it is resumed", inputs.PauseForm)
)
cancel_batch = extend_schema_view(post=move("cancel_batch", "Cancel a batch: at its time its mail is thrown away"))
resume_batch = extend_schema_view(post=move("resume_batch", "Let a stopped batch go on"))
reschedule_batch = extend_schema_view(
    post=move("reschedule_batch", "Give all waiting mail of a batch another time", inputs.RescheduleForm)
)
messages_in_hand = extend_schema_view(
    get=call(
        "list_messages_in_hand",
        "The account's messages that are held or in doubt",
        tag="messages",
        query=inputs.InHandForm,
        replies={200: Reply("A page of messages.", page_of("Message"))},
        refusals=[404],
    ),
)
replay_messages = extend_schema_view(
    post=message_move("replay_messages", "Send what is held, or send again what is in doubt", inputs.SelectionForm)
)
drop_messages = extend_schema_view(
    post=message_move("drop_messages", "End what is held or in doubt", inputs.SelectionForm)
)
cancel_message = extend_schema_view(
    post=message_move("cancel_message", "Stop one message, or hear that it has left", inputs.ReasonForm)
)
reschedule_message = extend_schema_view(
    post=message_move("reschedule_message", "Give one waiting message another time", inputs.OneRescheduleForm)
)
receipts = extend_schema_view(
    get=call(
        "list_receipts",
        "Who stopped what, newest first",
        tag="receipts",
        query=inputs.ReceiptsForm,
        replies={200: Reply("A page of receipts.", page_of("Receipt"))},
    ),
)
one_receipt = extend_schema_view(
    get=call(
        "get_receipt",
        "A receipt, with the ids of its messages in doubt",
        tag="receipts",
        replies={200: Reply("The receipt.", one("ReceiptDetails"))},
        refusals=[404],
    ),
)
one_account = extend_schema_view(
    get=call(
        "get_account",
        "The account that is acted for",
        tag="account",
        replies={200: Reply("The account.", one("Account"))},
    ),
    patch=call(
        "change_account",
        "Change what the account wants to be done with late mail and with mail in doubt",
        tag="account",
        body=inputs.PoliciesForm,
        replies={200: Reply("The account as it is then.", one("Account"))},
    ),
)
freeze_account = extend_schema_view(
    post=account_move("freeze_account", "Hold all mail of the account and of its subusers")
)
thaw_account = extend_schema_view(post=account_move("thaw_account", "Let a frozen account's mail leave again"))
purge_account = extend_schema_view(
    post=account_move("purge_account", "Discard all that a frozen account and its subusers still have to send")
)
