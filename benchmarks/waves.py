"""Play a wave: messages scheduled for one moment, and the time at which each arrived at the sink."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.contestants import Contestant, Cpu
from benchmarks.sink import Sink
from stack import StackError
from stack.say import say

WARM_UP = 1000
"""The number of messages."""
WARM_UP_SECONDS = 2.0
"""The time that their scheduling is expected to take."""
STALLED_SECONDS = 60.0
"""The longest time without an arrival after `send_at`; then the wave ends with the messages so far."""
MARGIN_SECONDS = 1.0
TRIES = 3
DOUBLES_SECONDS = 0.5
"""The time for which the sink is watched for duplicates after the last message."""


@dataclass(frozen=True, slots=True)
class Play:
    """The measurements of one wave of `messages`."""

    messages: int
    schedule_seconds: float
    latenesses: list[float]
    """Seconds after `send_at`, ascending, of the first arrival of each message."""
    doubled: int
    scheduling: Cpu
    waiting: Cpu
    """The CPU time between the end of scheduling and `send_at`."""
    draining: Cpu

    @property
    def accepted_per_second(self) -> float:
        return self.messages / self.schedule_seconds

    @property
    def drained_per_second(self) -> float:
        return len(self.latenesses) / self.latenesses[-1]

    @property
    def lost(self) -> int:
        return self.messages - len(self.latenesses)

    @property
    def early(self) -> int:
        return sum(late < 0 for late in self.latenesses)

    @property
    def is_sound(self) -> bool:
        """Return whether every message arrived once and none before its time."""
        return not (self.lost or self.doubled or self.early)

    def lateness(self, share: float) -> float:
        """Return the seconds within which this share of the wave arrived; 1.0 is all of it."""
        return self.latenesses[min(int(len(self.latenesses) * share), len(self.latenesses) - 1)]

    @property
    def drain_cpu(self) -> float:
        """Return the CPU seconds per message after `send_at`."""
        return sum(self.draining) / self.messages

    @property
    def whole_cpu(self) -> float:
        """Return the CPU seconds per message, including the scheduling."""
        return sum(map(sum, (self.scheduling, self.waiting, self.draining))) / self.messages

    def curve(self, points: int = 100) -> list[tuple[float, float]]:
        """Return points (seconds after `send_at`, share that had arrived) for a plot."""
        marks = [number / points for number in range(points + 1)]
        return [(round(self.lateness(mark), 4), mark) for mark in marks]


def play(contestant: Contestant, sink: Sink, messages: int, *, per_second: float) -> Play:
    """Schedule a wave as far ahead as a rate of about `per_second` requires, and wait until it was sent.

    A wave whose scheduling took too long is played again, with more time. Raises StackError when that does not help, or
    when nothing arrives.
    """
    seconds = MARGIN_SECONDS + messages / per_second
    for _ in range(TRIES):
        sink.forget()
        rest_seconds = contestant.rest_seconds(messages)
        send_at = math.ceil(time.time() + seconds + rest_seconds)
        readings = [contestant.cpu()]
        began_at = time.monotonic()
        contestant.schedule(messages, send_at)
        took = time.monotonic() - began_at
        readings.append(contestant.cpu())
        if time.time() < send_at - rest_seconds:
            break
        say(f"  Scheduling {messages:,} messages took {took:.1f} s, longer than expected. The wave is repeated.")
        wait_for(sink, messages, time.time())
        seconds = 2 * max(seconds, took)
    else:
        raise StackError(f"scheduling {messages:,} messages took longer than expected, {TRIES} times")
    time.sleep(max(0, send_at - time.time() - 0.1))
    readings.append(contestant.cpu())
    wait_for(sink, messages, send_at)
    readings.append(contestant.cpu())
    time.sleep(DOUBLES_SECONDS)
    arrivals = sink.arrivals()
    if not arrivals:
        raise StackError(f"no message arrived within {STALLED_SECONDS:.0f} s of its time")
    firsts: dict[int, float] = {}
    for at, number in arrivals:
        firsts.setdefault(number, at - send_at)
    parts = [after.since(before) for before, after in pairwise(readings)]
    return Play(messages, took, sorted(firsts.values()), len(arrivals) - len(firsts), *parts)


def wait_for(sink: Sink, messages: int, send_at: float) -> None:
    """Wait until the sink has this number of messages, or has got none for a long time."""
    count, grew_at = sink.count(), send_at
    while count < messages and time.time() < grew_at + STALLED_SECONDS:
        time.sleep(0.02)
        if sink.count() > count:
            count, grew_at = sink.count(), time.time()


def warm_up(contestant: Contestant, sink: Sink, messages: int = WARM_UP) -> float:
    """Play a small wave, so that everything is connected and loaded; return how many are scheduled per second."""
    return play(contestant, sink, messages, per_second=messages / WARM_UP_SECONDS).accepted_per_second


def play_warm(contestant: Contestant, sink: Sink, messages: int) -> Play:
    """Play a wave after a small one."""
    per_second = warm_up(contestant, sink, min(messages, WARM_UP))
    return play(contestant, sink, messages, per_second=per_second)
