"""Define the counters of events by time, and read them. `writing.py` writes them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import NamedTuple

from django.db import connection

from mailer.models import EventKind, Measure, Series, SuppressionKind
from mailer.outcomes.queries import READ_COUNTERS

MINUTE, FIVE_MINUTES, QUARTER, HOUR, DAY = 60, 300, 900, 3600, 86_400
"""The spans of counters, in seconds."""

KEPT = {
    Series.ACCOUNT: {MINUTE: 3, HOUR: 90, DAY: 3 * 365},
    Series.BATCH: {MINUTE: 3, QUARTER: 90},
    Series.CATEGORY: {DAY: 3 * 365},
    Series.GROUP: {DAY: 3 * 365},
    Series.FAILURE: {HOUR: 90},
    Series.DOMAIN: {DAY: 90},
    Series.TOTAL: {MINUTE: 3, FIVE_MINUTES: 3, HOUR: 90, DAY: 3 * 365},
}
"""The spans of each series, and the days for which its counters are kept."""
SUMS = {Series.TOTAL: Series.ACCOUNT}
"""The series that are the sums of another one over all accounts. No deltas are written for them."""

LISTED = {
    SuppressionKind.BOUNCE: Measure.BOUNCED,
    SuppressionKind.BLOCK: Measure.BLOCKED,
    SuppressionKind.INVALID: Measure.INVALID,
}
"""The measure of a refusal, by the list that it puts the recipient on."""
DROPPED = {
    SuppressionKind.BOUNCE: Measure.DROPPED_BOUNCE,
    SuppressionKind.SPAM: Measure.DROPPED_SPAM,
    SuppressionKind.GLOBAL: Measure.DROPPED_UNSUBSCRIBE,
    SuppressionKind.GROUP: Measure.DROPPED_UNSUBSCRIBE,
    SuppressionKind.INVALID: Measure.DROPPED_INVALID,
}
"""The measure of a recipient who was dropped, by the list that was the reason."""
LATENESS = ((1, Measure.LATE_1S), (10, Measure.LATE_10S), (60, Measure.LATE_1M), (600, Measure.LATE_10M))
"""The measures of how late a message was sent, by their upper bounds in seconds."""
LATE = (*(measure for _, measure in LATENESS), Measure.LATE_LONGER)


class Days(NamedTuple):
    """The days from `first` to `last` in UTC, both included."""

    first: dt.date
    last: dt.date

    @property
    def since(self) -> dt.datetime:
        """Return when the first day begins."""
        return dt.datetime.combine(self.first, dt.time.min, dt.UTC)

    @property
    def until(self) -> dt.datetime:
        """Return a time after every minute of the last day. The next midnight may be later than Python can express."""
        return dt.datetime.combine(self.last, dt.time.max, dt.UTC)


class CounterKey(NamedTuple):
    """The subject and the measure of a counter."""

    series: Series
    account_id: int
    key: str
    measure: Measure


class Count(NamedTuple):
    """The number of events in the span that begins at `at`."""

    key: str
    at: dt.datetime
    measure: Measure
    n: int


def measures_of(kind: EventKind, suppression: SuppressionKind | None) -> tuple[Measure, ...]:
    """Return the measures that an event adds to."""
    table = {EventKind.REFUSED: LISTED, EventKind.DROPPED: DROPPED}.get(kind, {})
    if suppression is not None and suppression in table:
        return Measure(kind), table[suppression]
    return (Measure(kind),)


def read_counters(
    series: Series,
    account_id: int,
    *,
    span: int,
    since: dt.datetime,
    until: dt.datetime,
    keys: Collection[str] | None = None,
    measures: Collection[Measure] | None = None,
) -> list[Count]:
    """Return the counts of spans that begin from `since` to before `until`, by time and key; zeros are left out.

    The counts are those of this moment. `span` is a span of the series. Without `keys` or `measures`, all are returned.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            READ_COUNTERS,
            {
                "series": int(series),
                "account": account_id,
                "span": span,
                "since": since,
                "until": until,
                "keys": None if keys is None else list(keys),
                "measures": None if measures is None else [int(measure) for measure in measures],
            },
        )
        return [Count(key, at, Measure(measure), n) for key, at, measure, n in cursor.fetchall()]
