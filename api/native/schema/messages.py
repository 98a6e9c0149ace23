"""Describe the calls of `views/messages.py`."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view

from api.native import inputs
from api.native.schema.words import ID, call, envelope_of, page_of
from api.openapi import (
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
from mailer.models import EventKind

COMPONENTS: dict[str, Piece] = {
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
}


def message_move(name: str, summary: str, body: Form) -> Describe:
    """Describe a change of single messages."""
    reply = Reply("The receipt.", envelope_of("ReceiptDetails"), RECEIPT_HEADERS)
    return call(name, summary, tag="messages", replies={200: reply}, refusals=[404], body=body)


batch_messages = extend_schema_view(
    get=call(
        "list_messages",
        "List the messages of a batch, all or those in one state",
        tag="messages",
        query=inputs.MessagesForm,
        replies={
            200: Reply(
                "A page of messages. With `state`, a short page is not necessarily the last one.", page_of("Message")
            )
        },
        refusals=[404],
    ),
)
one_message = extend_schema_view(
    get=call(
        "get_message",
        "Get a message with its state and its events",
        tag="messages",
        replies={200: Reply("The message.", envelope_of("Message"))},
        refusals=[404],
    ),
)
messages_in_hand = extend_schema_view(
    get=call(
        "list_messages_in_hand",
        "List the messages of the account that are held or in doubt",
        tag="messages",
        query=inputs.InHandForm,
        replies={200: Reply("A page of messages.", page_of("Message"))},
        refusals=[404],
    ),
)
replay_messages = extend_schema_view(
    post=message_move(
        "replay_messages", "Send messages that are held, or send messages in doubt again", inputs.SelectionForm
    )
)
drop_messages = extend_schema_view(
    post=message_move("drop_messages", "Drop messages that are held or in doubt", inputs.SelectionForm)
)
cancel_message = extend_schema_view(
    post=message_move("cancel_message", "Stop one message, unless it was sent", inputs.ReasonForm)
)
reschedule_message = extend_schema_view(
    post=message_move("reschedule_message", "Change the time of one waiting message", inputs.OneRescheduleForm)
)
