"""Measure three views of the same waves: the cases `drain`, `accept` and `lateness`.

All contestants play 20,000 messages in each round (benchmarks/contest.py). Sluice alone plays three sizes up to
100,000, once, and there every message must have its outcome on disk.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from benchmarks.contest import alone, contest, summary_of
from benchmarks.measured import Figure, Growth, Measured
from benchmarks.registry import CEILINGS, SLUICE
from benchmarks.setting import Setting
from benchmarks.waves import Play, play, warm_up
from stack.say import say

LARGE = 100_000
CAREFUL = 0.7
"""A larger wave is expected to be scheduled at this share of the rate of the one before."""


def drain(setting: Setting) -> Measured:
    """Measure the drain: from `send_at` until the sink has the last message."""
    plays = grown(setting)
    return measured(
        setting,
        [
            compared(setting, "messages/s", lambda play: play.drained_per_second, "drain"),
            compared(setting, "CPU from send_at on, µs/message", lambda play: play.drain_cpu * 1e6),
            compared(setting, "CPU from scheduling on, µs/message", lambda play: play.whole_cpu * 1e6),
            Figure(f"{plays[-1].messages:,}, messages/s", {SLUICE: [plays[-1].drained_per_second]}, True),
        ],
        [
            growth("seconds", lambda play: play.lateness(1), plays),
            growth("CPU seconds", lambda play: sum(play.draining), plays),
        ],
    )


def accept(setting: Setting) -> Measured:
    """Measure scheduling until the last message is safe; Sluice gets 1,000 messages per request from 4 callers."""
    plays = grown(setting)
    return measured(
        setting,
        [
            compared(setting, "messages/s", lambda play: play.accepted_per_second, "accept"),
            compared(setting, "CPU, µs/message", lambda play: sum(play.scheduling) / play.messages * 1e6),
        ],
        [
            growth("seconds", lambda play: play.schedule_seconds, plays),
            growth("CPU seconds", lambda play: sum(play.scheduling), plays),
        ],
    )


def lateness(setting: Setting) -> Measured:
    """Measure how long after `send_at` messages come: the median of the wave, p99, and the last."""
    plays = grown(setting)
    figures = [
        compared(setting, "p50, ms", lambda play: play.lateness(0.5) * 1000),
        compared(setting, "p99, ms", lambda play: play.lateness(0.99) * 1000),
        compared(setting, "last, ms", lambda play: play.lateness(1) * 1000),
    ]
    curves = {name: middle(plays).curve() for name, plays in contest(setting).plays.items()}
    return measured(setting, figures, [growth("p99, seconds", lambda play: play.lateness(0.99), plays)], curves)


@cache
def grown(setting: Setting) -> list[Play]:
    """Play waves of three sizes by Sluice alone, and count the outcomes on disk."""
    plays: list[Play] = []
    with alone(setting) as (sluice, sink):
        say(f"Sluice alone, up to {setting.sizes(LARGE, quick=900)[-1]:,} messages")
        per_second = warm_up(sluice, sink)
        for messages in setting.sizes(LARGE, quick=900):
            before = sluice.outcomes()
            plays.append(play(sluice, sink, messages, per_second=per_second))
            per_second = plays[-1].accepted_per_second * CAREFUL
            sluice.wait_for_outcomes(before + messages)
            say(f"  {messages:,}: {summary_of(plays[-1])}")
    return plays


def compared(setting: Setting, name: str, value: Callable[[Play], float], ceilings_of: str = "") -> Figure:
    """Return a figure of all contestants in all rounds; a rate has the ceilings of its case beside it."""
    results = contest(setting)
    runs = {contestant: [value(play) for play in plays] for contestant, plays in results.plays.items()}
    beside = {other: rates for other, rates in results.ceilings.items() if CEILINGS[other].case == ceilings_of}
    return Figure(f"{results.plays[SLUICE][0].messages:,}, {name}", runs | beside, bool(ceilings_of))


def growth(name: str, cost: Callable[[Play], float], plays: list[Play]) -> Growth:
    return Growth(name, [play.messages for play in plays], [cost(play) for play in plays])


def middle(plays: list[Play]) -> Play:
    """Return the play with the median drain."""
    return sorted(plays, key=lambda play: play.drained_per_second)[len(plays) // 2]


def measured(
    setting: Setting,
    figures: list[Figure],
    grows: list[Growth],
    curves: dict[str, list[tuple[float, float]]] | None = None,
) -> Measured:
    """Return the measurement: sound if Sluice lost and doubled nothing, with the losses of peers as facts."""
    results = contest(setting)
    sluice_plays = [*results.plays[SLUICE], *grown(setting)]
    facts: dict[str, Any] = {
        f"{other} lost or doubled": sum(play.lost + play.doubled for play in plays)
        for other, plays in results.plays.items()
        if not all(play.is_sound for play in plays)
    }
    facts |= {f"{name} is skipped": reason for name, reason in results.skipped.items()}
    return Measured(figures, grows, facts, curves or {}, is_sound=all(play.is_sound for play in sluice_plays))
