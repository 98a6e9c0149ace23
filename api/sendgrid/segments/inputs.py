"""The requests of segments that are written as queries. No document has texts for what is wrong: these are ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID
from zoneinfo import available_timezones

from rest_framework.request import Request

from accounts.models import Account
from api.sendgrid.contacts.inputs import numbers_of_lists
from api.sendgrid.errors import Problem, Refusal
from api.sendgrid.field_readers import Field, Wrong, read_fields, read_name, read_text, several_uuids
from api.sendgrid.ids import find_uuid, to_uuids
from api.sendgrid.reading import read_flag, read_list, read_object, said_of
from audience.errors import UnknownSegment

MAX_IDS: Final = 50


def read_query_dsl(value: Any) -> str:
    if value is None or not (text := read_text(value)).strip():
        raise Wrong("{name} is required")
    return text


FIELDS: Final = (
    Field("name", read_name, "name"),
    Field("query_dsl", read_query_dsl, "query"),
    Field("parent_list_ids", several_uuids(1), "lists"),
)


@dataclass(frozen=True, slots=True)
class SegmentRequest:
    """A segment to be; None: nothing was said of it. Its query the core reads."""

    name: str | None
    query: str | None
    list_id: int | None


def read_new_segment(request: Request, account: Account) -> SegmentRequest:
    """The body of POST segments. Raises UnknownList."""
    given = read_object(request)
    return read_segment({"name": None, "query_dsl": None, **said_of(given, *given)}, account)


def read_segment_change(request: Request, account: Account) -> SegmentRequest:
    """The body of PATCH segments: name and query. Another list is not in the wire."""
    return read_segment(said_of(read_object(request), "name", "query_dsl"), account)


def read_segment(given: Mapping[str, Any], account: Account) -> SegmentRequest:
    found, problems = read_fields(given, FIELDS)
    if problems:
        raise Refusal(400, *problems)
    lists = numbers_of_lists(account, found.get("lists", ()))
    return SegmentRequest(found.get("name"), found.get("query"), lists[0] if lists else None)


def read_segment_id(text: str) -> UUID:
    """The segment a path names. Raises UnknownSegment for what is no UUID."""
    uuid = find_uuid(text)
    if uuid is None:
        raise UnknownSegment
    return uuid


@dataclass(frozen=True, slots=True)
class SegmentFilter:
    """Which segments are wanted: those with these ids; else those of these lists, or of none."""

    ids: list[UUID]
    lists: list[UUID]
    without_list: bool


def read_filter(request: Request) -> SegmentFilter:
    """`ids`, `parent_list_ids`, `no_parent_list_id`."""
    return SegmentFilter(
        to_uuids(read_list(request, "ids", highest=MAX_IDS)),
        to_uuids(read_list(request, "parent_list_ids", highest=MAX_IDS), "parent_list_ids"),
        read_flag(request, "no_parent_list_id"),
    )


def check_time_zone(request: Request) -> None:
    """The body of POST refresh: on the clocks of which zone the caller's limits end. There are none here."""
    zone = read_object(request).get("user_time_zone")
    if not isinstance(zone, str) or zone not in available_timezones():
        raise Refusal(400, Problem("user_time_zone must be the name of a time zone", "user_time_zone"))
