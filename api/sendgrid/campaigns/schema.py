"""Describe the calls of `campaigns/views.py` in the OpenAPI document."""

from __future__ import annotations

from typing import Final

from drf_spectacular.utils import OpenApiParameter, extend_schema_view

from api.campaign_words import WORDS, Dialect
from api.openapi import NUMBER, RECEIPT_HEADERS, TEXT, Piece, Reply, component, list_of, nullable, one_of, record
from api.sendgrid import values
from api.sendgrid.campaigns.inputs import DEFAULT_LIMIT, MAX_LIMIT
from api.sendgrid.ids import HIGHEST_ID
from api.sendgrid.words import EDITOR_ONLY, NO_POOL, REPEATABLE, call
from api.without_effect import WithoutEffect
from campaigns.testing import TEST_ADDRESSES

CAMPAIGNS = "SendGrid: legacy campaigns"
ID: Piece = {**NUMBER, "minimum": 1, "maximum": HIGHEST_ID}
STATUS = one_of(dict.fromkeys(WORDS[Dialect.LEGACY].values()))
WRITABLE: dict[str, Piece] = {
    "title": {**TEXT, "minLength": 1, "maxLength": values.TITLE_LENGTH},
    "subject": nullable(TEXT),
    "sender_id": nullable(ID),
    "list_ids": nullable(list_of(ID)),
    "segment_ids": nullable({**list_of(ID), "maxItems": values.MAX_SEGMENTS}),
    "categories": nullable({**list_of(TEXT), "maxItems": values.MAX_CATEGORIES}),
    "suppression_group_id": nullable(ID),
    "custom_unsubscribe_url": nullable(TEXT),
    "ip_pool": nullable(TEXT),
    "html_content": nullable(TEXT),
    "plain_content": nullable(TEXT),
    "editor": one_of(values.EDITORS),
}
SEND_AT: Piece = {**NUMBER, "description": "Unix time, in the future."}
ADDRESS: Piece = {"type": "string", "format": "email"}
COMPONENTS: dict[str, Piece] = {
    "Campaign": record(
        id=NUMBER,
        **{name: piece for name, piece in WRITABLE.items() if not name.endswith("_ids")} | {"title": TEXT},
        list_ids=list_of(ID),
        segment_ids=list_of(ID),
        status=STATUS,
    ),
    "NewCampaign": {"type": "object", "properties": WRITABLE, "required": ["title"]},
    "CampaignChange": {"type": "object", "properties": WRITABLE},
    "CampaignTime": record(send_at=SEND_AT),
    "CampaignSchedule": record(id=NUMBER, send_at=NUMBER, status=STATUS),
}

WRITING: Final = ("create_campaign", "change_campaign")
WITHOUT_EFFECT: Final = (
    WithoutEffect(WRITING, ("ip_pool",), NO_POOL, is_kept=True),
    WithoutEffect(WRITING, ("editor",), EDITOR_ONLY, is_kept=True),
)
PAGE = [
    OpenApiParameter(
        "limit",
        {**NUMBER, "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        description="The largest number of entries in the response.",
    ),
    OpenApiParameter("offset", {**NUMBER, "minimum": 0}, description="The number of entries to skip."),
]

campaigns = extend_schema_view(
    get=call(
        "list_legacy_campaigns",
        "List the account's campaigns, the newest first",
        tag=CAMPAIGNS,
        query=PAGE,
        replies={200: Reply("A page of the list.", record(result=list_of(component("Campaign"))))},
        refusals=[400],
    ),
    post=call(
        "create_campaign",
        "Create a campaign as a draft",
        tag=CAMPAIGNS,
        body=component("NewCampaign"),
        replies={201: Reply("The new campaign.", component("Campaign"))},
        refusals=REPEATABLE,
    ),
)
one_campaign = extend_schema_view(
    get=call(
        "get_legacy_campaign",
        "Get a campaign",
        tag=CAMPAIGNS,
        replies={200: Reply("The campaign.", component("Campaign"))},
        refusals=[404],
    ),
    patch=call(
        "change_campaign",
        "Change the given fields of a draft",
        tag=CAMPAIGNS,
        body=component("CampaignChange"),
        replies={200: Reply("The changed campaign.", component("Campaign"))},
        refusals=[404, 409],
    ),
    delete=call(
        "delete_campaign",
        "Delete a campaign in any status; one in progress is stopped",
        tag=CAMPAIGNS,
        replies={
            204: Reply(
                "The campaign is deleted. The headers are present if something had to be stopped.",
                headers=RECEIPT_HEADERS,
            )
        },
        refusals=[404, 409],
    ),
)
schedule = extend_schema_view(
    get=call(
        "get_campaign_schedule",
        "Get the time at which a campaign is to be sent",
        tag=CAMPAIGNS,
        replies={200: Reply("The time of the campaign.", record(send_at=NUMBER))},
        refusals=[404],
    ),
    post=call(
        "schedule_campaign",
        "Schedule a draft",
        tag=CAMPAIGNS,
        body=component("CampaignTime"),
        replies={201: Reply("The schedule of the campaign.", component("CampaignSchedule"))},
        refusals=[*REPEATABLE, 404],
    ),
    patch=call(
        "reschedule_campaign",
        "Give a scheduled campaign another time",
        tag=CAMPAIGNS,
        body=component("CampaignTime"),
        replies={200: Reply("The schedule of the campaign.", component("CampaignSchedule"))},
        refusals=[404, 409],
    ),
    delete=call(
        "unschedule_campaign",
        "Make a scheduled campaign a draft again",
        tag=CAMPAIGNS,
        replies={204: Reply("The campaign is a draft.")},
        refusals=[404, 409],
    ),
)
schedule_now = extend_schema_view(
    post=call(
        "send_campaign",
        "Send a draft at once",
        tag=CAMPAIGNS,
        replies={201: Reply("The campaign, which is being sent.", record(id=NUMBER, status=one_of(["Scheduled"])))},
        refusals=[*REPEATABLE, 404, 408],
    ),
)
schedule_test = extend_schema_view(
    post=call(
        "test_campaign",
        "Send a test of a campaign, in any status, to some addresses",
        tag=CAMPAIGNS,
        body=record(to={"oneOf": [ADDRESS, {**list_of(ADDRESS), "minItems": 1, "maxItems": TEST_ADDRESSES}]}),
        replies={204: Reply("The test is accepted.")},
        refusals=[*REPEATABLE, 404],
    ),
)
