"""Let all contestants play the same wave in rounds, one after the other, alone on the machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.contestants import Contestant, Unavailable
from benchmarks.registry import CEILINGS, CONTESTANTS, SLUICE, measure_ceiling, running
from benchmarks.setting import Setting
from benchmarks.sink import Sink, running_sink
from benchmarks.sluice import Sluice
from benchmarks.sluice import running as sluice_running
from benchmarks.waves import Play, play_warm
from stack import StackError
from stack.folders import temporary_folder
from stack.say import say

MESSAGES = 20_000


@dataclass(frozen=True, slots=True)
class Contest:
    """The plays of all contestants, round by round."""

    plays: dict[str, list[Play]] = field(default_factory=dict)
    ceilings: dict[str, list[float]] = field(default_factory=dict)
    """The rates per second, by name."""
    skipped: dict[str, str] = field(default_factory=dict)
    """The reason for each skipped contestant, by name."""


@contextmanager
def bench_folder(*, delay_ms: float = 0) -> Iterator[tuple[Path, Sink]]:
    """Make a folder for one or several stacks, one after the other, and a sink that stays."""
    with temporary_folder("sluice-bench-") as (folder, _), running_sink(folder, delay_ms=delay_ms) as sink:
        yield folder, sink


@contextmanager
def alone(
    setting: Setting, *, workers: int = 2, delay_ms: float = 0, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[Sluice, Sink]]:
    """Run a stack of Sluice and its sink.

    A quick run keeps them for the next case that wants the same, until `keeping_stacks` ends.
    """
    with ExitStack() as ends:
        key = (workers, delay_ms, *(environment or {}).items())
        if key not in _kept:
            keeper = _keeper if setting.is_quick else ends
            folder, sink = keeper.enter_context(bench_folder(delay_ms=delay_ms))
            sluice = keeper.enter_context(sluice_running(folder, sink, workers=workers, environment=environment))
            if not setting.is_quick:
                yield sluice, sink
                return
            _kept[key] = sluice, sink
        _kept[key][1].forget()
        yield _kept[key]


_kept: dict[tuple[Any, ...], tuple[Sluice, Sink]] = {}
_keeper = ExitStack()


@contextmanager
def keeping_stacks() -> Iterator[None]:
    """Keep stacks for later cases, and take them down at the end of the block."""
    try:
        yield
    finally:
        _kept.clear()
        _keeper.close()


@cache
def contest(setting: Setting) -> Contest:
    """Return the wave of 20,000 that several cases report on; it is played once in a run of the command."""
    return hold(setting, setting.size(MESSAGES, quick=200), setting.count(setting.rounds), ("drain", "accept"))


def hold(setting: Setting, messages: int, rounds: int, cases: tuple[str, ...], *, delay_ms: float = 0) -> Contest:
    """Play a number of rounds of all contestants, and of the ceilings of these cases."""
    results = Contest()
    ceilings = [name for name, ceiling in CEILINGS.items() if ceiling.case in cases]
    for number in range(1, rounds + 1):
        say(f"Round {number} of {rounds}: {messages:,} messages")
        for name in [SLUICE] if setting.is_quick else CONTESTANTS:
            if name not in results.skipped:
                take_turn(setting, results, name, messages, delay_ms)
        for name in ceilings:
            if name not in results.skipped:
                take_measure(results, name, messages, delay_ms)
    return results


def take_turn(setting: Setting, results: Contest, name: str, messages: int, delay_ms: float) -> None:
    """Let a contestant play. One that fails is skipped afterwards; Sluice itself may not fail."""
    try:
        with on_stage(setting, name, delay_ms) as (contestant, sink):
            played = play_warm(contestant, sink, messages)
    except (Unavailable, StackError) as reason:
        if name == SLUICE:
            raise
        skip(results, name, reason)
    else:
        results.plays.setdefault(name, []).append(played)
        say(f"  {name}: {summary_of(played)}")


@contextmanager
def on_stage(setting: Setting, name: str, delay_ms: float) -> Iterator[tuple[Contestant, Sink]]:
    if name == SLUICE:
        with alone(setting, delay_ms=delay_ms) as stage:
            yield stage
    else:
        with bench_folder(delay_ms=delay_ms) as (folder, sink), running(name)(folder, sink) as contestant:
            yield contestant, sink


def take_measure(results: Contest, name: str, messages: int, delay_ms: float) -> None:
    try:
        with bench_folder(delay_ms=delay_ms) as (folder, sink):
            measured = measure_ceiling(name)(folder, sink, messages)
    except (Unavailable, StackError) as reason:
        skip(results, name, reason)
    else:
        results.ceilings.setdefault(name, []).append(measured)
        say(f"  {name}: {measured:,.0f} a second")


def skip(results: Contest, name: str, reason: Exception) -> None:
    results.skipped[name] = str(reason)
    say(f"  {name} is skipped: {reason}")


def summary_of(played: Play) -> str:
    """Return a play in one line, for a person."""
    spoilt = f", {played.lost} LOST, {played.doubled} DOUBLED, {played.early} EARLY" if not played.is_sound else ""
    return (
        f"scheduled {played.accepted_per_second:,.0f} a second, drained {played.drained_per_second:,.0f}"
        f", p99 {played.lateness(0.99):.2f} s late, {played.drain_cpu * 1e6:.0f} µs of CPU each{spoilt}"
    )
