"""Fold the deltas of the database's sessions into the counters, and delete the counters that are too old.

Both are duties of the sweeper. Readers add what is not folded yet (`counters.py`), so nobody waits for a fold.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.db import connection

from foundation.clock import database_now
from mailer.outcomes.counters import KEPT, SUMS
from mailer.outcomes.queries import DELETE_COUNTERS, FOLD_COUNTERS

FOLD_EVERY = dt.timedelta(seconds=20)
FOLD_PAGE = 10_000
SETTLED_AFTER = dt.timedelta(minutes=2)
"""The age of a minute from its beginning at which it is folded. By then nearly every session adds to a later one."""


def fold_counters() -> Iterator[int]:
    """Add the deltas whose minute is over to the counters, and yield the number of deltas of each page."""
    parameters: dict[str, Any] = {"until": database_now() - SETTLED_AFTER, "limit": FOLD_PAGE, **_targets()}
    number = FOLD_PAGE
    while number == FOLD_PAGE:
        with connection.cursor() as cursor:
            cursor.execute(FOLD_COUNTERS, parameters)
            number = cursor.fetchone()[0]
        yield number


def _targets() -> dict[str, list[int]]:
    """Return the series and spans of the counters that are added to, each with the series of the deltas."""
    targets = [(SUMS.get(series, series), series, span) for series, spans in KEPT.items() for span in spans]
    return {
        "sources": [int(source) for source, _, _ in targets],
        "series": [int(series) for _, series, _ in targets],
        "spans": [span for _, _, span in targets],
    }


def delete_old_counters(page: int) -> Iterator[int]:
    """Delete the counters that are older than `KEPT` says, and yield the number of each page."""
    now = database_now()
    for series, spans in KEPT.items():
        for span, days in spans.items():
            parameters: dict[str, Any] = {
                "series": int(series),
                "span": span,
                "until": now - dt.timedelta(days=days),
                "limit": page,
            }
            yield from _delete_pages(parameters)


def _delete_pages(parameters: dict[str, Any]) -> Iterator[int]:
    with connection.cursor() as cursor:
        cursor.execute(DELETE_COUNTERS, parameters)
        while cursor.rowcount:
            yield cursor.rowcount
            cursor.execute(DELETE_COUNTERS, parameters)
