"""Describe the calls of `batches/views.py` in the OpenAPI document."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view

from api.openapi import (
    RECEIPT_HEADERS,
    TEXT,
    Piece,
    Reply,
    component,
    list_of,
    one_of,
    record,
)
from api.sendgrid.batches.inputs import STATUSES
from api.sendgrid.mail.schema import BATCHES
from api.sendgrid.words import REPEATABLE, call

mail_batches = extend_schema_view(
    post=call(
        "create_mail_batch",
        "Create a batch id",
        tag=BATCHES,
        replies={201: Reply("The id of the new batch.", record(batch_id=TEXT))},
        refusals=REPEATABLE,
    ),
)
mail_batch = extend_schema_view(
    get=call(
        "validate_mail_batch",
        "Check whether a batch id can be used",
        tag=BATCHES,
        replies={200: Reply("The id can be used.", record(batch_id=TEXT))},
        refusals=[400, 404],
    ),
)

SCHEDULED_SENDS = "SendGrid: scheduled sends"
STATUS = one_of(STATUSES)
COMPONENTS: dict[str, Piece] = {"ScheduledSend": record(batch_id=TEXT, status=STATUS)}

scheduled_sends = extend_schema_view(
    get=call(
        "list_scheduled_sends",
        "List the paused and cancelled batches",
        tag=SCHEDULED_SENDS,
        replies={200: Reply("All paused and cancelled batches.", list_of(component("ScheduledSend")))},
    ),
    post=call(
        "stop_scheduled_send",
        "Pause or cancel an open batch",
        tag=SCHEDULED_SENDS,
        body=component("ScheduledSend"),
        replies={201: Reply("The batch is paused or cancelled.", component("ScheduledSend"), RECEIPT_HEADERS)},
        refusals=REPEATABLE,
    ),
)
scheduled_send = extend_schema_view(
    get=call(
        "get_scheduled_send",
        "Get the status of a batch",
        tag=SCHEDULED_SENDS,
        replies={
            200: Reply(
                "A list with one entry, or an empty list if the batch has no status.",
                list_of(component("ScheduledSend")),
            )
        },
        refusals=[404],
    ),
    patch=call(
        "change_scheduled_send",
        "Pause a cancelled batch, or cancel a paused one",
        tag=SCHEDULED_SENDS,
        body=record(status=STATUS),
        replies={204: Reply("The status of the batch is changed.", headers=RECEIPT_HEADERS)},
        refusals=[404],
    ),
    delete=call(
        "resume_scheduled_send",
        "Resume a batch",
        tag=SCHEDULED_SENDS,
        replies={204: Reply("The batch is resumed.", headers=RECEIPT_HEADERS)},
        refusals=[404],
    ),
)
