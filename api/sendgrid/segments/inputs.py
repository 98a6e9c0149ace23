"""Read the requests of segments that are written as queries. No document has texts for wrong ones: these are ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import Field
from rest_framework.request import Request

from accounts.models import Account
from api.bodies import ANY, Body, Uuid, condition, find_uuid
from api.sendgrid.ids import numbers_of_lists, to_uuids
from api.sendgrid.reading import read_fields, read_flag, read_list, read_object, without_nulls
from api.sendgrid.values import NULL_IS_BLANK, ListName, Uuids
from audience.errors import UnknownSegment

MAX_IDS: Final = 50


class SegmentChange(Body):
    """A change of a segment."""

    name: ListName = ""
    query_dsl: Annotated[str, NULL_IS_BLANK, condition("required", str.strip)] = ""


class NewSegment(SegmentChange):
    """A new segment."""

    lists: Annotated[list[Uuid], Uuids(1)] = Field([], alias="parent_list_ids")


class Refresh(Body):
    """The time zone of the caller."""

    user_time_zone: Annotated[str, condition("zone", lambda name: name in available_timezones())]


@dataclass(frozen=True, slots=True)
class SegmentRequest:
    """A segment. In a change, None leaves a field unchanged. The core reads the query."""

    name: str | None
    query: str | None
    list_id: int | None


def read_new_segment(request: Request, account: Account) -> SegmentRequest:
    """Return the segment that the body of POST segments asks for. Raises UnknownList."""
    fields = {"name": None, "query_dsl": None, **without_nulls(read_object(request))}
    segment = read_fields(NewSegment, fields)
    numbers = numbers_of_lists(account, segment.lists)
    return SegmentRequest(segment.name, segment.query_dsl, numbers[0] if numbers else None)


def read_segment_change(request: Request) -> SegmentRequest:
    """Return the name and the query in the body of PATCH segments. The list of a segment cannot be changed."""
    segment = read_fields(SegmentChange, without_nulls(read_object(request)))
    return SegmentRequest(segment.name or None, segment.query_dsl or None, None)


def read_segment_id(text: str) -> UUID:
    """Return the id of the segment that a path names. Raises UnknownSegment."""
    uuid = find_uuid(text)
    if uuid is None:
        raise UnknownSegment
    return uuid


@dataclass(frozen=True, slots=True)
class SegmentFilter:
    """A filter of segments: those with these ids, or else those of these lists or of no list."""

    ids: list[UUID]
    lists: list[UUID]
    without_list: bool


def read_filter(request: Request) -> SegmentFilter:
    """Return the filter that `ids`, `parent_list_ids` and `no_parent_list_id` make."""
    return SegmentFilter(
        to_uuids(read_list(request, "ids", highest=MAX_IDS)),
        to_uuids(read_list(request, "parent_list_ids", highest=MAX_IDS), "parent_list_ids"),
        read_flag(request, "no_parent_list_id"),
    )


def check_time_zone(request: Request) -> None:
    """Check the body of POST refresh. The time zone has no effect, since refreshes are not limited by the day."""
    read_fields(Refresh, read_object(request), {("user_time_zone", ANY): "{name} must be the name of a time zone"})
