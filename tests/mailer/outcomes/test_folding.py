"""Deltas are added to the counters of every span, once, whoever folds and whatever commits late."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection

from accounts.models import Account
from foundation.clock import database_now
from mailer.models import Counter, CounterDelta, Measure, Series
from mailer.outcomes import folding
from mailer.outcomes.counters import DAY, HOUR, KEPT, MINUTE, CounterKey, read_counters
from mailer.outcomes.folding import FOLD_PAGE, delete_old_counters, fold_counters
from mailer.outcomes.queries import COUNT, FOLD_COUNTERS
from mailer.outcomes.writing import columns_of
from mailer.sweep import fold_counts
from tests.conftest import Clock
from tests.counted import NO_NOTICES

NOON = dt.datetime(2026, 3, 4, 12, 0, tzinfo=dt.UTC)
SECOND, MINUTES = dt.timedelta(seconds=1), dt.timedelta(minutes=1)


def count(number: int, at: dt.datetime, *, series: Series = Series.ACCOUNT, key: str = "1", account: int = 1) -> None:
    with connection.cursor() as cursor:
        cursor.execute(COUNT, columns_of({CounterKey(series, account, key, Measure.SENT): number}, at) | NO_NOTICES)


@contextmanager
def other_session() -> Iterator[psycopg.Connection]:
    """Open another session of the same database, whose transaction is rolled back at the end unless it commits."""
    with psycopg.connect(**{**connection.get_connection_params(), "cursor_factory": psycopg.ClientCursor}) as other:
        yield other
        other.rollback()


def read(span: int, *, series: Series = Series.ACCOUNT) -> list[tuple[dt.datetime, int]]:
    counts = read_counters(series, 1, span=span, since=NOON - dt.timedelta(days=2), until=NOON + dt.timedelta(days=2))
    return [(count.at, count.n) for count in counts]


def fold() -> int:
    return sum(fold_counters())


def test_a_fold_adds_up_every_span_and_changes_no_figure(database: None) -> None:
    count(3, NOON)
    count(4, NOON + 59 * SECOND)
    count(5, NOON + 61 * MINUTES)
    count(2, NOON, series=Series.FAILURE)
    before = [read(span) for span in (MINUTE, HOUR, DAY)]
    assert before == [
        [(NOON, 7), (NOON + 61 * MINUTES, 5)],
        [(NOON, 7), (NOON + 60 * MINUTES, 5)],
        [(NOON - dt.timedelta(hours=12), 12)],
    ]
    assert fold() == 3
    assert not CounterDelta.objects.exists()
    assert [read(span) for span in (MINUTE, HOUR, DAY)] == before
    assert sorted(Counter.objects.filter(series=Series.FAILURE).values_list("span", "n")) == [(HOUR, 2)]
    assert fold() == 0


def test_a_minute_is_folded_when_it_has_been_over_for_a_minute(database: None, clock: Clock) -> None:
    now = database_now()
    count(1, now)
    assert fold() == 0
    clock.advance(seconds=121)
    assert fold() == 1


def test_what_commits_late_is_added_by_the_next_fold(database: None) -> None:
    count(1, NOON)
    key = CounterKey(Series.ACCOUNT, 1, "1", Measure.SENT)
    with other_session() as late:
        late.execute(COUNT, columns_of({key: 10}, NOON) | NO_NOTICES)
        assert fold() == 1
        assert read(MINUTE) == [(NOON, 1)]
        late.commit()
        assert read(MINUTE) == [(NOON, 11)]
        late.execute(COUNT, columns_of({key: 100}, NOON) | NO_NOTICES)
        # The delta of the session is locked: the fold leaves it, and does not wait.
        assert fold() == 0
        late.commit()
    assert read(MINUTE) == [(NOON, 111)]
    assert fold() == 1
    assert read(MINUTE) == [(NOON, 111)]


def test_two_folds_at_once_and_a_fold_that_dies_count_nothing_twice(database: None) -> None:
    count(1, NOON)
    count(2, NOON + MINUTES)
    parameters = {
        "until": NOON + dt.timedelta(days=1),
        "sources": [int(Series.ACCOUNT)],
        "series": [int(Series.ACCOUNT)],
        "spans": [MINUTE],
        "limit": FOLD_PAGE,
    }
    with other_session() as other:
        assert other.execute(FOLD_COUNTERS, parameters).fetchone() == (2,)
        assert fold() == 0
        assert read(MINUTE) == [(NOON, 1), (NOON + MINUTES, 2)]
    # The other process has died before its commit.
    assert fold() == 2
    assert read(MINUTE) == [(NOON, 1), (NOON + MINUTES, 2)]


def test_a_reader_sees_one_snapshot_during_a_fold(database: None) -> None:
    count(5, NOON)
    with other_session() as reader:
        reader.execute("set transaction isolation level repeatable read")
        sums = (
            "select (select coalesce(sum(n), 0) from mailer_counterdelta) + "
            "(select coalesce(sum(n), 0) from mailer_counter where series = 1 and span = 60)"
        )
        assert reader.execute(sums).fetchone() == (5,)
        fold()
        assert reader.execute(sums).fetchone() == (5,)
    assert read(MINUTE) == [(NOON, 5)]


def test_a_fold_works_in_pages(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "FOLD_PAGE", 2)
    for number in range(5):
        count(1, NOON + number * MINUTES)
    assert list(fold_counters()) == [2, 2, 1]
    assert sum(n for _, n in read(DAY)) == 5


def test_counters_are_kept_as_long_as_their_span_says(database: None, clock: Clock) -> None:
    now = database_now()
    for series, spans in KEPT.items():
        for span, days in spans.items():
            for age in (days - 1, days + 1):
                at = now - dt.timedelta(days=age)
                Counter.objects.create(series=series, account_id=1, key="1", span=span, at=at, measure=1, n=1)
    assert sum(delete_old_counters(1)) == sum(len(spans) for spans in KEPT.values())
    ages = {(counter.series, counter.span): (now - counter.at).days for counter in Counter.objects.all()}
    assert ages == {(series, span): days - 1 for series, spans in KEPT.items() for span, days in spans.items()}


def test_the_sweeper_folds_now_and_then(alice: Account, clock: Clock) -> None:
    count(1, NOON)
    assert fold_counts() == 1
    count(1, NOON)
    assert fold_counts() == 0
    clock.advance(seconds=30)
    assert fold_counts() == 1
