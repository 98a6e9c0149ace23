"""Read the one clock, which is PostgreSQL's. Every time that decides anything comes from `sluice_now()`.

The SQL function is `clock_timestamp()`; tests replace it in their database. In a query write `(select sluice_now())`: a
sub-select is evaluated once, and an index on a time column can still be used.
"""

from __future__ import annotations

import datetime as dt
import time

from django.db import connection
from django.db.models import DateTimeField, Func


class Now(Func):
    """The SQL function `sluice_now()` for the ORM."""

    template = "sluice_now()"
    output_field = DateTimeField()


def database_now() -> dt.datetime:
    """Return this moment by the clock that decides."""
    with connection.cursor() as cursor:
        cursor.execute("select sluice_now()")
        row = cursor.fetchone()
    assert row is not None
    now: dt.datetime = row[0]
    return now


def boottime() -> float:
    """Return seconds on a clock that is never set and that also runs while the machine is suspended."""
    return time.clock_gettime(CLOCK)


# macOS has no CLOCK_BOOTTIME, but its CLOCK_MONOTONIC continues while the machine sleeps.
CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def moment(at: dt.datetime | None) -> str | None:
    """Return a time as the native API and SendGrid write it, such as `2026-11-20T10:53:00.000Z`. None stays None."""
    if at is None:
        return None
    return f"{at.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
