"""Describe the calls of `segments/views.py` in the OpenAPI document."""

from __future__ import annotations

from typing import Final

from drf_spectacular.utils import OpenApiParameter, extend_schema_view

from api.openapi import FLAG, NUMBER, TEXT, TIME, Piece, Reply, component, list_of, nullable, record
from api.sendgrid.segments.inputs import MAX_IDS
from api.sendgrid.words import JOB, LIST_NAME, REPEATABLE, SELF, UUID, call
from api.without_effect import WithoutEffect

SEGMENTS = "SendGrid: segments"
QUERY: Piece = {**TEXT, "example": "select contact_id, updated_at from contact_data where first_name = 'Ann'"}
LINE: dict[str, Piece] = {
    "id": UUID,
    "name": TEXT,
    "contacts_count": NUMBER,
    "created_at": TIME,
    "updated_at": TIME,
    "sample_updated_at": nullable(TIME),
    "next_sample_update": nullable(TIME),
    "parent_list_ids": list_of(UUID),
    "query_version": TEXT,
    "status": record(query_validation=TEXT, error_message=TEXT),
}

COMPONENTS: dict[str, Piece] = {
    "NewSegment": {
        "type": "object",
        "properties": {"name": LIST_NAME, "query_dsl": QUERY, "parent_list_ids": {**list_of(UUID), "maxItems": 1}},
        "required": ["name", "query_dsl"],
    },
    "SegmentChange": {"type": "object", "properties": {"name": LIST_NAME, "query_dsl": QUERY}},
    "SegmentLine": record(**LINE),
    "Segment": record(
        **LINE, query_dsl=TEXT, contacts_sample=list_of(component("Contact")), last_refreshed_at=nullable(TIME)
    ),
    "Refresh": record(user_time_zone={**TEXT, "example": "Europe/Berlin"}),
}

WITHOUT_EFFECT: Final = (
    WithoutEffect(
        ("refresh_segment",),
        ("user_time_zone",),
        "The value must be the name of a time zone. Refreshes are not limited by the day.",
    ),
)

segments = extend_schema_view(
    get=call(
        "list_segments_by_query",
        "List the account's segments",
        tag=SEGMENTS,
        query=[
            OpenApiParameter(
                "ids", {**list_of(UUID), "maxItems": MAX_IDS}, description="Return only the entries with these ids."
            ),
            OpenApiParameter(
                "parent_list_ids",
                TEXT,
                description="Return only the segments of these lists. Separate the ids with commas.",
            ),
            OpenApiParameter("no_parent_list_id", FLAG, description="Return only the segments of no list."),
        ],
        replies={200: Reply("The segments.", record(results=list_of(component("SegmentLine")), _metadata=SELF))},
        refusals=[400],
    ),
    post=call(
        "create_segment_by_query",
        "Create a segment",
        tag=SEGMENTS,
        body=component("NewSegment"),
        replies={201: Reply("The new segment, with some of its contacts.", component("Segment"))},
        refusals=REPEATABLE,
    ),
)
one_segment = extend_schema_view(
    get=call(
        "get_segment_by_query",
        "Get a segment",
        tag=SEGMENTS,
        query=[OpenApiParameter("contacts_sample", FLAG, description="Whether to show some of its contacts.")],
        replies={200: Reply("The segment.", component("Segment"))},
        refusals=[400, 404],
    ),
    patch=call(
        "change_segment_by_query",
        "Change the given fields of a segment",
        tag=SEGMENTS,
        body=component("SegmentChange"),
        replies={200: Reply("The changed segment.", component("Segment"))},
        refusals=[404],
    ),
    delete=call(
        "delete_segment_by_query",
        "Delete a segment; its contacts stay",
        tag=SEGMENTS,
        replies={202: Reply("The segment is deleted.")},
        refusals=[404],
    ),
)
refresh = extend_schema_view(
    post=call(
        "refresh_segment",
        "Count a segment again",
        tag=SEGMENTS,
        body=component("Refresh"),
        replies={
            202: Reply("The segment is counted. The id of the job is the id of the segment.", JOB),
            404: Reply("The segment does not exist.", record(error=TEXT)),
        },
        refusals=[*REPEATABLE, 408],
    ),
)
