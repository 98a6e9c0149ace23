"""Describe the calls of `views/campaigns.py` and `views/recipients.py`."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema_view

from api.easymail import outputs, proposed
from api.easymail.inputs.campaigns import CONTENT_LENGTH, LINE_LENGTH
from api.easymail.inputs.queries import ORDERS, RECIPIENT_STATUSES, STATUSES
from api.easymail.schema.words import EMAIL, MOMENT, PAGES, REPEATABLE, SEARCH, UUID, call, envelope_of, page
from api.openapi import (
    FLAG,
    NUMBER,
    RECEIPT_HEADERS,
    TEXT,
    Describe,
    Piece,
    Reply,
    component,
    list_of,
    nullable,
    one_of,
    record,
)
from campaigns.statistics import Statistics

TAG = "Easymail: campaigns"
LINE: Piece = nullable({**TEXT, "maxLength": LINE_LENGTH})
WRITABLE: dict[str, Piece] = {
    "name": {**TEXT, "minLength": 1, "maxLength": LINE_LENGTH},
    **dict.fromkeys(("subject", "preheader", "from_name"), LINE),
    "reply_to": nullable(EMAIL),
    **dict.fromkeys(("from_identity", "list_uuid", "segment_uuid"), nullable(UUID)),
    "content": nullable({**TEXT, "maxLength": CONTENT_LENGTH, "description": "The content in Markdown."}),
    "overwrite": nullable({**FLAG, "description": "Whether content that was not written as Markdown may be replaced."}),
}
STATUS = one_of(STATUSES)
NUMBERS = {
    name: NUMBER if isinstance(value, int) else {"type": "number"}
    for name, value in outputs.stats(Statistics()).items()
}
PURCHASES = record(amount=NUMBER, currency=nullable(TEXT), orders=NUMBER)
ALWAYS_THERE: dict[str, Piece] = {
    "uuid": UUID,
    "name": TEXT,
    "status": STATUS,
    **dict.fromkeys(("subject", "preheader", "from_name", "reply_to"), nullable(TEXT)),
    "from_identity": nullable(UUID),
    "from_email": nullable(TEXT),
    "content": nullable(TEXT),
    "content_editable_via_api": FLAG,
    "content_overwrite_required": FLAG,
    "audience": record(list_uuid=nullable(UUID), segment_uuid=nullable(UUID)),
    "readiness": record(can_send=FLAG, missing=list_of(one_of(proposed.MISSING.values()))),
    **dict.fromkeys(("created_at", "updated_at", "last_updated_at"), MOMENT),
}
COMPONENTS: dict[str, Piece] = {
    "EasymailCampaign": {
        "type": "object",
        "properties": {**ALWAYS_THERE, "scheduled_at": MOMENT, "stats": record(**NUMBERS), "revenue": PURCHASES},
        "required": list(ALWAYS_THERE),
    },
    "EasymailNewCampaign": {"type": "object", "properties": WRITABLE, "required": ["name"]},
    "EasymailCampaignChange": {"type": "object", "properties": WRITABLE},
    "EasymailCampaignLine": record(
        uuid=UUID,
        name=TEXT,
        status=STATUS,
        subject=nullable(TEXT),
        from_name=nullable(TEXT),
        language=TEXT,
        scheduled_at=nullable(MOMENT),
        recipients_count=NUMBER,
        created_at=MOMENT,
        updated_at=MOMENT,
    ),
    "EasymailTest": record(message=TEXT, email=EMAIL),
    "EasymailRecipient": {
        "type": "object",
        "properties": (
            always := {
                "uuid": nullable(UUID),
                "email": TEXT,
                "first_name": nullable(TEXT),
                "last_name": nullable(TEXT),
                "status": one_of(RECIPIENT_STATUSES),
                "sent_at": nullable(MOMENT),
            }
        )
        | {
            outputs.DELIVERY: record(delivered=FLAG, delivered_at=nullable(MOMENT), response=nullable(TEXT)),
            outputs.ENGAGEMENT: record(
                opened=FLAG, opened_at=nullable(MOMENT), clicked=FLAG, clicked_at=nullable(MOMENT)
            ),
            outputs.PURCHASES: PURCHASES,
        },
        "required": list(always),
    },
    "EasymailLink": record(uuid=UUID, url=TEXT, clicks=NUMBER, unique_clicks=NUMBER),
}
CAMPAIGN = envelope_of("EasymailCampaign")


def include(*names: str) -> OpenApiParameter:
    """Describe the parameter for additional parts of an answer."""
    return OpenApiParameter(
        "include", TEXT, description=f"The names of additional parts, separated by commas: {', '.join(names)}."
    )


def move(name: str, summary: str, answer: str, body: Piece | None = None, **more: Any) -> Describe:
    """Describe a POST that changes a campaign's status."""
    described = call(
        name,
        summary,
        tag=TAG,
        body=body,
        replies={200: Reply(answer, CAMPAIGN, **more)},
        refusals=[*REPEATABLE, 404],
    )
    return extend_schema_view(post=described)


