"""Answer the calls for the contacts that a campaign would reach, its recipients, and its links."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from api.caller import needing
from api.easymail import outputs, schema
from api.easymail.inputs import queries
from api.easymail.views.campaigns import CampaignEndpoint
from campaigns.link_clicks import clicks_by_link
from campaigns.recipients import list_reachable, list_recorded


@schema.campaigns.contacts
class CampaignContacts(CampaignEndpoint):
    scopes = needing(GET="read")

    def get(self, request: Request, campaign_id: str) -> Response:
        campaign, query = self.campaign_of(campaign_id), queries.read_query(queries.Search, request)
        contacts, total = list_reachable(campaign, query.page, search=query.search)
        return Response(outputs.page(map(outputs.contact, contacts), query, total))


@schema.campaigns.recipients
class Recipients(CampaignEndpoint):
    scopes = needing(GET="read")

    def get(self, request: Request, campaign_id: str) -> Response:
        campaign, (query, selected) = self.campaign_of(campaign_id), queries.read_recipients_query(request)
        include = queries.read_include(request, {outputs.DELIVERY, outputs.ENGAGEMENT, outputs.PURCHASES})
        rows, total = list_recorded(campaign, query.page, selected)
        return Response(outputs.page((outputs.recipient(each, include) for each in rows), query, total))


@schema.campaigns.link_clicks
class LinkClicks(CampaignEndpoint):
    scopes = needing(GET="read")

    def get(self, request: Request, campaign_id: str) -> Response:
        campaign, query = self.campaign_of(campaign_id), queries.read_query(queries.Query, request)
        links, (offset, limit) = clicks_by_link(campaign), query.page
        rows = [outputs.link(campaign, each) for each in links[offset : offset + limit]]
        return Response(outputs.page(rows, query, len(links)))
