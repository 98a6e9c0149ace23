"""Describe the calls of `views/campaigns.py`."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view

from api.native import inputs
from api.native.schema.words import COUNTS, ID, RECEIPT, call, envelope_of, page_of
from api.openapi import FLAG, RECEIPT_HEADERS, TEXT, TIME, Describe, Piece, Reply, list_of, nullable, one_of, record

CAMPAIGN_LINE: dict[str, Piece] = {
    "id": TEXT,
    "uuid": TEXT,
    "title": TEXT,
    "status": one_of(inputs.CAMPAIGN_STATUSES),
    "send_at": nullable(TIME),
    "finished_at": nullable(TIME),
    "created_at": TIME,
    "batch_id": nullable(ID),
}
COMPONENTS: dict[str, Piece] = {
    "CampaignSummary": record(**CAMPAIGN_LINE),
    "CampaignDetails": record(**CAMPAIGN_LINE, expanding=FLAG, **COUNTS),
    "MovedCampaign": record(**CAMPAIGN_LINE, receipt=nullable(record(**RECEIPT, doubtful_messages=list_of(TEXT)))),
}


def campaign_move(name: str, summary: str) -> Describe:
    """Describe a stop or a resume of one campaign."""
    answer = {"oneOf": [envelope_of("MovedCampaign"), envelope_of("DryRun")]}
    reply = Reply(
        "The campaign with its receipt. A dry run changes nothing, and its response has the counts instead.",
        answer,
        RECEIPT_HEADERS,
    )
    return call(name, summary, tag="campaigns", replies={200: reply}, refusals=[404], body=inputs.MoveForm)


campaigns = extend_schema_view(
    get=call(
        "list_campaigns",
        "List the campaigns of the account, newest first; `search` selects those with a text in their title",
        tag="campaigns",
        query=inputs.CampaignsForm,
        replies={200: Reply("A page of campaigns.", page_of("CampaignSummary"))},
    ),
)
one_campaign = extend_schema_view(
    get=call(
        "get_campaign",
        "Get a campaign by its id or UUID, with its messages by state",
        tag="campaigns",
        replies={200: Reply("The campaign.", envelope_of("CampaignDetails"))},
        refusals=[404],
    ),
)
pause_campaign = extend_schema_view(
    post=campaign_move("pause_campaign", "Pause a campaign: no message of it is sent until it is resumed")
)
resume_campaign = extend_schema_view(post=campaign_move("resume_campaign", "Resume a paused campaign"))
cancel_campaign = extend_schema_view(
    post=campaign_move("cancel_campaign", "Cancel a campaign: none of its unsent mail is ever sent")
)
