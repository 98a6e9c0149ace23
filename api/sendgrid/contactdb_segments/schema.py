"""Describe the calls of `contactdb_segments/views.py` in the OpenAPI document."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema_view

from api.openapi import NUMBER, TEXT, Piece, Reply, component, list_of, one_of, record
from api.sendgrid.contactdb.schema import A_PAGE, PAGES, RECIPIENTS, WITH_CONTACTS
from api.sendgrid.ids import HIGHEST_ID
from api.sendgrid.words import LIST_NAME, REPEATABLE, call
from audience.query.legacy_conditions import MOST_CONDITIONS

SEGMENTS = "SendGrid: legacy segments"
OPERATORS = ("eq", "ne", "lt", "gt", "contains", "empty", "not_empty", "is within")
CONDITION = record(field=TEXT, operator=one_of(OPERATORS), value=TEXT, and_or=one_of(("", "and", "or")))
CONDITIONS: Piece = {**list_of(CONDITION), "minItems": 1, "maxItems": MOST_CONDITIONS}
ASKED: dict[str, Piece] = {
    "list_id": {**NUMBER, "minimum": 0, "maximum": HIGHEST_ID},
    "conditions": CONDITIONS,
}
FOUND = Reply(
    "Up to a thousand recipients, and the number of all that match.",
    record(recipients=list_of(component("LegacyRecipient")), recipient_count=NUMBER),
)

COMPONENTS: dict[str, Piece] = {
    "NewLegacySegment": {
        "type": "object",
        "properties": {"name": LIST_NAME, **ASKED},
        "required": ["name", "conditions"],
    },
    "LegacySegmentChange": {"type": "object", "properties": {"name": LIST_NAME, **ASKED}},
    "LegacySearch": {"type": "object", "properties": ASKED, "required": ["conditions"]},
    "LegacySegment": {
        "type": "object",
        "properties": {
            "id": NUMBER,
            "name": TEXT,
            "list_id": NUMBER,
            "conditions": list_of(record(field=TEXT, operator=TEXT, value=TEXT, and_or=TEXT)),
            "recipient_count": NUMBER,
        },
        "required": ["id", "name", "conditions", "recipient_count"],
    },
}

segments = extend_schema_view(
    get=call(
        "list_segments",
        "List the account's segments",
        tag=SEGMENTS,
        replies={200: Reply("All segments.", record(segments=list_of(component("LegacySegment"))))},
    ),
    post=call(
        "create_segment",
        "Create a segment",
        tag=SEGMENTS,
        body=component("NewLegacySegment"),
        replies={200: Reply("The new segment, which is not counted yet.", component("LegacySegment"))},
        refusals=REPEATABLE,
    ),
)
one_segment = extend_schema_view(
    get=call(
        "get_segment",
        "Get a segment",
        tag=SEGMENTS,
        replies={200: Reply("The segment.", component("LegacySegment"))},
        refusals=[400, 404],
    ),
    patch=call(
        "change_segment",
        "Change the given fields of a segment",
        tag=SEGMENTS,
        body=component("LegacySegmentChange"),
        replies={200: Reply("The changed segment.", component("LegacySegment"))},
        refusals=[404],
    ),
    delete=call(
        "delete_segment",
        "Delete a segment",
        tag=SEGMENTS,
        query=[WITH_CONTACTS],
        replies={204: Reply("The segment is deleted.")},
        refusals=[400, 404],
    ),
)
segment_members = extend_schema_view(
    get=call(
        "list_recipients_of_segment",
        "List the recipients in a segment, a page at a time",
        tag=SEGMENTS,
        query=PAGES,
        replies=A_PAGE,
        refusals=[400, 404, 408],
    ),
)
search = extend_schema_view(
    get=call(
        "find_recipients",
        "Find the recipients whose fields have these values",
        tag=RECIPIENTS,
        query=[
            OpenApiParameter(
                "email",
                TEXT,
                description="Any field, reserved or custom, by its name. A time in a reserved field, such as "
                "`created_at`, stands for its whole day in UTC.",
            )
        ],
        replies={200: Reply("Up to a thousand recipients.", component("RecipientPage"))},
        refusals=[400, 408],
    ),
    post=call(
        "search_recipients",
        "Find the recipients that meet conditions",
        tag=RECIPIENTS,
        body=component("LegacySearch"),
        replies={200: FOUND},
        refusals=[*REPEATABLE, 408],
    ),
)
