"""Read dates in the forms that callers use, and write them in the one form in which custom fields store them.

Stored dates are in UTC and to the second, in one form, so that comparing them as texts compares their times.

Digits alone could be a day, seconds since 1970, a year, or the number of a day in a spreadsheet. They are read only
where one meaning is plausible: eight digits as YYYYMMDD, and nine or ten digits as seconds, which begins in March 1973.
Longer numbers could be milliseconds, or a day and a time without a separator, and are refused.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

from foundation import dates
from foundation.dates import ISO_DAY

AMERICAN: Final = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")
DAY: Final = re.compile(rf"{ISO_DAY}|{AMERICAN.pattern}")
NUMBER: Final = re.compile(r"-?[0-9]+")
SECONDS: Final = re.compile(r"-?[1-9][0-9]{8,9}")

NOT_A_DATE: Final = "not a date: use YYYY-MM-DD, an ISO 8601 time, MM/DD/YYYY or seconds since 1970"
NOT_A_NUMBER: Final = "not a date: a number alone is a day as YYYYMMDD, or seconds since 1970 with 9 or 10 digits"


def read_date(text: str) -> dt.datetime:
    """Return the time in UTC that a text names: a date in ISO 8601, MM/DD/YYYY, or seconds since 1970.

    A time without a zone is UTC. Raises ValueError, whose text says why the value is not a date.
    """
    text = text.strip()
    if american := AMERICAN.fullmatch(text):
        month, day, year = american.groups()
        text = f"{year}-{month:0>2}-{day:0>2}"
    if NUMBER.fullmatch(text):
        return _read_number(text)
    return read_iso(text)


def read_iso(text: str) -> dt.datetime:
    """Return the time in UTC that a text in ISO 8601 names; a time without a zone is UTC. Raises ValueError."""
    try:
        return dates.read_iso(text)
    except dates.NotIso:
        raise ValueError(NOT_A_DATE) from None


def has_time(text: str) -> bool:
    """Return whether a text that `read_date` accepts names a moment, and not a whole day."""
    return not DAY.fullmatch(text.strip().upper())


def write_date(date: dt.datetime) -> str:
    """Return a date in the form in which it is stored: `2026-11-21T09:30:00Z`."""
    return date.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _read_number(text: str) -> dt.datetime:
    if SECONDS.fullmatch(text):
        return dt.datetime.fromtimestamp(int(text), dt.UTC)
    try:
        return read_iso(text)
    except ValueError:
        raise ValueError(NOT_A_NUMBER) from None
