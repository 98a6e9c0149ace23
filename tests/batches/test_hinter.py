"""Test the hinter, a thread of a web process that publishes hints after the commits that they are about."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from typing import Any

import pytest

from batches import hints
from batches.hints import Hinter, WaveKey
from batches.states import Lane
from tests.waiting import wait_until

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


class Published:
    """A record of published hints, in place of a broker; publishing blocks while `may_go` is not set."""

    def __init__(self) -> None:
        self.due: list[tuple[Lane, int]] = []
        self.waves: list[WaveKey] = []
        self.may_go = threading.Event()
        self.may_go.set()
        self.is_begun = threading.Event()

    def hint_due(self, lane: Lane, parcels: int) -> None:
        self.is_begun.set()
        self.may_go.wait(10)
        self.due.append((lane, parcels))

    def hint_wave(self, *wave: Any) -> bool:
        self.waves.append(wave)
        return True


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Published:
    published = Published()
    monkeypatch.setattr(hints, "hint_due", published.hint_due)
    monkeypatch.setattr(hints, "hint_wave", published.hint_wave)
    return published


def note_due(hinter: Hinter, lane: Lane = Lane.TRANSACTIONAL, parcels: int = 1) -> None:
    hinter.note(Counter({lane: parcels}), [], now=NOW)


def note_wave(hinter: Hinter, wave: WaveKey) -> None:
    hinter.note(Counter(), [wave], now=NOW)


def test_hints_added_while_it_publishes_are_published_together_afterwards(published: Published) -> None:
    published.may_go.clear()
    hinter = Hinter()
    note_due(hinter)
    assert published.is_begun.wait(10)
    for _ in range(5):
        note_due(hinter)
    note_due(hinter, Lane.BULK, parcels=3)
    published.may_go.set()
    wait_until(lambda: len(published.due) == 3, why="two rounds")
    assert published.due[0] == (Lane.TRANSACTIONAL, 1)
    assert set(published.due[1:]) == {(Lane.TRANSACTIONAL, 5), (Lane.BULK, 3)}


def test_a_wave_is_planned_once_for_all_that_is_accepted_before_its_time(published: Published) -> None:
    hinter = Hinter()
    wave, other = (1, NOW + MINUTE), (2, NOW + MINUTE)
    note_wave(hinter, wave)
    wait_until(lambda: hinter._planned == {wave}, why="the first wave")
    note_wave(hinter, wave)
    note_wave(hinter, other)
    wait_until(lambda: hinter._planned == {wave, other}, why="the other wave")
    assert published.waves == [wave, other]


def test_a_wave_that_may_fire_before_the_commit_is_hinted_for_each_mail(published: Published) -> None:
    hinter = Hinter()
    wave = (1, NOW + dt.timedelta(seconds=1))
    for rounds in (1, 2):
        note_wave(hinter, wave)
        wait_until(lambda rounds=rounds: len(published.waves) == rounds, why="a hint")


def test_a_wave_that_the_broker_did_not_take_is_hinted_again(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[WaveKey] = []
    hinter = Hinter()
    with monkeypatch.context() as patch:
        patch.setattr(hints, "hint_wave", lambda *wave: tried.append(wave))
        note_wave(hinter, (1, NOW + MINUTE))
        wait_until(lambda: tried, why="the attempt")
        note_due(hinter)
        wait_until(lambda: published.due, why="the next round")
    note_wave(hinter, (1, NOW + MINUTE))
    wait_until(lambda: published.waves, why="the second attempt")


def test_the_thread_survives_errors(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = threading.Event()

    def fail(*_: Any) -> None:
        failed.set()
        raise RuntimeError("a test's")

    hinter = Hinter()
    with monkeypatch.context() as patch:
        patch.setattr(hints, "hint_due", fail)
        note_due(hinter)
        assert failed.wait(10)
    note_due(hinter)
    wait_until(lambda: published.due, why="the next hint")
