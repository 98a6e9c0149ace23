"""Several sweepers of one installation take turns."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import LazySettings
from django.db import connection

from accounts.models import Account
from batches.handles import create_batch
from batches.models import Parcel
from batches.states import ParcelState
from batches.stop.freeze import freeze_account
from batches.stop.purge import finish_purges, purge_account
from batches.sweep import admit_overdue
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.sweep import prune, sweep, sweep_in_turn
from tests.conftest import Clock
from tests.drafts import draft
from tests.examples import further

HOUR = dt.timedelta(hours=1)


class Ticking:
    """A clock for time slices: `time.monotonic` as the sweeper reads it, which advances with each reading."""

    seconds = 0.0
    tick = 0.0

    def monotonic(self) -> float:
        self.seconds += self.tick
        return self.seconds

    def advance(self, seconds: float) -> int:
        self.seconds += seconds
        return 0


@pytest.fixture
def clock_of_sweeper(monkeypatch: pytest.MonkeyPatch) -> Ticking:
    ticking = Ticking()
    for module in ("mailer.sweep", "batches.sweep", "batches.stop.purge", "batches.admit"):
        monkeypatch.setattr(f"{module}.time", ticking)
    return ticking


@pytest.fixture(autouse=True)
def _long_interval(settings: LazySettings) -> None:
    """Make the interval so long that a slow machine takes no turn by accident."""
    settings.SWEEP_INTERVAL_SECONDS = 1000


def test_a_round_is_done_once_by_any_number_of_sweepers(clock: Clock) -> None:
    assert "plan" in sweep_in_turn()
    clock.advance(seconds=500)
    assert list(sweep_in_turn()) == ["rescue"], "another did it half an interval ago"
    clock.advance(seconds=400)
    assert "plan" in sweep_in_turn()
    clock.advance(hours=-1)
    assert "plan" in sweep_in_turn(), "a clock that was set back does not end the sweeping"


def test_of_two_simultaneous_sweepers_one_takes_the_turn(clock: Clock) -> None:
    sweep_in_turn()
    clock.advance(seconds=2000)

    def come() -> bool:
        try:
            return "plan" in sweep_in_turn()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _: come(), range(4))) == 1


def test_rescue_comes_before_every_duty_that_can_take_long(clock: Clock) -> None:
    duties = list(sweep())
    assert duties[0] == "rescue"
    assert {"finish_purges", "prune", "admit_overdue", "empty_deleted_lists"} < set(duties[1:])


def test_a_slow_duty_is_followed_by_a_rescue(
    clock: Clock, clock_of_sweeper: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    rescues: list[float] = []

    def rescue() -> int:
        rescues.append(clock_of_sweeper.seconds)
        return 0

    monkeypatch.setattr("mailer.sweep.rescue", rescue)
    monkeypatch.setattr("mailer.sweep.finish_purges", lambda: clock_of_sweeper.advance(60))
    sweep()
    assert rescues == [0, 60], "first of all, and once more behind the slow duty"


def test_a_long_purge_ends_its_turn_and_continues_in_the_next_round(
    alice: Account, clock_of_sweeper: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        accept_mail(alice, draft(60, send_at=database_now() + HOUR, batch_id=create_batch(alice).public_id))
    freeze_account(alice, actor="test")
    with monkeypatch.context() as patch:
        patch.setattr("batches.stop.purge.discard_purged", lambda accounts, *, seconds: 0)
        purge_account(alice, actor="test")
    clock_of_sweeper.tick = 1.0
    assert [finish_purges() for _ in range(4)] == [60, 60, 60, 0], "one batch to a turn, when each takes a turn's time"


def test_a_large_batch_is_admitted_page_by_page_over_several_rounds(
    alice: Account, clock: Clock, clock_of_sweeper: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batches.admit.PAGE", 1)
    batch = create_batch(alice).public_id
    for _ in range(3):
        accept_mail(alice, draft(60, send_at=database_now() + HOUR, batch_id=batch))
    clock.advance(hours=2)
    clock_of_sweeper.tick = 1.0
    due = []
    for _ in range(3):
        admit_overdue()
        due.append(Parcel.objects.filter(state=ParcelState.DUE).count())
    assert due == [1, 2, 3]


@further
def test_rows_that_one_round_could_not_prune_are_pruned_in_the_next(
    alice: Account, clock: Clock, clock_of_sweeper: Ticking, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        accept_mail(alice, draft(1))
    deliverer.deliver_due(seconds=5)
    sweep()
    monkeypatch.setattr("mailer.sweep.PRUNE_PAGE", 1)
    clock.advance(hours=24 * 400)
    clock_of_sweeper.tick = 1.0
    unpruned = []
    for _ in range(3):
        prune()
        unpruned.append(Parcel.objects.count())
    assert unpruned == [2, 1, 0], "a page a round, though the hour is not over"
