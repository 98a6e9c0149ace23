"""Dates as callers write them, and as custom fields keep them.

Kept, every date has the same shape, in UTC and to the second, so that as texts dates are in the order of their times.
"""

from __future__ import annotations

import datetime as dt
import re

AMERICAN = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")
DAY = re.compile(r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}|[0-9]{4}-[0-9]{2}-[0-9]{2}")
EPOCH = re.compile(r"-?[0-9]{1,12}")
YEARS = range(1000, 9999)
"""Those with four digits everywhere, a day later too. Others are slips."""


def read_date(text: str) -> dt.datetime:
    """A date in ISO 8601 (without a zone: UTC), as MM/DD/YYYY, or in seconds since 1970. Raises ValueError."""
    text = text.strip()
    try:
        date = _read(text).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise ValueError("not a date: use YYYY-MM-DD, an ISO 8601 time, MM/DD/YYYY or seconds since 1970") from None
    if date.year not in YEARS:
        raise ValueError(f"the year is not between {YEARS[0]} and {YEARS[-1]}")
    return date


def has_time(text: str) -> bool:
    """Whether a date that `read_date` has read names a moment, and not a day."""
    return not DAY.fullmatch(text.strip())


def write_date(date: dt.datetime) -> str:
    """The one shape in which dates are kept: `2026-11-21T09:30:00Z`."""
    return date.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _read(text: str) -> dt.datetime:
    if EPOCH.fullmatch(text):
        return dt.datetime.fromtimestamp(int(text), dt.UTC)
    if american := AMERICAN.fullmatch(text):
        month, day, year = map(int, american.groups())
        return dt.datetime(year, month, day, tzinfo=dt.UTC)
    date = dt.datetime.fromisoformat(text)
    return date if date.tzinfo else date.replace(tzinfo=dt.UTC)
