"""Describe the call of `views/events.py`."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view

from api.native import inputs
from api.native.schema.words import ID, call, page_of
from api.openapi import FLAG, NUMBER, TEXT, TIME, Piece, Reply, list_of, nullable, one_of, record
from mailer.models import EventKind, LateKind

OF_A_CLICK = "Only clicks have it."
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
    is_encrypted={
        **nullable(FLAG),
        "description": "Whether an attempt to deliver was encrypted; null if that is not known, and for other events.",
    },
    categories=list_of(TEXT),
    custom_args={"type": "object", "additionalProperties": TEXT},
)
LOGGED_EVENT["properties"] |= {
    "is_machine": {
        **FLAG,
        "description": "Whether a machine, such as a scanner, caused an open or a click. Other events do not have it.",
    },
    "address": nullable(TEXT),
    "user_agent": TEXT,
    "url": {**TEXT, "description": f"The address of the clicked link. {OF_A_CLICK}"},
    "link": {**NUMBER, "description": f"The number of the link in its part. {OF_A_CLICK}"},
    "is_html": {**FLAG, "description": f"Whether the link is in the HTML part. {OF_A_CLICK}"},
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
                "A page of events. `next` is always the position behind the page. If it does not change, there are no "
                "further events yet.",
                page_of("LoggedEvent"),
            )
        },
    ),
)
