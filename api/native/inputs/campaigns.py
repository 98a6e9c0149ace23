"""Read the requests of campaigns: lists, and the ids in paths."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request

from api.native.inputs.fields import PageForm
from api.native.inputs.reading import read_query_as
from campaigns.errors import UnknownCampaign
from campaigns.states import CampaignStatus

CAMPAIGN_STATUSES = {status.label: status for status in CampaignStatus}
SEARCH_LENGTH = 200
HIGHEST_ID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class CampaignsQuery:
    """The query of a list of campaigns. `after` is the id of the last campaign of the page before."""

    search: str
    status: CampaignStatus | None
    after: int | None
    limit: int


class CampaignsForm(PageForm):
    """The fields of GET campaigns."""

    search = serializers.CharField(max_length=SEARCH_LENGTH, default="", allow_blank=True)
    status = serializers.ChoiceField(list(CAMPAIGN_STATUSES), default=None)
    after = serializers.IntegerField(min_value=1, max_value=HIGHEST_ID, default=None)


def read_campaigns_query(request: Request) -> CampaignsQuery:
    """Return the query of GET campaigns."""
    fields = read_query_as(CampaignsForm, request)
    return CampaignsQuery(fields["search"], CAMPAIGN_STATUSES.get(fields["status"]), fields["after"], fields["limit"])


def read_campaign_id(text: str) -> int | UUID:
    """Return the number or the UUID of a path. Raises UnknownCampaign for a text that is neither."""
    if text.isdigit() and int(text) <= HIGHEST_ID:
        return int(text)
    try:
        return UUID(text)
    except ValueError:
        raise UnknownCampaign from None
