"""Answer the calls for campaigns: find, show, pause, resume and cancel them."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from api.caller import needing, receipt_headers
from api.idempotency import done_once_in_steps
from api.native import inputs, outputs
from api.native.schema import campaigns as schema
from api.native.views.base import Endpoint
from batches.models import Receipt
from campaigns.editing import find_campaign, list_campaigns
from campaigns.lifecycle import (
    CANCELLABLE,
    PAUSABLE,
    RESUMABLE,
    Statuses,
    cancel_campaign,
    pause_campaign,
    resume_campaign,
)
from campaigns.models import Campaign
from campaigns.patience import patiently
from campaigns.waiting import count_campaign, rehearse_campaign


@schema.campaigns
class Campaigns(Endpoint):
    resource = "campaign"
    scopes = needing(GET="read")

    def get(self, request: Request) -> Response:
        query = inputs.read_campaigns_query(request)
        statuses = None if query.status is None else [query.status]
        rows = list_campaigns(self.account, title=query.search, statuses=statuses).select_related("launch__batch")
        if query.after is not None:
            rows = rows.filter(pk__lt=query.after)
        page = list(rows[: query.limit + 1])
        next_after = page[query.limit - 1].pk if len(page) > query.limit else None
        lines = map(outputs.campaign_line, page[: query.limit])
        return Response(outputs.page(lines, limit=query.limit, next_after=next_after))


class CampaignEndpoint(Endpoint):
    """The endpoints of one campaign, which its number or its UUID names."""

    resource = "campaign"

    def find(self, campaign_id: str) -> Campaign:
        """Return the campaign. Raises UnknownCampaign."""
        return find_campaign(self.account, inputs.read_campaign_id(campaign_id))


@schema.one_campaign
class OneCampaign(CampaignEndpoint):
    scopes = needing(GET="read")

    def get(self, request: Request, campaign_id: str) -> Response:
        campaign = self.find(campaign_id)
        return Response(outputs.envelope(outputs.campaign_details(campaign, count_campaign(campaign))))


class CampaignMove(CampaignEndpoint):
    """Pause, resume or cancel a campaign. Once a stop is answered, no further message of it is sent."""

    scopes = needing(POST="update")
    action: ClassVar[Receipt.Action]
    allowed_from: ClassVar[Statuses]
    carry_out: ClassVar[Callable[..., Receipt | None]]

    @done_once_in_steps
    def post(self, request: Request, campaign_id: str) -> Response:
        change, campaign = inputs.read_move(request), self.find(campaign_id)
        if change.is_dry_run:
            rehearsed = rehearse_campaign(campaign, self.allowed_from)
            return Response(outputs.envelope(outputs.rehearsal(rehearsed, self.action)))
        receipt = patiently(self.carry_out, self.account, campaign.pk, actor=self.actor, reason=change.reason)
        body = outputs.moved_campaign(find_campaign(self.account, campaign.pk), receipt)
        return Response(outputs.envelope(body), headers=receipt_headers(receipt) if receipt else None)


@schema.pause_campaign
class PauseCampaign(CampaignMove):
    action = Receipt.Action.PAUSE
    allowed_from = PAUSABLE
    carry_out = staticmethod(pause_campaign)


@schema.resume_campaign
class ResumeCampaign(CampaignMove):
    action = Receipt.Action.RESUME
    allowed_from = RESUMABLE
    carry_out = staticmethod(resume_campaign)


@schema.cancel_campaign
class CancelCampaign(CampaignMove):
    action = Receipt.Action.CANCEL
    allowed_from = CANCELLABLE
    carry_out = staticmethod(cancel_campaign)