campaigns = extend_schema_view(
    get=call(
        "list_campaigns",
        "List the campaigns of the account",
        tag=TAG,
        query=[
            *PAGES,
            SEARCH,
            OpenApiParameter("status", STATUS),
            OpenApiParameter(
                "sort", {**one_of(f"{sign}{name}" for name in ORDERS for sign in ("", "-")), "default": "-created_at"}
            ),
        ],
        replies={200: Reply("A page of campaigns.", page("EasymailCampaignLine"))},
    ),
    post=call(
        "create_campaign",
        "Create a campaign as a draft",
        tag=TAG,
        body=component("EasymailNewCampaign"),
        replies={201: Reply("The new campaign.", CAMPAIGN)},
    ),
)
one_campaign = extend_schema_view(
    get=call(
        "get_campaign",
        "Get a campaign",
        tag=TAG,
        query=[include(outputs.STATS, outputs.REVENUE)],
        replies={200: Reply("The campaign.", CAMPAIGN)},
        refusals=[404],
    ),
    patch=call(
        "change_campaign",
        "Change the given fields of a draft, a scheduled or a failed campaign",
        tag=TAG,
        body=component("EasymailCampaignChange"),
        replies={200: Reply("The changed campaign.", CAMPAIGN)},
        refusals=[404],
    ),
    delete=call(
        "delete_campaign",
        "Delete a campaign that is neither scheduled nor being sent",
        tag=TAG,
        replies={204: Reply("The campaign is deleted.")},
        refusals=[404, 409],
    ),
)
send = move("send_campaign", "Send a campaign now", "The queued campaign.")
schedule = move(
    "schedule_campaign",
    "Schedule a campaign, or change its time",
    "The scheduled campaign.",
    body=record(scheduled_at={**MOMENT, "description": "A time in the future, with an offset or Z."}),
)
unschedule = move(
    "unschedule_campaign", "Make a scheduled campaign a draft again", "The campaign, which is a draft again."
)
cancel = move(
    "cancel_campaign",
    "Cancel a campaign that is being sent",
    "The cancelled campaign. No further message of it is sent.",
    headers=RECEIPT_HEADERS,
)
test = extend_schema_view(
    post=call(
        "test_campaign",
        "Send a test of a campaign to one address, in any status, and wait until it was sent",
        tag=TAG,
        body={"type": "object", "properties": {"email": EMAIL, "language": nullable(TEXT)}, "required": ["email"]},
        replies={200: Reply("The test was sent.", envelope_of("EasymailTest"))},
        refusals=[404],
    )
)
contacts = extend_schema_view(
    get=call(
        "list_campaign_contacts",
        "List the contacts that a campaign would reach now",
        tag=TAG,
        query=[*PAGES, SEARCH],
        replies={200: Reply("A page of contacts.", page("EasymailContact"))},
        refusals=[404],
    )
)
recipients = extend_schema_view(
    get=call(
        "list_campaign_recipients",
        "List the recipients of a campaign",
        tag=TAG,
        query=[
            *PAGES,
            SEARCH,
            OpenApiParameter("status", one_of(RECIPIENT_STATUSES)),
            OpenApiParameter("opened", FLAG),
            OpenApiParameter("clicked", FLAG),
            include(outputs.DELIVERY, outputs.ENGAGEMENT, outputs.PURCHASES),
        ],
        replies={200: Reply("A page of recipients.", page("EasymailRecipient"))},
        refusals=[404],
    )
)
link_clicks = extend_schema_view(
    get=call(
        "list_campaign_link_clicks",
        "List the links in the content of a campaign",
        tag=TAG,
        query=PAGES,
        replies={200: Reply("A page of links.", page("EasymailLink"))},
        refusals=[404],
    )
)
