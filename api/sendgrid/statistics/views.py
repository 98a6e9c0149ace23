"""Answer the calls for the statistics of Single Sends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpResponse
from django.urls import URLPattern, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account
from api.caller import needing
from api.sendgrid.endpoint import MarketingEndpoint
from api.sendgrid.errors import Answer
from api.sendgrid.outputs import page_of
from api.sendgrid.paging import read_offset_page, read_page
from api.sendgrid.single_sends.inputs import read_public_id
from api.sendgrid.statistics import inputs, outputs, schema
from campaigns.editing import find_campaign, list_campaigns
from campaigns.link_clicks import clicks_by_place
from campaigns.models import Campaign
from campaigns.statistics import days_of, drops_of, repeats_of, statistics_of

PAGE, HIGHEST_PAGE = 25, 50


class StatisticsEndpoint(MarketingEndpoint):
    """An endpoint of statistics."""

    answers = {"unknown_campaign": Answer(404, None, "not found")}

    scopes = needing(GET="read")


@schema.statistics
class SingleSendStatistics(StatisticsEndpoint):
    def get(self, request: Request) -> Response:
        campaigns = list_campaigns(self.account)
        if chosen := inputs.read_chosen(request):
            campaigns = campaigns.filter(uuid__in=chosen)
        page = read_page(request, campaigns, default=PAGE, highest=HIGHEST_PAGE)
        counted = count(self.account, page.rows)
        lines = [outputs.statistics_line(each, counted[each.pk]) for each in page.rows]
        return Response(page_of(lines, page.metadata, key="results"))


@schema.one_single_sends_statistics
class OneSingleSendsStatistics(StatisticsEndpoint):
    def get(self, request: Request, single_send_id: str) -> Response:
        campaign = find_campaign(self.account, read_public_id(single_send_id))
        lines = lines_of(campaign, inputs.read_span(request))
        page, metadata = read_offset_page(request, lines, default=PAGE, highest=HIGHEST_PAGE)
        return Response(page_of(page, metadata, key="results"))


def count(account: Account, campaigns: Sequence[Campaign]) -> dict[int, dict[str, int]]:
    """Return the counters of several Single Sends of an account in total, keyed by campaign id."""
    counted, drops, repeats = (
        statistics_of(campaigns),
        drops_of(account.pk, campaigns),
        repeats_of(account.pk, campaigns),
    )
    return {
        campaign.pk: outputs.counters(counted[campaign.pk], drops[campaign.pk], repeats[campaign.pk])
        for campaign in campaigns
    }


def lines_of(campaign: Campaign, span: inputs.Span) -> list[Mapping[str, Any]]:
    """Return one line for the whole time span, or a line for each day with an event."""
    if span.is_everything:
        return [outputs.statistics_line(campaign, count(campaign.account, [campaign])[campaign.pk])]
    days = days_of(campaign, span.zone, since=span.since or dt.date.min, until=span.until or dt.date.max)
    if not span.is_by_day:
        return [outputs.statistics_line(campaign, outputs.counters_of_days(days))]
    return [
        outputs.statistics_line(campaign, outputs.counters_of_days([day]), aggregation=day.date.isoformat())
        for day in days
    ]


@schema.link_statistics
class LinkStatistics(StatisticsEndpoint):
    def get(self, request: Request, single_send_id: str) -> Response:
        campaign = find_campaign(self.account, read_public_id(single_send_id))
        links = clicks_by_place(campaign)
        page, metadata = read_offset_page(request, links, default=PAGE, highest=HIGHEST_PAGE)
        lines = [outputs.link_line(each) for each in page]
        return Response({**page_of(lines, metadata, key="results"), "total_clicks": sum(each.clicks for each in links)})


@schema.exported_statistics
class ExportedStatistics(StatisticsEndpoint):
    def get(self, request: Request) -> HttpResponse:
        zone = inputs.read_zone(request)
        campaigns = list(list_campaigns(self.account).filter(uuid__in=inputs.read_exported(request)))
        counted = count(self.account, campaigns)
        text = outputs.statistics_csv(((each, counted[each.pk]) for each in campaigns), zone)
        return HttpResponse(text, content_type="text/csv; charset=utf-8")


SINGLE_SEND_ID = r"(?P<single_send_id>[^/\0]{1,200})"

urlpatterns: list[URLPattern] = [
    re_path(r"^marketing/stats/singlesends/?$", SingleSendStatistics.as_view()),
    re_path(r"^marketing/stats/singlesends/export/?$", ExportedStatistics.as_view()),
    re_path(rf"^marketing/stats/singlesends/{SINGLE_SEND_ID}/?$", OneSingleSendsStatistics.as_view()),
    re_path(rf"^marketing/stats/singlesends/{SINGLE_SEND_ID}/links/?$", LinkStatistics.as_view()),
]
