"""Rates, totals, lateness and shares equal the events that were counted, whatever is folded."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter as Tally

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import Account
from batches.handles import create_batch
from batches.states import Lane
from foundation.clock import database_now
from mailer.models import Counter, Measure, Series
from mailer.outcomes.counters import DAY, FIVE_MINUTES, HOUR, KEPT, MINUTE, CounterKey
from mailer.outcomes.folding import fold_counters
from mailer.outcomes.queries import COUNT
from mailer.outcomes.writing import columns_of
from monitoring.problems import Kind, list_problems, read_health
from monitoring.rates import Lateness, Request, Total, describe_lateness, lateness_from, read_several, sent_rates
from monitoring.scope import EVERYTHING, Scope, scope_of
from tests.conftest import Clock
from tests.counted import NO_NOTICES
from tests.database import empty_tables
from tests.examples import examples

BULK = str(int(Lane.BULK))
SPANS = tuple(KEPT[Series.TOTAL])
WRITE = st.tuples(
    st.integers(1, 4),
    st.sampled_from([str(int(lane)) for lane in Lane]),
    st.sampled_from([Measure.ACCEPTED, Measure.SENT, Measure.REFUSED, Measure.LATE_10S]),
    st.integers(0, 3 * 24 * 60),
    st.integers(1, 100),
)
STEP = st.one_of(st.lists(WRITE, min_size=1, max_size=5), st.just("fold"))


def count(
    number: int,
    at: dt.datetime,
    *,
    account: int = 1,
    measure: Measure = Measure.SENT,
    key: str = "1",
    series: Series = Series.ACCOUNT,
) -> None:
    parameters = columns_of({CounterKey(series, account, key, measure): number}, at)
    with connection.cursor() as cursor:
        cursor.execute(COUNT, parameters | NO_NOTICES)


def read_totals(scope: Scope, span: int, since: dt.datetime, until: dt.datetime, *measures: Measure) -> list[Total]:
    """Return the totals of these measures, or of all."""
    return read_several(scope, [Request(span, since, until, measures or tuple(Measure))])[0]


def test_totals_equal_the_sums_of_the_accounts_and_of_the_events_after_any_writes(database: None) -> None:
    noon = dt.datetime(2026, 3, 4, 12, tzinfo=dt.UTC)

    @settings(max_examples=examples(10), deadline=None)
    @given(st.lists(STEP, min_size=1, max_size=8))
    def check(steps: list[list[tuple[int, str, Measure, int, int]] | str]) -> None:
        empty_tables()
        events: list[tuple[int, Measure, dt.datetime, int]] = []
        for step in steps:
            if isinstance(step, str):
                list(fold_counters())
                continue
            for account, lane, measure, minutes, number in step:
                at = noon + dt.timedelta(minutes=minutes)
                count(number, at, account=account, key=lane, measure=measure)
                events.append((account, measure, at, number))
        for scope in (EVERYTHING, Scope(frozenset({1, 3}))):
            for span in SPANS:
                expected: Tally[tuple[dt.datetime, Measure]] = Tally()
                for account, measure, at, number in events:
                    if scope.account_ids is None or account in scope.account_ids:
                        begin = dt.datetime.fromtimestamp(at.timestamp() // span * span, dt.UTC)
                        expected[begin, measure] += number
                totals = read_totals(scope, span, noon, noon + dt.timedelta(days=4))
                assert [(at, measure) for at, measure, _ in totals] == sorted(expected)
                assert {(at, measure): n for at, measure, n in totals} == expected
        assert sums_by_lane(Series.TOTAL) == sums_by_lane(Series.ACCOUNT)

    check()


def sums_by_lane(series: Series) -> dict[tuple[int, str, dt.datetime, int], int]:
    """Return the counters of the spans that accounts and totals have, added up over accounts."""
    sums: Tally[tuple[int, str, dt.datetime, int]] = Tally()
    for counter in Counter.objects.filter(series=series, span__in=(MINUTE, HOUR, DAY)):
        sums[counter.span, counter.key, counter.at, counter.measure] += counter.n
    return sums


def test_totals_of_part_of_a_span_are_those_of_the_whole_span(database: None) -> None:
    noon = dt.datetime(2026, 3, 4, 12, tzinfo=dt.UTC)
    for minute in (4, 5, 9, 10):
        count(minute, noon + dt.timedelta(minutes=minute))
        list(fold_counters())
    since, until = noon + dt.timedelta(minutes=7), noon + dt.timedelta(minutes=8)
    for scope in (EVERYTHING, Scope(frozenset({1}))):
        five = noon + dt.timedelta(minutes=5)
        assert read_totals(scope, FIVE_MINUTES, since, until) == [(five, Measure.SENT, 14)]
        assert read_totals(scope, FIVE_MINUTES, since, until, Measure.REFUSED) == []


def test_a_rate_is_of_the_last_60_seconds(alice: Account, charlie: Account, clock: Clock) -> None:
    batch, idle = create_batch(alice), create_batch(charlie)
    clock.stop()
    clock.advance(seconds=60 - database_now().second + 15)
    now = database_now()
    minute = now.replace(second=0, microsecond=0)
    for at, number in ((minute, 300), (minute - dt.timedelta(minutes=1), 400), (minute - dt.timedelta(minutes=2), 999)):
        count(number, at, account=alice.pk)
        count(number, at, account=alice.pk, series=Series.BATCH, key=str(batch.pk))
        count(number, at, account=0, series=Series.GROUP, key="Google")
        count(number, at, account=alice.pk, measure=Measure.REFUSED)
    list(fold_counters())
    part = 1 - (now - minute).total_seconds() / 60
    expected = (300 + 400 * part) / 60
    for rate in (read_health().rate, sent_rates([batch.pk, idle.pk])[batch.pk]):
        assert rate == pytest.approx(expected)
    assert list(sent_rates([batch.pk, idle.pk])) == [batch.pk]
    assert sent_rates([]) == {}


def test_lateness_is_the_bound_up_to_which_a_share_of_the_mail_was_sent(alice: Account, clock: Clock) -> None:
    now = database_now()
    for measure, number in ((Measure.LATE_1S, 50), (Measure.LATE_10S, 44), (Measure.LATE_1M, 4)):
        count(number, now, account=alice.pk, measure=measure)
    count(2, now - dt.timedelta(hours=30), account=alice.pk, measure=Measure.LATE_LONGER)
    for _ in range(2):
        assert read_health().lateness == Lateness(1, 10, 60)
        list(fold_counters())
    assert lateness_from({}) == Lateness()
    assert lateness_from({Measure.LATE_1S: 1, Measure.LATE_LONGER: 1}) == Lateness(1, math.inf, math.inf)
    assert lateness_from({Measure.LATE_10M: 1}) == Lateness(600, 600, 600)
    words = [describe_lateness(bound) for bound in (None, 1, 10, 60, 600, math.inf)]
    assert words == ["no mail", "within 1 s", "within 10 s", "within 1 min", "within 10 min", "more than 10 min"]


def test_shares_are_of_accounts_with_enough_refusals(alice: Account, charlie: Account, clock: Clock) -> None:
    now = database_now()
    for minutes, number in ((0, 15), (3, 10), (20, 1000)):
        at = now - dt.timedelta(minutes=minutes)
        count(number, at, account=alice.pk, measure=Measure.REFUSED)
        count(3 * number, at, account=alice.pk, key=BULK)
    count(19, now, account=charlie.pk, measure=Measure.REFUSED)
    for _ in range(2):
        for scope in (EVERYTHING, scope_of(alice)):
            (refused,) = [problem for problem in list_problems(scope) if problem.kind is Kind.REFUSED]
            assert refused.text == "Peers refused 25 % of alice's recipients in 10 minutes: 25 of 100."
        assert list_problems(scope_of(charlie)) == []
        list(fold_counters())
