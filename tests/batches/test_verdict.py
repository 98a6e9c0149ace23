"""Test the rules of the gate, as the specification states them and as the SQL applies them."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from batches.states import BatchStatus
from batches.verdict import Gate, Limits, Verdict, verdict
from tests.examples import for_each

SEND_AT = dt.datetime(2026, 11, 20, 10, 53, tzinfo=dt.UTC)
LIMITS = Limits(retention=dt.timedelta(hours=72))
HOUR = dt.timedelta(hours=1)


def verdict_at(gate: Gate, moment: dt.timedelta) -> Verdict:
    return verdict(gate, SEND_AT + moment, send_at=SEND_AT, due_at=SEND_AT, limits=LIMITS)


@for_each(
    ("gate", "before", "during", "later"),
    [
        (Gate(BatchStatus.OPEN), Verdict.WAIT, Verdict.RELEASE, Verdict.RELEASE),
        (Gate(BatchStatus.PAUSED), Verdict.WAIT, Verdict.RETAIN, Verdict.EXPIRE),
        (Gate(BatchStatus.CANCELLED), Verdict.WAIT, Verdict.DISCARD, Verdict.DISCARD),
        (Gate(BatchStatus.OPEN, is_account_frozen=True), Verdict.WAIT, Verdict.RETAIN, Verdict.RETAIN),
        (Gate(BatchStatus.OPEN, is_parent_frozen=True), Verdict.WAIT, Verdict.RETAIN, Verdict.RETAIN),
        (Gate(BatchStatus.OPEN, is_installation_frozen=True), Verdict.WAIT, Verdict.RETAIN, Verdict.RETAIN),
        (Gate(BatchStatus.PAUSED, is_account_frozen=True), Verdict.WAIT, Verdict.RETAIN, Verdict.RETAIN),
        (Gate(BatchStatus.CANCELLED, is_account_frozen=True), Verdict.WAIT, Verdict.DISCARD, Verdict.DISCARD),
        (
            Gate(BatchStatus.OPEN, is_account_frozen=True, is_purged=True),
            Verdict.WAIT,
            Verdict.DISCARD,
            Verdict.DISCARD,
        ),
        (Gate(BatchStatus.OPEN, is_late=True), Verdict.WAIT, Verdict.HOLD, Verdict.HOLD),
        (Gate(BatchStatus.PAUSED, is_late=True), Verdict.WAIT, Verdict.RETAIN, Verdict.EXPIRE),
    ],
)
def test_each_gate_has_the_verdicts_of_the_table(gate: Gate, before: Verdict, during: Verdict, later: Verdict) -> None:
    assert verdict_at(gate, -HOUR) is before
    assert verdict_at(gate, dt.timedelta(0)) is during
    assert verdict_at(gate, 71 * HOUR) is during
    assert verdict_at(gate, 72 * HOUR) is later


gates = st.builds(Gate, st.sampled_from(BatchStatus), *[st.booleans()] * 5)


@given(gates, st.timedeltas(dt.timedelta(days=-10), dt.timedelta(days=10)))
def test_no_message_is_sent_early_and_no_stopped_one_at_all(gate: Gate, moment: dt.timedelta) -> None:
    result = verdict_at(gate, moment)
    assert (result is Verdict.WAIT) == (moment < dt.timedelta(0))
    if result is Verdict.RELEASE:
        assert gate == Gate(BatchStatus.OPEN)


@given(gates, st.timedeltas(dt.timedelta(0), dt.timedelta(days=10)), st.timedeltas(dt.timedelta(0), HOUR))
def test_a_retry_waits_for_its_next_try_whatever_the_gate(
    gate: Gate, after: dt.timedelta, backoff: dt.timedelta
) -> None:
    due_at = SEND_AT + after + backoff + dt.timedelta(seconds=1)
    assert verdict(gate, SEND_AT + after, send_at=SEND_AT, due_at=due_at, limits=LIMITS) is Verdict.WAIT


@for_each(
    ("opened", "now", "expected"),
    [
        (None, 9, Verdict.RELEASE),
        (None, 10, Verdict.HOLD),
        (5, 10, Verdict.RELEASE),
        (5, 14, Verdict.RELEASE),
        (5, 15, Verdict.HOLD),
        (-100, 9, Verdict.RELEASE),
        (-100, 10, Verdict.HOLD),
    ],
)
def test_lateness_counts_from_the_last_of_due_time_and_opening(opened: int | None, now: int, expected: Verdict) -> None:
    limits = Limits(
        retention=dt.timedelta(hours=72),
        lateness=dt.timedelta(minutes=10),
        opened_at=None if opened is None else SEND_AT + dt.timedelta(minutes=opened),
    )
    moment = SEND_AT + dt.timedelta(minutes=now)
    assert verdict(Gate(BatchStatus.OPEN), moment, send_at=SEND_AT, due_at=SEND_AT, limits=limits) is expected
    assert verdict(Gate(BatchStatus.PAUSED), moment, send_at=SEND_AT, due_at=SEND_AT, limits=limits) is Verdict.RETAIN
