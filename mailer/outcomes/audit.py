"""Compare the counters with a count of the stored events and messages.

The counters of an account, a batch and a category are compared, for each measure and day (UTC). Lateness, provider
groups and failures are counted only: no event has them. The totals of all accounts are compared with the counters of
accounts. Events are read in slices of message ids, each in one short transaction that also stores what was counted so
far, so a check can be continued by another process.

In: some complete days within the kept history. Out: the counters that differ. Only a message that a person drops after
its history is over may be counted and no longer stored.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from typing import NamedTuple

import structlog
from django.conf import settings
from django.db import connection, transaction

from batches.models import PARCEL_SPAN
from foundation.clock import Now, database_now
from mailer.models import CounterCheck, EventKind, EventTally, Measure, Series, SuppressionKind
from mailer.outcomes.audit_queries import ADD_TALLIES, COMPARE, FIRST_PARCEL, TALLY
from mailer.outcomes.counters import DROPPED, KEPT, LISTED, QUARTER, measures_of
from mailer.partitions import newest_parcel_id

log = structlog.get_logger(__name__)

COMPARED = sorted(
    {*(Measure(kind) for kind in EventKind), *LISTED.values(), *DROPPED.values(), Measure.ACCEPTED}
    - {Measure.UNSUBSCRIBED, Measure.RESUBSCRIBED}
)
"""The measures that events tell. A link for unsubscribing also works after the history of its message is over."""
DAY = dt.timedelta(days=1)
NIGHTLY_AFTER = dt.timedelta(hours=1)
"""The time after the end of a day at which it is compared: by then all its transactions have ended."""
NIGHTLY_SECONDS = 0.2
"""The time after which the nightly check begins no further slice in one round of the sweeper."""
FIRST_STEP, LARGEST_STEP = 50, 1000
"""The parcels of the first and of the largest slice of a round. A slice that was quick is followed by a larger one."""
QUICK_SECONDS, SLOW_SECONDS = 0.03, 0.1
EXAMPLES = 100
"""The number of differences that are stored with a check."""
KEPT_DAYS = 90
"""The days for which finished checks are kept."""


class Difference(NamedTuple):
    """A counter that differs from the stored events."""

    series: Series
    account_id: int
    key: str
    day: dt.date
    measure: Measure
    counted: int
    stored: int

    def __str__(self) -> str:
        if self.series is Series.TOTAL:
            counted = f"{self.counted} {self.measure.label} are counted, the counters of accounts have {self.stored}"
            return f"{self.day} {self.series.label}, lane {self.key}: {counted}"
        owner = f"account {self.account_id}"
        if self.series is not Series.ACCOUNT:
            owner += f", {self.series.label} {self.key}"
        return f"{self.day} {owner}: {self.counted} {self.measure.label} are counted, {self.stored} are stored"


def longest_days() -> int:
    """Return the number of days that can be compared: their events, and the counters of batches, are all kept."""
    return min(settings.HISTORY_DAYS, KEPT[Series.BATCH][QUARTER]) - 1


def open_check(since: dt.datetime, until: dt.datetime) -> CounterCheck:
    """Begin to compare the days from `since` to before `until` (midnights, UTC)."""
    return CounterCheck.objects.create(since=since, until=until, **_bounds())


def _bounds() -> dict[str, int]:
    """Return the parcels whose messages are to be read."""
    with connection.cursor() as cursor:
        cursor.execute(FIRST_PARCEL)
        first = cursor.fetchone()[0]
    end = newest_parcel_id() + 1
    return {"position": end if first is None else first, "end": end}


def continue_check(check_id: int, *, seconds: float) -> bool:
    """Count further slices for about this time, and compare after the last one. Return whether the check is finished.

    If another process is continuing it, nothing is done.
    """
    until, step = time.monotonic() + seconds, FIRST_STEP
    while True:
        begun = time.monotonic()
        with transaction.atomic():
            rows = CounterCheck.objects.select_for_update(skip_locked=True)
            check = rows.filter(pk=check_id, finished_at=None).first()
            if check is None:
                return CounterCheck.objects.filter(pk=check_id, finished_at__isnull=False).exists()
            if check.position >= check.end:
                _finish(check)
                return True
            _count_slice(check, step)
        now = time.monotonic()
        if now >= until:
            return False
        if now - begun < QUICK_SECONDS:
            step = min(2 * step, LARGEST_STEP)
        elif now - begun > SLOW_SECONDS:
            step = max(step // 2, 1)


def _count_slice(check: CounterCheck, step: int) -> None:
    last = min(check.position + step, check.end)
    with connection.cursor() as cursor:
        cursor.execute(
            TALLY,
            {
                "first": check.position * PARCEL_SPAN,
                "last": last * PARCEL_SPAN,
                "since": check.since,
                "until": check.until,
            },
        )
        tallies: Counter[tuple[int, int, str, dt.datetime, int]] = Counter()
        for account, batch, categories, day, kind, suppression, number in cursor.fetchall():
            owners = {(Series.ACCOUNT, ""), *((Series.CATEGORY, category) for category in categories)}
            owners |= set() if batch is None else {(Series.BATCH, str(batch))}
            for measure in _measures(kind, suppression):
                for series, key in owners:
                    tallies[series, account, key, day, measure] += number
        columns = list(zip(*tallies, strict=True)) or [()] * 5
        names = ("series", "accounts", "keys", "days", "measures")
        arrays = {name: list(column) for name, column in zip(names, columns, strict=True)}
        cursor.execute(ADD_TALLIES, {"check": check.pk, "counts": list(tallies.values()), **arrays})
    check.position = last
    check.save(update_fields=["position"])


def _measures(kind: int, suppression: int | None) -> list[int]:
    if kind == Measure.ACCEPTED:
        return [kind]
    of_list = None if suppression is None else SuppressionKind(suppression)
    return [int(measure) for measure in measures_of(EventKind(kind), of_list)]


def _finish(check: CounterCheck) -> None:
    differences = compare(check)
    check.differences = len(differences)
    check.examples = [str(difference) for difference in differences[:EXAMPLES]]
    check.finished_at = database_now()
    check.save(update_fields=["differences", "examples", "finished_at"])
    EventTally.objects.filter(check_id=check.pk).delete()


def compare(check: CounterCheck) -> list[Difference]:
    """Return the counters that differ from the events that a check has read."""
    with connection.cursor() as cursor:
        cursor.execute(
            COMPARE,
            {
                "check": check.pk,
                "since": check.since,
                "until": check.until,
                "history": database_now() - longest_days() * DAY,
                "measures": [int(measure) for measure in COMPARED],
            },
        )
        return [
            Difference(Series(series), account, key, day.astimezone(dt.UTC).date(), Measure(measure), counted, stored)
            for series, account, key, day, measure, counted, stored in cursor.fetchall()
        ]


def check_last_day() -> int:
    """Compare the last complete day, once for the installation, a slice in each round of the sweeper.

    Return the number of differences in the round that finishes it.
    """
    now = database_now()
    until = now.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    day = (until - DAY).date()
    check = CounterCheck.objects.filter(day=day).first()
    if check is None and now >= until + NIGHTLY_AFTER:
        _forget_old_checks()
        span = {"since": until - DAY, "until": until}
        check, _ = CounterCheck.objects.get_or_create(day=day, defaults=span | _bounds())
    if check is None or check.finished_at is not None or not continue_check(check.pk, seconds=NIGHTLY_SECONDS):
        return 0
    check.refresh_from_db()
    report = log.warning if check.differences else log.info
    report("counters compared with events", day=str(day), differences=check.differences)
    return check.differences


def _forget_old_checks() -> None:
    """Delete finished checks that are old, and those that were not finished within a day."""
    CounterCheck.objects.filter(begun_at__lt=Now() - KEPT_DAYS * DAY).delete()
    CounterCheck.objects.filter(begun_at__lt=Now() - DAY, finished_at=None).delete()
    EventTally.objects.exclude(check_id__in=CounterCheck.objects.filter(finished_at=None).values("pk")).delete()
