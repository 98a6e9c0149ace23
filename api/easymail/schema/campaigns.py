"""The calls of `views/campaigns.py` and `views/recipients.py`."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema_view

from api.easymail import proposed
from api.easymail.inputs.campaigns import CONTENT_LENGTH, LINE_LENGTH
from api.easymail.inputs.queries import ORDERS, RECIPIENT_STATUSES, STATUSES
from api.easymail.outputs import campaigns as shown
from api.easymail.schema.words import EMAIL, MOMENT, PAGES, REPEATABLE, SEARCH, UUID, call, one, page
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
    "content": nullable({**TEXT, "maxLength": CONTENT_LENGTH, "description": "Markdown."}),
    "overwrite": nullable({**FLAG, "description": "Whether content that was not written as Markdown may be replaced."}),
}
STATUS = one_of(STATUSES)
NUMBERS = {
    name: NUMBER if isinstance(value, int) else {"type": "number"} for name, value in shown.stats(Statistics()).items()
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
            shown.DELIVERY: record(delivered=FLAG, delivered_at=nullable(MOMENT), response=nullable(TEXT)),
            shown.ENGAGEMENT: record(
                opened=FLAG, opened_at=nullable(MOMENT), clicked=FLAG, clicked_at=nullable(MOMENT)
            ),
            shown.PURCHASES: PURCHASES,
        },
        "required": list(always),
    },
    "EasymailLink": record(uuid=UUID, url=TEXT, clicks=NUMBER, unique_clicks=NUMBER),
}
CAMPAIGN = one("EasymailCampaign")


def include(*names: str) -> OpenApiParameter:
    return OpenApiParameter("include", TEXT, description=f"With commas between them: {', '.join(names)}.")


def move(name: str, summary: str, told: str, body: Piece | None = None, **more: Any) -> Describe:
    """A POST that changes a campaign's status."""
    described = call(
        name,
        summary,
        tag=TAG,
        body=body,
        replies={200: Reply(told, CAMPAIGN, **more)},
        refusals=[*REPEATABLE, 404],
    )
    return extend_schema_view(post=described)


campaigns = extend_schema_view(
    get=call(
        "list_campaigns",
        "The account's campaigns",
        tag=TAG,
        query=[
            *PAGES,
            SEARCH,
            OpenApiParameter("status", STATUS),
            OpenApiParameter(
                "sort", {**one_of(f"{sign}{name}" for name in ORDERS for sign in ("", "-")), "default": "-created_at"}
            ),
        ],
        replies={200: Reply("Some of them.", page("EasymailCampaignLine"))},
    ),
    post=call(
        "create_campaign",
        "A new campaign, as a draft",
        tag=TAG,
        body=component("EasymailNewCampaign"),
        replies={201: Reply("The new campaign.", CAMPAIGN)},
    ),
)
one_campaign = extend_schema_view(
    get=call(
        "get_campaign",
        "A campaign",
        tag=TAG,
        query=[include(shown.STATS, shown.REVENUE)],
        replies={200: Reply("The campaign.", CAMPAIGN)},
        refusals=[404],
    ),
    patch=call(
        "change_campaign",
        "Change what is given of a draft, a scheduled or a failed campaign",
        tag=TAG,
        body=component("EasymailCampaignChange"),
        replies={200: Reply("Changed.", CAMPAIGN)},
        refusals=[404],
    ),
    delete=call(
        "delete_campaign",
        "Delete a campaign that is neither scheduled nor on its way",
        tag=TAG,
        replies={204: Reply("Deleted.")},
        refusals=[404, 409],
    ),
)
send = move("send_campaign", "Send a campaign now", "It is queued.")
schedule = move(
    "schedule_campaign",
    "Send a campaign at a time, or at another one",
    "It is scheduled.",
    body=record(scheduled_at={**MOMENT, "description": "With its offset or Z, in the future."}),
)
unschedule = move("unschedule_campaign", "Make a scheduled campaign a draft again", "The campaign is a draft.")
cancel = move(
    "cancel_campaign",
    "Stop a campaign that is on its way, for good",
    "Nothing more of it leaves.",
    headers=RECEIPT_HEADERS,
)
test = extend_schema_view(
    post=call(
        "test_campaign",
        "Mail a campaign to one address, in any status, and wait until it has left",
        tag=TAG,
        body={"type": "object", "properties": {"email": EMAIL, "language": nullable(TEXT)}, "required": ["email"]},
        replies={200: Reply("It has left.", one("EasymailTest"))},
        refusals=[404],
    )
)
contacts = extend_schema_view(
    get=call(
        "list_campaign_contacts",
        "Whom a send at this moment would reach",
        tag=TAG,
        query=[*PAGES, SEARCH],
        replies={200: Reply("Some of them.", page("EasymailContact"))},
        refusals=[404],
    )
)
recipients = extend_schema_view(
    get=call(
        "list_campaign_recipients",
        "Whom it was sent to",
        tag=TAG,
        query=[
            *PAGES,
            SEARCH,
            OpenApiParameter("status", one_of(RECIPIENT_STATUSES)),
            OpenApiParameter("opened", FLAG),
            OpenApiParameter("clicked", FLAG),
            include(shown.DELIVERY, shown.ENGAGEMENT, shown.PURCHASES),
        ],
        replies={200: Reply("Some of them.", page("EasymailRecipient"))},
        refusals=[404],
    )
)
link_clicks = extend_schema_view(
    get=call(
        "list_campaign_link_clicks",
        "The links of its content",
        tag=TAG,
        query=PAGES,
        replies={200: Reply("Some of them.", page("EasymailLink"))},
        refusals=[404],
    )
)
