"""Answer the calls for legacy campaigns, which are the same campaigns as Single Sends."""

from __future__ import annotations

from typing import ClassVar

import structlog
from django.urls import URLPattern, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from api.caller import receipt_headers
from api.campaign_words import Dialect, Move, may
from api.idempotency import done_once, done_once_in_steps
from api.sendgrid.campaigns import errors, inputs, outputs, schema
from api.sendgrid.endpoint import Endpoint
from api.sendgrid.errors import Answer, Answers, Problem, Refusal
from api.sendgrid.outputs import envelope
from campaigns.editing import create_campaign, edit_campaign, find_campaign, own_campaigns
from campaigns.errors import UnknownCampaign
from campaigns.lifecycle import delete_campaign, schedule_campaign, send_now, unschedule_campaign
from campaigns.patience import patiently
from campaigns.states import CampaignStatus
from campaigns.testing import send_test
from foundation.traces import trace_of

LEGACY = Dialect.LEGACY
log = structlog.get_logger(__name__)


class CampaignEndpoint(Endpoint):
    """An endpoint of legacy campaigns."""

    bad_json = errors.BAD_JSON
    answers: ClassVar[Answers] = errors.ANSWERS


@schema.campaigns
class Campaigns(CampaignEndpoint):
    scopes = {"POST": "marketing_campaigns.create", "GET": "marketing_campaigns.read"}

    def get(self, request: Request) -> Response:
        campaigns = own_campaigns(self.account)[inputs.read_page(request)]
        return Response({"result": [outputs.campaign(each) for each in campaigns]})

    @done_once
    def post(self, request: Request) -> Response:
        campaign = create_campaign(self.account, inputs.read_new_campaign(request), rules=inputs.RULES)
        return Response(outputs.campaign(campaign), status=201)


@schema.one_campaign
class OneCampaign(CampaignEndpoint):
    answers = {
        **errors.ANSWERS,
        "PATCH campaign_conflict": Answer(403, None, "You may only update a campaign when it is in draft mode."),
    }
    scopes = {
        "GET": "marketing_campaigns.read",
        "PATCH": "marketing_campaigns.update",
        "DELETE": "marketing_campaigns.delete",
    }

    def get(self, request: Request, campaign_id: str) -> Response:
        return Response(outputs.campaign(find_campaign(self.account, inputs.read_campaign_id(campaign_id))))

    def patch(self, request: Request, campaign_id: str) -> Response:
        campaign = patiently(
            edit_campaign,
            self.account,
            inputs.read_campaign_id(campaign_id),
            inputs.read_campaign_change(request),
            allowed_from=may(Move.EDIT, LEGACY),
            rules=inputs.RULES,
        )
        return Response(outputs.campaign(campaign))

    def delete(self, request: Request, campaign_id: str) -> Response:
        number = inputs.read_campaign_id(campaign_id)
        allowed_from = may(Move.DELETE, LEGACY)
        receipt = patiently(delete_campaign, self.account, number, actor=self.actor, allowed_from=allowed_from)
        return Response(status=204, headers=receipt_headers(receipt) if receipt else None)


@schema.schedule
class Schedule(CampaignEndpoint):
    answers = errors.SCHEDULE_ANSWERS
    scopes = {
        "POST": "marketing_campaigns.create",
        "PATCH": "marketing_campaigns.update",
        "GET": "marketing_campaigns.read",
        "DELETE": "marketing_campaigns.delete",
    }

    def get(self, request: Request, campaign_id: str) -> Response:
        campaign = find_campaign(self.account, inputs.read_campaign_id(campaign_id))
        if campaign.status == CampaignStatus.DRAFT:
            raise UnknownCampaign
        return Response({"send_at": outputs.schedule(campaign)["send_at"]})

    @done_once_in_steps
    def post(self, request: Request, campaign_id: str) -> Response:
        return Response(self._schedule(request, campaign_id, Move.SCHEDULE), status=201)

    def patch(self, request: Request, campaign_id: str) -> Response:
        return Response(self._schedule(request, campaign_id, Move.RESCHEDULE))

    def _schedule(self, request: Request, campaign_id: str, move: Move) -> dict[str, object]:
        number, send_at = inputs.read_campaign_id(campaign_id), inputs.read_send_at(request)
        allowed_from = may(move, LEGACY)
        campaign = patiently(schedule_campaign, self.account, number, send_at, key=self.key, allowed_from=allowed_from)
        return outputs.schedule(campaign)

    def delete(self, request: Request, campaign_id: str) -> Response:
        number = inputs.read_campaign_id(campaign_id)
        allowed_from = may(Move.UNSCHEDULE, LEGACY)
        receipt = patiently(unschedule_campaign, self.account, number, allowed_from=allowed_from)
        return Response(status=204, headers=receipt_headers(receipt) if receipt else None)


@schema.schedule_now
class ScheduleNow(CampaignEndpoint):
    answers = {
        **errors.ANSWERS,
        "campaign_conflict": Answer(403, None, "You may only send a campaign when it is in draft mode."),
    }
    scopes = {"POST": "marketing_campaigns.create"}

    @done_once_in_steps
    def post(self, request: Request, campaign_id: str) -> Response:
        number = inputs.read_campaign_id(campaign_id)
        campaign = patiently(send_now, self.account, number, key=self.key, allowed_from=may(Move.SEND_NOW, LEGACY))
        return Response(outputs.sent_now(campaign), status=201)

    def handle_exception(self, exc: Exception) -> Response:
        """Answer a fault of ours with the text that SendGrid has for this call."""
        if self.refusal_of(exc) is not None:
            return super().handle_exception(exc)
        log.error("campaign not sent", path=self.request.path, error=trace_of(exc))
        return Response(envelope(Refusal(500, Problem(errors.FAILED_TO_SEND))), status=500)


@schema.schedule_test
class ScheduleTest(CampaignEndpoint):
    answers = errors.TEST_ANSWERS
    scopes = {"POST": "marketing_campaigns.create"}

    @done_once
    def post(self, request: Request, campaign_id: str) -> Response:
        number = inputs.read_campaign_id(campaign_id)
        send_test(self.account, number, inputs.read_test_addresses(request))
        return Response(status=204)


CAMPAIGN_ID = r"(?P<campaign_id>[^/\0]{1,200})"

urlpatterns: list[URLPattern] = [
    re_path(r"^campaigns/?$", Campaigns.as_view()),
    re_path(rf"^campaigns/{CAMPAIGN_ID}/?$", OneCampaign.as_view()),
    re_path(rf"^campaigns/{CAMPAIGN_ID}/schedules/?$", Schedule.as_view()),
    re_path(rf"^campaigns/{CAMPAIGN_ID}/schedules/now/?$", ScheduleNow.as_view()),
    re_path(rf"^campaigns/{CAMPAIGN_ID}/schedules/test/?$", ScheduleTest.as_view()),
]
