"""Rounds: in each, everybody plays the same wave, one after the other, alone on the machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from benchmarks.contestants import Unavailable
from benchmarks.registry import CEILINGS, CONTESTANTS, SLUICE, measure_ceiling, running
from benchmarks.setting import Setting
from benchmarks.sink import Sink, running_sink
from benchmarks.waves import Play, play, warm_up
from stack import StackError
from stack.folders import temporary_folder
from stack.say import say

MESSAGES = 20_000


@dataclass(frozen=True, slots=True)
class Contest:
    """What everybody has shown, round after round."""

    plays: dict[str, list[Play]] = field(default_factory=dict)
    ceilings: dict[str, list[float]] = field(default_factory=dict)
    """Per second, by name."""
    skipped: dict[str, str] = field(default_factory=dict)
    """Why, by name."""


@contextmanager
def bench_folder(*, delay_ms: float = 0) -> Iterator[tuple[Path, Sink]]:
    """For one or several stacks, one after the other, and a sink that stays."""
    with temporary_folder("sluice-bench-") as (folder, _), running_sink(folder, delay_ms=delay_ms) as sink:
        yield folder, sink


@cache
def contest(setting: Setting) -> Contest:
    """The wave of 20,000 that several cases look at; played once in a run of the command."""
    return hold(setting, setting.size(MESSAGES, quick=200), setting.count(setting.rounds), ("drain", "accept"))


def hold(setting: Setting, messages: int, rounds: int, cases: tuple[str, ...], *, delay_ms: float = 0) -> Contest:
    """So many rounds of everybody, and of the ceilings of these cases."""
    held = Contest()
    ceilings = [name for name, ceiling in CEILINGS.items() if ceiling.case in cases]
    for number in range(1, rounds + 1):
        say(f"Round {number} of {rounds}: {messages:,} messages")
        for name in [SLUICE] if setting.is_quick else CONTESTANTS:
            if name not in held.skipped:
                take_turn(held, name, messages, delay_ms)
        for name in ceilings:
            if name not in held.skipped:
                take_measure(held, name, messages, delay_ms)
    return held


def take_turn(held: Contest, name: str, messages: int, delay_ms: float) -> None:
    """A contestant that fails is skipped from then on; Sluice itself may not fail."""
    try:
        with bench_folder(delay_ms=delay_ms) as (folder, sink), running(name)(folder, sink) as contestant:
            per_second = warm_up(contestant, sink, min(messages, 1000))
            played = play(contestant, sink, messages, per_second=per_second)
    except (Unavailable, StackError) as reason:
        if name == SLUICE:
            raise
        skip(held, name, reason)
    else:
        held.plays.setdefault(name, []).append(played)
        say(f"  {name}: {told(played)}")


def take_measure(held: Contest, name: str, messages: int, delay_ms: float) -> None:
    try:
        with bench_folder(delay_ms=delay_ms) as (folder, sink):
            measured = measure_ceiling(name)(folder, sink, messages)
    except (Unavailable, StackError) as reason:
        skip(held, name, reason)
    else:
        held.ceilings.setdefault(name, []).append(measured)
        say(f"  {name}: {measured:,.0f} a second")


def skip(held: Contest, name: str, reason: Exception) -> None:
    held.skipped[name] = str(reason)
    say(f"  {name} is skipped: {reason}")


def told(played: Play) -> str:
    """For a person, in one line."""
    spoilt = f", {played.lost} LOST, {played.doubled} DOUBLED, {played.early} EARLY" if not played.is_sound else ""
    return (
        f"scheduled {played.accepted_per_second:,.0f} a second, drained {played.drained_per_second:,.0f}"
        f", p99 {played.lateness(0.99):.2f} s late, {played.drain_cpu * 1e6:.0f} µs of CPU each{spoilt}"
    )
