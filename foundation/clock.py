"""The one clock: PostgreSQL's. Every time that decides anything comes from the SQL function `sluice_now()`.

The function is `clock_timestamp()`; tests replace it in their database. In a query write `(select sluice_now())`: as a
sub-select it is evaluated once, and an index on a time column can still be used.
"""

from __future__ import annotations

import datetime as dt
import time

from django.db import connection
from django.db.models import DateTimeField, Func


class Now(Func):
    """`sluice_now()` for the ORM."""

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
    """Seconds on a clock that nobody sets and that also runs while the machine is suspended."""
    return time.clock_gettime(CLOCK)


# macOS has no CLOCK_BOOTTIME; there CLOCK_MONOTONIC runs on while the machine sleeps.
CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
