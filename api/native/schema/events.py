"""Describe the call of `views/events.py`."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view

from api.native import inputs
from api.native.schema.words import ID, call, page_of
from api.openapi import FLAG, NUMBER, TEXT, TIME, Piece, Reply, list_of, nullable, one_of, record
from mailer.models import EventKind, LateKind

LOGGED_EVENT = record(
    id=TEXT,
    kind=one_of(kind.name.lower() for kind in (*EventKind, *LateKind)),
    at=TIME,
    message=TEXT,
    x_message_id=ID,
    batch_id=nullable(ID),
    recipient=TEXT,
    reply=nullable(TEXT),
    classification=nullable(TEXT),
    list=nullable(TEXT),
    is_encrypted={**nullable(FLAG), "description": "Of an attempt to deliver; null: unknown, or another event."},
    categories=list_of(TEXT),
    custom_args={"type": "object", "additionalProperties": TEXT},
)
LOGGED_EVENT["properties"] |= {
    "is_machine": {**FLAG, "description": "Of an open or a click: whether a machine did it, such as a scanner."},
    "address": nullable(TEXT),
    "user_agent": TEXT,
    "url": {**TEXT, "description": "Of a click, as the next two fields."},
    "link": NUMBER,
    "is_html": FLAG,
}
COMPONENTS: dict[str, Piece] = {"LoggedEvent": LOGGED_EVENT}

events = extend_schema_view(
    get=call(
        "list_events",
        "List the events of all messages in the order of the log, from a position on",
        tag="messages",
        query=inputs.EventsForm,
        replies={
            200: Reply(
                "A page of events. `next` is always the position behind it; there are no more events for now when it "
                "does not change.",
                page_of("LoggedEvent"),
            )
        },
    ),
)
