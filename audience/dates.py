"""Dates as callers write them, and as custom fields keep them.

Kept, every date has the same shape, in UTC and to the second, so that as texts dates are in the order of their times.

Digits alone could be a day, seconds since 1970, a year, or the number of a day in a spreadsheet. They are read only
where one reading is plausible: eight digits as YYYYMMDD, and nine or ten digits as seconds, which begins in March 1973.
More digits are milliseconds, or a day and a time without a sign between them, and are refused.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

ISO_DAY: Final = r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8}|[0-9]{4}-W[0-9]{2}-[0-9]|[0-9]{4}W[0-9]{3})"
"""A day by its month or by its week, each in the extended and in the basic form."""
ISO_TIME: Final = r"[T ][0-9][0-9:.,]*(?:Z|[+-][0-9:.,]+)?"
ISO: Final = re.compile(rf"{ISO_DAY}(?:{ISO_TIME})?")
AMERICAN: Final = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")
DAY: Final = re.compile(rf"{ISO_DAY}|{AMERICAN.pattern}")
NUMBER: Final = re.compile(r"-?[0-9]+")
SECONDS: Final = re.compile(r"-?[1-9][0-9]{8,9}")
YEARS: Final = range(1000, 9999)
"""Those with four digits everywhere, a day later too. Others are slips."""

NOT_A_DATE: Final = "not a date: use YYYY-MM-DD, an ISO 8601 time, MM/DD/YYYY or seconds since 1970"
NOT_A_NUMBER: Final = "not a date: a number alone is a day as YYYYMMDD, or seconds since 1970 with 9 or 10 digits"
NOT_A_YEAR: Final = f"the year is not between {YEARS[0]} and {YEARS[-1]}"


def read_date(text: str) -> dt.datetime:
    """Return the time in UTC that a text names: a date in ISO 8601 (without a zone: UTC), MM/DD/YYYY, or seconds since
    1970. Raises ValueError, which says why the text is no date."""
    text = text.strip()
    if american := AMERICAN.fullmatch(text):
        month, day, year = american.groups()
        text = f"{year}-{month:0>2}-{day:0>2}"
    if NUMBER.fullmatch(text):
        return _read_number(text)
    return read_iso(text)


def read_iso(text: str) -> dt.datetime:
    """Return the time in UTC that a text in ISO 8601 names; a time without a zone is UTC. Raises ValueError."""
    text = text.upper()
    try:
        # It takes any character between day and time, also a digit: 20240115110 would be eleven o'clock.
        date = dt.datetime.fromisoformat(text if ISO.fullmatch(text) else "")
    except ValueError:
        raise ValueError(NOT_A_DATE) from None
    try:
        date = date.astimezone(dt.UTC) if date.tzinfo else date.replace(tzinfo=dt.UTC)
    except OverflowError:
        raise ValueError(NOT_A_YEAR) from None
    if date.year not in YEARS:
        raise ValueError(NOT_A_YEAR)
    return date


def has_time(text: str) -> bool:
    """Whether a date that `read_date` has read names a moment, and not a day."""
    return not DAY.fullmatch(text.strip().upper())


def write_date(date: dt.datetime) -> str:
    """The one shape in which dates are kept: `2026-11-21T09:30:00Z`."""
    return date.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _read_number(text: str) -> dt.datetime:
    if SECONDS.fullmatch(text):
        return dt.datetime.fromtimestamp(int(text), dt.UTC)
    try:
        return read_iso(text)
    except ValueError:
        raise ValueError(NOT_A_NUMBER) from None
