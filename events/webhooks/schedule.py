"""Decide when a failed delivery is attempted again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

WAITS: Final = (5, 60, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600)
"""The seconds between one failed attempt and the next one. The last is used again and again."""
FAILING_LIMIT: Final = dt.timedelta(days=3)
"""An endpoint that fails for this time is disabled."""
LONGEST_ASKED: Final = dt.timedelta(days=1)
"""The longest time for which a receiver can hold deliveries back with Retry-After."""
BUSY: Final = (429, 503)
"""The statuses whose Retry-After is obeyed (RFC 6585 section 4, RFC 9110 section 15.6.4)."""
GONE: Final = 410
"""The status by which a receiver ends all deliveries."""


def wait_after(failures: int, status: int | None, headers: Mapping[str, str] | None, now: dt.datetime) -> dt.timedelta:
    """Return the time until the next attempt, after this many failed ones in a row."""
    if (
        status in BUSY
        and headers
        and (retry_after := _read_retry_after(headers.get("retry-after", ""), now)) is not None
    ):
        return min(max(retry_after, dt.timedelta(seconds=1)), LONGEST_ASKED)
    return dt.timedelta(seconds=WAITS[min(failures, len(WAITS)) - 1])


def _read_retry_after(text: str, now: dt.datetime) -> dt.timedelta | None:
    """Return the time that a Retry-After names, in seconds or as a date (RFC 9110 section 10.2.3)."""
    if text.isascii() and text.isdigit():
        return dt.timedelta(seconds=min(int(text[:9]), LONGEST_ASKED.total_seconds()))
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return (at if at.tzinfo else at.replace(tzinfo=dt.UTC)) - now
