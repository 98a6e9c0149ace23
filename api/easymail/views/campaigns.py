"""Answer the calls for campaigns: create, show, change and delete them; send, schedule, stop and test them."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from api.caller import needing, receipt_headers
from api.campaign_words import Dialect, Move, may
from api.easymail import outputs, proposed, schema
from api.easymail.inputs import campaigns as inputs
from api.easymail.inputs import queries
from api.easymail.views.base import Endpoint, path_uuid
from api.idempotency import done_once, done_once_in_steps
from batches.models import Receipt
from campaigns.editing import create_campaign, edit_campaign, find_campaign, find_parts, list_campaigns, numbers_of
from campaigns.errors import UnknownCampaign
from campaigns.lifecycle import cancel_campaign, delete_campaign, schedule_campaign, send_now, unschedule_campaign
from campaigns.models import Campaign
from campaigns.statistics import Repeats, Statistics, repeats_of, statistics_of
from campaigns.testing import send_test_and_wait

EASYMAIL = Dialect.EASYMAIL


class CampaignEndpoint(Endpoint):
    """An endpoint of one campaign."""

    resource = "campaign"

    def number_of(self, campaign_id: str) -> int:
        """Return the core's id of the campaign that a path names. Raises UnknownCampaign."""
        return numbers_of(self.account, [path_uuid(campaign_id, UnknownCampaign)])[0]

    def campaign_of(self, campaign_id: str) -> Campaign:
        """Return the campaign that a path names. Raises UnknownCampaign."""
        return find_campaign(self.account, path_uuid(campaign_id, UnknownCampaign))

    def answer(self, number: int, *, moved: Campaign | None = None, receipt: Receipt | None = None) -> Response:
        """Return the answer to a move: the campaign in its new status, even if workers have moved it on since."""
        campaign = find_campaign(self.account, number)
        if moved is not None:
            campaign.status = moved.status
        return Response(
            outputs.envelope(outputs.campaign(campaign)), headers=receipt_headers(receipt) if receipt else None
        )


@schema.campaigns.campaigns
class Campaigns(Endpoint):
    resource = "campaigns"
    scopes = needing(GET="read", POST="create")

    def get(self, request: Request) -> Response:
        query, filters = queries.read_campaigns_query(request)
        rows, total = query.take(list_campaigns(self.account, **filters))
        return Response(outputs.page(map(outputs.line, rows), query, total))

    @done_once
    def post(self, request: Request) -> Response:
        changes, rules = inputs.read_new_campaign(request)
        campaign = create_campaign(self.account, changes, rules=rules)
        return Response(outputs.envelope(outputs.campaign(campaign)), status=201)


@schema.campaigns.one_campaign
class OneCampaign(CampaignEndpoint):
    scopes = needing(GET="read", PATCH="update", DELETE="delete")

    def get(self, request: Request, campaign_id: str) -> Response:
        campaign = self.campaign_of(campaign_id)
        include = queries.read_include(request, {outputs.STATS, outputs.REVENUE})
        statistics = count(campaign) if outputs.STATS in include else None
        with_revenue = outputs.REVENUE in include
        return Response(outputs.envelope(outputs.campaign(campaign, statistics=statistics, with_revenue=with_revenue)))

    def patch(self, request: Request, campaign_id: str) -> Response:
        number = self.number_of(campaign_id)
        changes, rules = inputs.read_campaign_change(request)
        # An unknown list, segment or identity is refused before a wrong status.
        find_parts(self.account, changes)
        edit_campaign(self.account, number, changes, allowed_from=may(Move.EDIT, EASYMAIL), rules=rules)
        return self.answer(number)

    def delete(self, request: Request, campaign_id: str) -> Response:
        number, allowed_from = self.number_of(campaign_id), may(Move.DELETE, EASYMAIL)
        delete_campaign(self.account, number, actor=self.actor, allowed_from=allowed_from)
        return Response(status=204)


def count(campaign: Campaign) -> tuple[Statistics, Repeats]:
    """Return the statistics of a campaign, and all its opens and clicks."""
    return statistics_of([campaign])[campaign.pk], repeats_of(campaign.account_id, [campaign])[campaign.pk]


@schema.campaigns.send
class Send(CampaignEndpoint):
    resource = "send"
    scopes = needing(POST="create")

    @done_once_in_steps
    def post(self, request: Request, campaign_id: str) -> Response:
        number, allowed_from = self.number_of(campaign_id), may(Move.SEND_NOW, EASYMAIL)
        return self.answer(
            number, moved=send_now(self.account, number, key=self.key, allowed_from=allowed_from, needs=proposed.NEEDS)
        )


@schema.campaigns.test
class TestMail(CampaignEndpoint):
    """Send a test of a campaign in any status. Nothing of the campaign changes."""

    resource = "test"
    scopes = needing(POST="create")

    @done_once_in_steps
    def post(self, request: Request, campaign_id: str) -> Response:
        number, address = self.number_of(campaign_id), inputs.read_test_address(request)
        send_test_and_wait(self.account, number, address, actor=self.actor)
        return Response(outputs.envelope({"message": proposed.TEST_SENT_TEXT, "email": address}))


@schema.campaigns.schedule
class Schedule(CampaignEndpoint):
    resource = "schedule"
    scopes = needing(POST="create")

    @done_once_in_steps
    def post(self, request: Request, campaign_id: str) -> Response:
        number, at = self.number_of(campaign_id), inputs.read_schedule(request)
        allowed_from = may(Move.SCHEDULE, EASYMAIL)
        moved = schedule_campaign(
            self.account, number, at, key=self.key, allowed_from=allowed_from, needs=proposed.NEEDS
        )
        return self.answer(number, moved=moved)


@schema.campaigns.unschedule
class Unschedule(CampaignEndpoint):
    resource = "unschedule"
    scopes = needing(POST="update")

    @done_once_in_steps
    def post(self, request: Request, campaign_id: str) -> Response:
        number, allowed_from = self.number_of(campaign_id), may(Move.UNSCHEDULE, EASYMAIL)
        return self.answer(number, receipt=unschedule_campaign(self.account, number, allowed_from=allowed_from))


@schema.campaigns.cancel
class Cancel(CampaignEndpoint):
    """Cancel a campaign. Once this is answered, no further message of it is sent; the receipt is in the headers."""

    resource = "cancel"
    scopes = needing(POST="update")

    @done_once_in_steps
    def post(self, request: Request, campaign_id: str) -> Response:
        number, allowed_from = self.number_of(campaign_id), may(Move.CANCEL, EASYMAIL)
        receipt = cancel_campaign(self.account, number, actor=self.actor, allowed_from=allowed_from)
        return self.answer(number, receipt=receipt)
