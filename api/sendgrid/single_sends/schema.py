"""Describe the calls of `single_sends/views.py` in the OpenAPI document."""

from __future__ import annotations

from typing import Final

from drf_spectacular.utils import OpenApiParameter, extend_schema_view

from api.openapi import (
    FLAG,
    NUMBER,
    RECEIPT_HEADERS,
    TEXT,
    TIME,
    Piece,
    Reply,
    component,
    list_of,
    nullable,
    one_of,
    record,
)
from api.sendgrid import values
from api.sendgrid.ids import HIGHEST_ID
from api.sendgrid.single_sends.inputs import MAX_IDS, MAX_SEARCHED, STATUSES
from api.sendgrid.words import EDITOR_ONLY, NO_POOL, PAGE, REPEATABLE, UUID, marketing_call
from api.without_effect import WithoutEffect
from campaigns.testing import TEST_ADDRESSES

SINGLE_SENDS = "SendGrid: Single Sends"
ID: Piece = {**NUMBER, "minimum": 1, "maximum": HIGHEST_ID}
EMAIL: Piece = {"type": "string", "format": "email"}
NAME: Piece = {**TEXT, "minLength": 1, "maxLength": values.TITLE_LENGTH}
STATUS = one_of(STATUSES)
CATEGORIES: Piece = {**list_of(TEXT), "maxItems": values.MAX_CATEGORIES, "uniqueItems": True}
SEND_TO: dict[str, Piece] = {
    "list_ids": {**list_of(UUID), "maxItems": values.MAX_LISTS},
    "segment_ids": {**list_of(UUID), "maxItems": values.MAX_SEGMENTS},
    "all": FLAG,
}
EMAIL_CONFIG: dict[str, Piece] = {
    "subject": TEXT,
    "html_content": TEXT,
    "plain_content": TEXT,
    "generate_plain_content": {
        **FLAG,
        "description": "Whether the plain text is made from the HTML. Then a plain text in the request is ignored.",
    },
    "design_id": nullable(
        {**UUID, "description": "A design whose subject and content are copied, with its CSS inlined."}
    ),
    "editor": one_of(values.EDITORS),
    "suppression_group_id": nullable(ID),
    "custom_unsubscribe_url": nullable(TEXT),
    "sender_id": nullable(ID),
    "ip_pool": nullable(TEXT),
}
WRITABLE: dict[str, Piece] = {
    "name": NAME,
    "categories": CATEGORIES,
    "send_at": nullable(TIME),
    "send_to": {"type": "object", "properties": SEND_TO},
    "email_config": {"type": "object", "properties": EMAIL_CONFIG},
}
STAMPS: dict[str, Piece] = {"updated_at": TIME, "created_at": TIME}
COMPONENTS: dict[str, Piece] = {
    "SingleSend": record(
        id=UUID,
        name=TEXT,
        status=STATUS,
        categories=list_of(TEXT),
        send_at=nullable(TIME),
        send_to=record(**SEND_TO),
        email_config=record(**EMAIL_CONFIG),
        warnings=list_of(record(message=TEXT, field=nullable(TEXT), warning_id=TEXT)),
        **STAMPS,
    ),
    "SingleSendLine": record(
        id=UUID,
        name=TEXT,
        # Tests of several variations do not exist here.
        abtest={"type": "object", "nullable": True},
        status=STATUS,
        categories=list_of(TEXT),
        send_at=nullable(TIME),
        is_abtest=FLAG,
        **STAMPS,
    ),
    "NewSingleSend": {"type": "object", "properties": WRITABLE, "required": ["name"]},
    "SingleSendChange": {
        "type": "object",
        "properties": WRITABLE,
        "description": "A field that is missing or blank stays unchanged. Null empties a field that may be null.",
    },
    "SingleSendSchedule": record(send_at=nullable(TIME), status=STATUS),
    "SingleSendSearch": {
        "type": "object",
        "properties": {
            "name": {**TEXT, "maxLength": MAX_SEARCHED},
            "status": list_of(STATUS),
            "categories": {**list_of(TEXT), "maxItems": MAX_SEARCHED},
        },
    },
    "TestMail": {
        "type": "object",
        "properties": {
            "template_id": {**TEXT, "description": "The id of a dynamic template or of a Single Send."},
            "version_id_override": nullable({**UUID, "description": "A version of the template, active or not."}),
            "emails": {**list_of(EMAIL), "minItems": 1, "maxItems": TEST_ADDRESSES},
            "sender_id": ID,
            "from_address": EMAIL,
            "suppression_group_id": ID,
            "custom_unsubscribe_url": TEXT,
        },
        "required": ["template_id", "emails"],
    },
}

