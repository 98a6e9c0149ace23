"""The requests of legacy campaigns. All that is wrong with one is told at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from rest_framework.request import Request

from api.sendgrid import field_readers as fields
from api.sendgrid.campaign_texts import FUTURE
from api.sendgrid.errors import Problem, Refusal
from api.sendgrid.field_readers import Field, or_none
from api.sendgrid.ids import HIGHEST_ID
from api.sendgrid.reading import read_number, read_object
from campaigns.editing import EditingRules
from campaigns.errors import UnknownCampaign

RULES: Final = EditingRules(needs_verified_sender=True, fixed=frozenset({"editor"}))
FIELDS: Final = (
    Field("title", fields.read_title, "title"),
    Field("subject", or_none(fields.read_line, ""), "subject"),
    Field("sender_id", or_none(fields.read_id), "sender"),
    Field("list_ids", or_none(fields.several_ids(fields.MAX_LEGACY_LISTS), ()), "lists"),
    Field("segment_ids", or_none(fields.several_ids(fields.MAX_SEGMENTS), ()), "segments"),
    Field("categories", or_none(fields.read_categories, ()), "categories"),
    Field("suppression_group_id", or_none(fields.read_id), "suppression_group"),
    Field("custom_unsubscribe_url", or_none(fields.read_url, ""), "custom_unsubscribe_url"),
    Field("ip_pool", or_none(fields.read_pool, ""), "ip_pool"),
    Field("html_content", or_none(fields.read_content, ""), "html_content"),
    Field("plain_content", or_none(fields.read_content, ""), "plain_content"),
    Field("editor", fields.read_editor, "editor"),
)
DEFAULT_LIMIT, MAX_LIMIT = 10, 100
"""Campaigns on a page, each with its contents of up to a megabyte."""


def read_new_campaign(request: Request) -> Mapping[str, Any]:
    """The body of POST campaigns: what the new one is to hold."""
    return read_changes({"title": None, **read_object(request)})


def read_campaign_change(request: Request) -> Mapping[str, Any]:
    """The body of PATCH campaigns: what is given changes, and null empties it."""
    return read_changes(read_object(request))


def read_changes(given: Mapping[str, Any]) -> Mapping[str, Any]:
    changes, problems = fields.read_fields(given, FIELDS)
    if problems:
        raise Refusal(400, *problems)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in changes.items()}


def read_campaign_id(text: str) -> int:
    """The campaign a path names. Raises UnknownCampaign for what is no campaign's number."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and 1 <= int(text) <= HIGHEST_ID):
        raise UnknownCampaign
    return int(text)


def read_page(request: Request) -> slice:
    """`limit` and `offset`."""
    limit = read_number(request, "limit", lowest=1, highest=MAX_LIMIT)
    offset = read_number(request, "offset") or 0
    return slice(offset, offset + (DEFAULT_LIMIT if limit is None else limit))


def read_send_at(request: Request) -> dt.datetime:
    """The body of POST and PATCH schedules. Whether it is in the future the core knows."""
    send_at = read_object(request).get("send_at")
    if type(send_at) is not int or not 0 <= send_at <= fields.LATEST.timestamp():
        raise Refusal(400, Problem(FUTURE, "send_at"))
    return dt.datetime.fromtimestamp(send_at, dt.UTC)


def read_test_addresses(request: Request) -> list[str]:
    """The body of POST schedules/test."""
    found, problems = fields.read_fields(
        {"to": None, **read_object(request)}, [Field("to", fields.read_addresses, "to")]
    )
    if problems:
        raise Refusal(400, *problems)
    return list(found["to"])
