"""Read the requests of legacy campaigns. An answer names every field that is wrong."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import Field
from rest_framework.request import Request

from api.bodies import ANY, LATEST, Body, condition, null_as
from api.sendgrid.campaigns.errors import FUTURE
from api.sendgrid.ids import read_id
from api.sendgrid.reading import read_fields, read_number, read_object
from api.sendgrid.values import (
    MAX_LEGACY_LISTS,
    MAX_SEGMENTS,
    NO_TEST_ADDRESS,
    Categories,
    Content,
    Editor,
    Id,
    Ids,
    Line,
    Pool,
    TestAddresses,
    Title,
    Url,
)
from campaigns.editing import EditingRules
from campaigns.errors import UnknownCampaign

RULES: Final = EditingRules(needs_verified_sender=True, fixed=frozenset({"editor"}))
DEFAULT_LIMIT, MAX_LIMIT = 10, 100
"""The default and the highest number of campaigns on a page. A campaign has up to a megabyte of content."""


class CampaignChange(Body):
    """A change of a campaign. Null empties a field."""

    title: Title = ""
    subject: Annotated[Line, null_as(str)] = ""
    sender: Id | None = Field(None, alias="sender_id")
    lists: Annotated[list[int], Ids(MAX_LEGACY_LISTS), null_as(list)] = Field([], alias="list_ids")
    segments: Annotated[list[int], Ids(MAX_SEGMENTS), null_as(list)] = Field([], alias="segment_ids")
    categories: Annotated[Categories, null_as(list)] = []
    suppression_group: Id | None = Field(None, alias="suppression_group_id")
    custom_unsubscribe_url: Annotated[Url, null_as(str)] = ""
    ip_pool: Annotated[Pool, null_as(str)] = ""
    html_content: Annotated[Content, null_as(str)] = ""
    plain_content: Annotated[Content, null_as(str)] = ""
    editor: Editor = "code"


class Schedule(Body):
    """The time at which a campaign is to be sent. The core checks that it is in the future."""

    send_at: Annotated[int, condition("time", lambda seconds: 0 <= seconds <= LATEST.timestamp())]


class Test(Body):
    """The addresses that a test is sent to."""

    to: TestAddresses


def read_new_campaign(request: Request) -> Mapping[str, Any]:
    """Return the values of a new campaign, from the body of POST campaigns."""
    return read_fields(CampaignChange, {"title": None, **read_object(request)}).sent_fields()


def read_campaign_change(request: Request) -> Mapping[str, Any]:
    """Return the values that change, from the body of PATCH campaigns."""
    return read_fields(CampaignChange, read_object(request)).sent_fields()


def read_campaign_id(text: str) -> int:
    """Return the id of the campaign that a path names. Raises UnknownCampaign."""
    number = read_id(text)
    if number is None:
        raise UnknownCampaign
    return number


def read_page(request: Request) -> slice:
    """Return the part of the list that `limit` and `offset` name."""
    limit = read_number(request, "limit", lowest=1, highest=MAX_LIMIT)
    offset = read_number(request, "offset") or 0
    return slice(offset, offset + (DEFAULT_LIMIT if limit is None else limit))


def read_send_at(request: Request) -> dt.datetime:
    """Return the time in the body of POST and PATCH schedules."""
    schedule = read_fields(Schedule, read_object(request), {("send_at", ANY): FUTURE})
    return dt.datetime.fromtimestamp(schedule.send_at, dt.UTC)


def read_test_addresses(request: Request) -> list[str]:
    """Return the addresses in the body of POST schedules/test."""
    return read_fields(Test, read_object(request), {("to", "missing"): NO_TEST_ADDRESS}).to