WRITING: Final = ("create_single_send", "change_single_send")
WITHOUT_EFFECT: Final = (
    WithoutEffect(WRITING, ("email_config.ip_pool",), NO_POOL, is_kept=True),
    WithoutEffect(WRITING, ("email_config.editor",), EDITOR_ONLY, is_kept=True),
)


def ids(name: str, highest: int, description: str, *, is_required: bool = False) -> OpenApiParameter:
    """Return the parameter for the ids of Single Sends in a query."""
    piece = {**list_of(UUID), "maxItems": highest, **({"minItems": 1} if is_required else {})}
    return OpenApiParameter(name, piece, description=description, required=is_required)


LINES = record(result=list_of(component("SingleSendLine")), _metadata=component("PageMetadata"))

single_sends = extend_schema_view(
    get=marketing_call(
        "list_single_sends",
        "List the account's Single Sends, the newest first",
        tag=SINGLE_SENDS,
        query=PAGE,
        replies={200: Reply("A page of the list.", LINES)},
        refusals=[400],
    ),
    post=marketing_call(
        "create_single_send",
        "Create a Single Send as a draft",
        tag=SINGLE_SENDS,
        body=component("NewSingleSend"),
        replies={201: Reply("The new Single Send.", component("SingleSend"))},
        refusals=REPEATABLE,
    ),
    delete=marketing_call(
        "delete_single_sends",
        "Delete several Single Sends in any status, all or none; those that are being sent are stopped",
        tag=SINGLE_SENDS,
        query=[ids("ids", MAX_IDS, "The ids of the Single Sends to delete.", is_required=True)],
        replies={
            204: Reply(
                "The Single Sends are deleted. The headers are present if something had to be stopped.",
                headers=RECEIPT_HEADERS,
            )
        },
        refusals=[400, 404, 409],
    ),
)
one_single_send = extend_schema_view(
    get=marketing_call(
        "get_single_send",
        "Get a Single Send",
        tag=SINGLE_SENDS,
        replies={200: Reply("The Single Send.", component("SingleSend"))},
        refusals=[404],
    ),
    post=marketing_call(
        "duplicate_single_send",
        "Copy a Single Send as a draft",
        tag=SINGLE_SENDS,
        body={"type": "object", "properties": {"name": nullable({**TEXT, "maxLength": values.TITLE_LENGTH})}},
        replies={201: Reply("The copy.", component("SingleSend"))},
        refusals=[*REPEATABLE, 404],
    ),
    patch=marketing_call(
        "change_single_send",
        "Change the given fields of a draft",
        tag=SINGLE_SENDS,
        body=component("SingleSendChange"),
        replies={202: Reply("The changed Single Send.", component("SingleSend"))},
        refusals=[404, 409],
    ),
    delete=marketing_call(
        "delete_single_send",
        "Delete a Single Send in any status; one that is being sent is stopped",
        tag=SINGLE_SENDS,
        replies={
            204: Reply(
                "The Single Send is deleted. The headers are present if something had to be stopped.",
                headers=RECEIPT_HEADERS,
            )
        },
        refusals=[404, 409],
    ),
)
single_send_schedule = extend_schema_view(
    put=marketing_call(
        "schedule_single_send",
        "Schedule a Single Send, change its time, or send it now",
        tag=SINGLE_SENDS,
        body=record(send_at={**TEXT, "description": "A time in ISO 8601 that is in the future, or `now`."}),
        replies={201: Reply("The schedule of the Single Send.", component("SingleSendSchedule"))},
        refusals=[404, 409, 408],
    ),
    delete=marketing_call(
        "unschedule_single_send",
        "Make a scheduled Single Send a draft again",
        tag=SINGLE_SENDS,
        replies={200: Reply("The Single Send is a draft.", component("SingleSendSchedule"))},
        refusals=[400, 404, 409],
    ),
)
single_send_search = extend_schema_view(
    post=marketing_call(
        "search_single_sends",
        "Search for Single Sends by a part of the name, by status and by category",
        tag=SINGLE_SENDS,
        query=PAGE,
        body=component("SingleSendSearch"),
        replies={200: Reply("A page of the list.", LINES)},
        refusals=REPEATABLE,
    ),
)
single_send_categories = extend_schema_view(
    get=marketing_call(
        "list_single_send_categories",
        "List the categories that were used last",
        tag=SINGLE_SENDS,
        replies={200: Reply("At most a thousand categories.", record(categories=list_of(TEXT)))},
    ),
)
test_mail = extend_schema_view(
    post=marketing_call(
        "send_test_mail",
        "Send a test of a dynamic template, or of a Single Send in any status, to some addresses",
        tag=SINGLE_SENDS,
        body=component("TestMail"),
        replies={202: Reply("The test is accepted.", {"type": "object"})},
        refusals=REPEATABLE,
    ),
)
