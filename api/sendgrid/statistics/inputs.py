"""Read the parameters of the calls for statistics."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from rest_framework.request import Request

from api.bodies import find_uuid
from api.sendgrid.errors import Problem, Refusal
from api.sendgrid.reading import read_date, read_list
from api.sendgrid.single_sends.inputs import MAX_IDS

MAX_CHOSEN: Final = 25
DAY, TOTAL = "day", "total"
ZONE_NAME: Final = re.compile(r"[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}")
BAD_AGGREGATION: Final = Problem(f"aggregated_by must be {DAY} or {TOTAL}", "aggregated_by")
BAD_ZONE: Final = Problem("timezone must be the name of a time zone, such as America/Chicago", "timezone")


@dataclass(frozen=True, slots=True)
class Span:
    """The requested days, the first and the last included, in a time zone. The statistics are in total or by day."""

    zone: ZoneInfo
    since: dt.date | None
    until: dt.date | None
    is_by_day: bool

    @property
    def is_everything(self) -> bool:
        """Return whether the totals of the Single Send are requested."""
        return not (self.is_by_day or self.since or self.until)


def read_chosen(request: Request) -> list[UUID]:
    """Return the Single Sends that `singlesend_ids` names; an empty list stands for all."""
    return read_uuids(request, "singlesend_ids", highest=MAX_CHOSEN)


def read_exported(request: Request) -> list[UUID]:
    """Return the Single Sends that `ids` names."""
    return read_uuids(request, "ids", highest=MAX_IDS, lowest=1)


def read_uuids(request: Request, name: str, *, highest: int, lowest: int = 0) -> list[UUID]:
    texts = read_list(request, name, highest=highest, lowest=lowest)
    uuids = [uuid for each in texts if (uuid := find_uuid(each))]
    if len(uuids) < len(texts):
        raise Refusal(400, Problem(f"{name} must be UUIDs", name))
    return uuids


def read_span(request: Request) -> Span:
    """Return the time span that `aggregated_by`, `start_date`, `end_date` and `timezone` describe."""
    aggregated_by = request.query_params.get("aggregated_by", TOTAL)
    if aggregated_by not in (DAY, TOTAL):
        raise Refusal(400, BAD_AGGREGATION)
    return Span(
        zone=read_zone(request),
        since=read_date(request, "start_date"),
        until=read_date(request, "end_date"),
        is_by_day=aggregated_by == DAY,
    )


def read_zone(request: Request) -> ZoneInfo:
    """Return the time zone of `timezone`, or UTC if it is missing."""
    name = request.query_params.get("timezone", "UTC")
    if not ZONE_NAME.fullmatch(name):
        raise Refusal(400, BAD_ZONE)
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        # Unknown, a folder, or no file of a time zone.
        raise Refusal(400, BAD_ZONE) from None
