"""Read dates in ISO 8601."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

ISO_DAY: Final = r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8}|[0-9]{4}-W[0-9]{2}-[0-9]|[0-9]{4}W[0-9]{3})"
"""A day by its month or by its week, each in the extended and in the basic format of ISO 8601."""
ISO_TIME: Final = r"[T ][0-9][0-9:.,]*(?:Z|[+-][0-9:.,]+)?"
ISO: Final = re.compile(rf"{ISO_DAY}(?:{ISO_TIME})?")
YEARS: Final = range(1000, 9999)
"""Years that have four digits in every time zone, and on the next day. Others are typing errors."""

NOT_A_YEAR: Final = f"the year is not between {YEARS[0]} and {YEARS[-1]}"


class NotIso(ValueError):
    """The text is not a date in ISO 8601."""


def read_iso(text: str) -> dt.datetime:
    """Return the time in UTC that a text in ISO 8601 names; a time without a zone is UTC.

    Raises NotIso, and ValueError with a text for a year that no date has.
    """
    text = text.upper()
    try:
        # `fromisoformat` takes any character between day and time, even a digit: 20240115110 would be eleven o'clock.
        date = dt.datetime.fromisoformat(text if ISO.fullmatch(text) else "")
    except ValueError:
        raise NotIso from None
    try:
        date = date.astimezone(dt.UTC) if date.tzinfo else date.replace(tzinfo=dt.UTC)
    except OverflowError:
        raise ValueError(NOT_A_YEAR) from None
    if date.year not in YEARS:
        raise ValueError(NOT_A_YEAR)
    return date
