"""Make and drop the partitions of late events, one for each day (UTC) on which they happened.

The sweeper makes them ahead, and drops a day when the history is over. Late events that wait for the database keep the
time at which they happened, so a partition may also be missing in the past.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Final

from foundation.clock import database_now
from mailer.partitions import drop_table, is_made, making_partitions, read_suffixes

TABLE: Final = "mailer_lateevent"
AHEAD: Final = 2
"""The number of days for which partitions are kept ready."""


def ensure_late_partitions() -> int:
    """Make the partitions of today and the next days, and return how many were missing."""
    today = database_now().astimezone(dt.UTC).date()
    return make_late_partitions([today + dt.timedelta(days=ahead) for ahead in range(AHEAD + 1)])


def make_late_partitions(days: Iterable[dt.date]) -> int:
    """Make the partitions of some days, and return how many were missing."""
    missing = sorted(set(days) - set(_existing_days()))
    for day in missing:
        _make_partition(day)
    return len(missing)


def drop_late_partitions(before: dt.date) -> Iterator[int]:
    """Drop the partitions of the days before a day, and yield 1 for each."""
    for day in _existing_days():
        if day < before:
            drop_table(TABLE, _name_of(day))
            yield 1


def _existing_days() -> list[dt.date]:
    return [dt.datetime.strptime(text, "%Y%m%d").replace(tzinfo=dt.UTC).date() for text in read_suffixes(TABLE)]


def _make_partition(day: dt.date) -> None:
    """Make a partition apart and attach it, so that the table is locked for a moment only."""
    name, bounds = _name_of(day), f"'{day}T00:00Z') to ('{day + dt.timedelta(days=1)}T00:00Z'"
    with making_partitions() as cursor:
        if not is_made(cursor, name):
            cursor.execute(f"create table {name} (like {TABLE} including defaults)")
            cursor.execute(f"alter table {TABLE} attach partition {name} for values from ({bounds})")


def _name_of(day: dt.date) -> str:
    return f"{TABLE}_{day:%Y%m%d}"
