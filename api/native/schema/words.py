"""Define the vocabulary of the descriptions: the pieces and components that several resources share, and calls."""

from __future__ import annotations

from collections.abc import Iterable

from api import openapi
from api.native import errors, inputs
from api.openapi import (
    FLAG,
    NUMBER,
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

ALWAYS = (401, 403, 414, 429, 500, 503)
WITH_BODY = (400, 409, 413, 415, 422)
REFUSALS = {status: answer.message for status, answer in errors.HTTP_ANSWERS.items()} | {
    409: "The request conflicts with the current state.",
    422: "The given data was invalid. `details` has the problems of each field.",
}

ID: Piece = {**TEXT, "example": "Ptm-O-FkVBG7lnvMa5DiDA"}
LABEL: Piece = {**TEXT, "example": "Your invoice for November"}
ACTION = one_of(Receipt.Action.values)
STATUS = one_of(inputs.STATUSES)
COUNTS: dict[str, Piece] = {"messages": NUMBER, "counts": component("Counts")}
RECEIPT: dict[str, Piece] = {
    "id": ID,
    "batch_id": nullable(ID),
    "label": nullable(LABEL),
    "message_id": nullable(TEXT),
    "action": ACTION,
    "actor": TEXT,
    "reason": TEXT,
    "created_at": TIME,
    "settled": FLAG,
    "settled_at": nullable(TIME),
    **dict.fromkeys(("sent", "stopped", "in_flight", "in_doubt", "ended", "ended_before", "affected"), NUMBER),
}
COMPONENTS: dict[str, Piece] = {
    "Counts": record(**dict.fromkeys(inputs.STATES, NUMBER)),
    "DryRun": record(
        dry_run=FLAG, action=ACTION, batch_id=nullable(ID), status=nullable(STATUS), affected=NUMBER, **COUNTS
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


def envelope_of(name: str) -> Piece:
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
    """Describe a call that answers `replies`, or refuses with one of `refusals` or as every call may."""
    statuses = {*refusals, *ALWAYS, *(WITH_BODY if body else ()), *([422] if query else ())}
    refused = {status: Reply(REFUSALS[status], component("Error")) for status in sorted(statuses)}
    return openapi.call(name, summary, tag=tag, replies=replies | refused, query=query, body=body)
