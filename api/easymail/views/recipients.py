"""Whom a campaign would reach, whom it was sent to, and what it leads to."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from api.caller import needing
from api.easymail import outputs, schema
from api.easymail.inputs import queries
from api.easymail.outputs import audience
from api.easymail.outputs import campaigns as shown
from api.easymail.views.campaigns import CampaignEndpoint
from campaigns.content import links_of
from campaigns.recipients import list_reachable, list_recorded


@schema.campaigns.contacts
class CampaignContacts(CampaignEndpoint):
    scopes = needing(GET="read")

    def get(self, request: Request, campaign_id: str) -> Response:
        campaign, query = self.campaign_of(campaign_id), queries.read_query(request, queries.SEARCH)
        found, total = list_reachable(campaign, query.page, search=query.said.get("search"))
        return Response(outputs.page(map(audience.contact, found), query, total))


@schema.campaigns.recipients
class Recipients(CampaignEndpoint):
    scopes = needing(GET="read")

    def get(self, request: Request, campaign_id: str) -> Response:
        campaign, (query, wanted) = self.campaign_of(campaign_id), queries.read_recipients_query(request)
        include = queries.read_include(request, {shown.DELIVERY, shown.ENGAGEMENT, shown.PURCHASES})
        found, total = list_recorded(campaign, query.page, wanted)
        return Response(outputs.page((shown.recipient(each, include) for each in found), query, total))


@schema.campaigns.link_clicks
class LinkClicks(CampaignEndpoint):
    scopes = needing(GET="read")

    def get(self, request: Request, campaign_id: str) -> Response:
        campaign, query = self.campaign_of(campaign_id), queries.read_query(request)
        links, (offset, limit) = links_of(campaign), query.page
        rows = [shown.link(campaign, url) for url in links[offset : offset + limit]]
        return Response(outputs.page(rows, query, len(links)))
