"""Several sweepers of one installation take turns."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import LazySettings
from django.db import connection

from mailer.sweep import sweep_in_turn
from tests.conftest import Clock


@pytest.fixture(autouse=True)
def _long_interval(settings: LazySettings) -> None:
    """A busy machine takes no turn by being slow."""
    settings.SWEEP_INTERVAL_SECONDS = 1000


def test_a_round_is_done_once_however_many_sweepers_there_are(clock: Clock) -> None:
    assert "plan" in sweep_in_turn()
    clock.advance(seconds=500)
    assert list(sweep_in_turn()) == ["rescue"], "another did it half an interval ago"
    clock.advance(seconds=400)
    assert "plan" in sweep_in_turn()
    clock.advance(hours=-1)
    assert "plan" in sweep_in_turn(), "a clock that was set back does not end the sweeping"


def test_of_two_that_come_at_the_same_moment_one_does_it(clock: Clock) -> None:
    sweep_in_turn()
    clock.advance(seconds=2000)

    def come() -> bool:
        try:
            return "plan" in sweep_in_turn()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _: come(), range(4))) == 1
