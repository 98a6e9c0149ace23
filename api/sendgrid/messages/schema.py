"""Describe the calls of `messages/views.py` in the OpenAPI document."""

from __future__ import annotations

from functools import partial
from typing import Final

from drf_spectacular.utils import OpenApiParameter, extend_schema_view

from api.openapi import NUMBER, TEXT, Header, Piece, Reply, component, list_of, nullable, one_of, record
from api.sendgrid.messages.inputs import HIGHEST_LIMIT, LIMIT
from api.sendgrid.messages.outputs import LONGEST_REASON, MOST_ATTEMPTS
from api.sendgrid.words import REPEATABLE, UUID, call
from mailer.activity.records import Name, Status

ACTIVITY: Final = "SendGrid: email activity"
NOT_RECORDED: Piece = {**TEXT, "description": "Always empty: it is not recorded."}
TIME: Piece = {"type": "string", "format": "date-time", "example": "2026-11-20T10:53:00Z"}
COMMON: dict[str, Piece] = {
    "from_email": TEXT,
    "msg_id": {**TEXT, "description": "The X-Message-Id, a dot, and the number of the message and its recipient."},
    "subject": TEXT,
    "to_email": TEXT,
    "status": one_of(Status),
}
EVENT = record(
    event_name=one_of(Name), processed=TIME, bounce_type=one_of(("soft", "hard", "")),
    http_user_agent=TEXT, mx_server=NOT_RECORDED,
)  # fmt: skip
EVENT["properties"] |= {
    "reason": {**TEXT, "maxLength": LONGEST_REASON},
    "attempt_num": {**NUMBER, "minimum": 1, "maximum": MOST_ATTEMPTS},
}

COMPONENTS: dict[str, Piece] = {
    "ActivityErrors": {
        "type": "object",
        "properties": {
            "errors": list_of(
                {"type": "object", "properties": {"message": TEXT, "field": TEXT}, "required": ["message"]}
            )
        },
        "required": ["errors"],
    },
    "ActivityLine": record(**COMMON, opens_count=NUMBER, clicks_count=NUMBER, last_event_time=TIME),
    "ActivityEvent": EVENT,
    "Activity": record(
        **COMMON,
        template_id=TEXT,
        asm_group_id=nullable(NUMBER),
        teammate=NOT_RECORDED,
        api_key_id=NOT_RECORDED,
        events=list_of(component("ActivityEvent")),
        originating_ip=NOT_RECORDED,
        categories=list_of(TEXT),
        unique_args={**TEXT, "description": "A JSON object as a text."},
        outbound_ip=NOT_RECORDED,
        outbound_ip_type=one_of(["dedicated"]),
    ),
}
QUERY = OpenApiParameter(
    "query",
    {**TEXT, "example": 'status="not_delivered" AND to_email="ada@example.com"'},
    description="Conditions in SendGrid's query language. Without conditions, all messages are selected.",
)
WARNING: Final = Header(
    "X-Sluice-Warning", "A note that older messages were not searched, because that would have taken too long."
)

activity_call = partial(call, tag=ACTIVITY, errors="ActivityErrors")

messages = extend_schema_view(
    get=activity_call(
        "list_activity",
        "List the newest messages that a query selects, one for each recipient",
        query=[
            QUERY,
            OpenApiParameter(
                "limit",
                {**NUMBER, "minimum": 1, "maximum": HIGHEST_LIMIT, "default": LIMIT},
                description="The largest number of messages in the response.",
            ),
        ],
        replies={
            200: Reply("The messages.", record(messages=list_of(component("ActivityLine"))), (WARNING,)),
        },
        refusals=[400, 408],
    ),
)
one_message = extend_schema_view(
    get=activity_call(
        "get_activity",
        "Get a message with its events",
        replies={200: Reply("The message for one recipient.", component("Activity"))},
        refusals=[404],
    ),
)
downloads = extend_schema_view(
    post=activity_call(
        "export_activity",
        "Export the events of the messages that a query selects, in a job",
        query=[QUERY],
        replies={
            202: Reply("The job.", record(status=one_of(["pending"]), message=TEXT, download_uuid=UUID)),
        },
        refusals=REPEATABLE,
    ),
)
one_download = extend_schema_view(
    get=activity_call(
        "get_activity_export",
        "Get the address of the file of an export, once it is ready",
        replies={200: Reply("The address of the file. It needs no API key.", record(presigned_url=TEXT))},
        refusals=[404],
    ),
)
