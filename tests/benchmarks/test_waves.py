"""Test the figures of a wave's arrivals, with a contestant that sends what a test asks for."""

from __future__ import annotations

import smtplib
import threading
import time
from pathlib import Path

import pytest

from benchmarks import waves
from benchmarks.contestants import Cpu
from benchmarks.mail import SENDER, recipient
from benchmarks.sink import Sink, running_sink
from benchmarks.waves import play
from stack import StackError

pytestmark = pytest.mark.large

MESSAGES = 4


class Sender:
    """A contestant that sends to these numbers, a number of seconds after `send_at`."""

    def __init__(self, sink: Sink, *, numbers: list[int], delay: float = 0.0) -> None:
        self.sink, self.numbers, self.delay = sink, numbers, delay

    def schedule(self, messages: int, send_at: float) -> None:
        threading.Timer(send_at + self.delay - time.time(), self.send).start()

    def send(self) -> None:
        with smtplib.SMTP("127.0.0.1", self.sink.port, timeout=10) as client:
            for number in self.numbers:
                client.sendmail(SENDER, [recipient(number)], "Hello.\r\n")

    def rest_seconds(self, messages: int) -> float:
        return 0.0

    def cpu(self) -> Cpu:
        return Cpu(1.0, 2.0)


@pytest.fixture
def sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sink:
    monkeypatch.setattr(waves, "STALLED_SECONDS", 0.5)
    monkeypatch.setattr(waves, "MARGIN_SECONDS", 0.4)
    with running_sink(tmp_path) as running:
        yield running


@pytest.mark.parametrize(
    ("numbers", "delay", "spoilt"),
    [
        ([0, 1, 2, 3], 0.1, (0, 0, 0)),
        ([0, 1, 3], 0.1, (1, 0, 0)),
        ([0, 1, 1, 2, 3], 0.1, (0, 1, 0)),
        ([0, 1, 2, 3], -0.3, (0, 0, 4)),
    ],
)
def test_a_play_counts_lost_doubled_and_early(
    numbers: list[int], delay: float, spoilt: tuple[int, int, int], sink: Sink
) -> None:
    played = play(Sender(sink, numbers=numbers, delay=delay), sink, MESSAGES, per_second=1000)
    assert (played.lost, played.doubled, played.early) == spoilt
    assert played.is_sound is (spoilt == (0, 0, 0))
    assert delay < played.lateness(0.5) < delay + 1


def test_a_wave_without_arrivals_is_an_error(sink: Sink) -> None:
    with pytest.raises(StackError, match="no message arrived"):
        play(Sender(sink, numbers=[]), sink, MESSAGES, per_second=1000)


class Slow(Sender):
    """A contestant whose first waves are late."""

    def __init__(self, sink: Sink, *, times: int) -> None:
        super().__init__(sink, numbers=[0, 1, 2, 3], delay=0.1)
        self.times = times

    def schedule(self, messages: int, send_at: float) -> None:
        if self.times:
            self.times -= 1
            time.sleep(max(0, send_at - time.time()) + 0.1)
        super().schedule(messages, max(send_at, time.time()))


def test_a_wave_that_was_scheduled_too_late_is_played_again(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waves, "MARGIN_SECONDS", 0.1)
    played = play(Slow(sink, times=1), sink, MESSAGES, per_second=1000)
    assert (played.messages, played.is_sound) == (MESSAGES, True)


def test_a_contestant_that_stays_late_is_given_up(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waves, "MARGIN_SECONDS", 0.1)
    monkeypatch.setattr(waves, "TRIES", 1)
    with pytest.raises(StackError, match="1 times"):
        play(Slow(sink, times=1), sink, MESSAGES, per_second=1000)
