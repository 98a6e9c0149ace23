"""Measure with a peer that takes 20 ms for each reply, so that connections count (`slow-sink` and `workers`)."""

from __future__ import annotations

from statistics import median

from benchmarks.contest import alone, hold, summary_of
from benchmarks.measured import Figure, Growth, Measured
from benchmarks.registry import SLUICE
from benchmarks.setting import Setting
from benchmarks.waves import Play, play, play_warm, warm_up
from stack.say import say

DELAY_MS = 20
MESSAGES = 27_000
CONNECTIONS = 200
"""SMTP_CONNECTIONS of each process, as an operator with a peer this far away would set it."""
PEERS_MESSAGES = 500
"""Peers wait for each command, so few messages are enough."""
FLEETS = (1, 2, 4)
FLEET_MESSAGES = 10_000
FLEET_CONNECTIONS = 25
"""The connections of each process: so few that four processes need no more CPU time than two cores have."""


def slow_sink(setting: Setting) -> Measured:
    """Measure three sizes with many connections per process, and all contestants with few messages."""
    plays: list[Play] = []
    environment = {"SMTP_CONNECTIONS": str(CONNECTIONS)}
    with alone(setting, delay_ms=DELAY_MS, environment=environment) as (sluice, sink):
        sizes = setting.sizes(MESSAGES, quick=900)
        say(f"Sluice alone, {DELAY_MS} ms for each reply, {CONNECTIONS} connections to a process")
        per_second = warm_up(sluice, sink)
        for size in sizes:
            plays.append(play(sluice, sink, size, per_second=per_second))
            say(f"  {size:,}: {summary_of(plays[-1])}")
    few = setting.size(PEERS_MESSAGES, quick=100)
    contest = hold(setting, few, setting.count(setting.rounds), ("slow-sink",), delay_ms=DELAY_MS)
    sluice_plays = [*plays, *contest.plays[SLUICE]]
    rates = {name: [wave_play.drained_per_second for wave_play in plays] for name, plays in contest.plays.items()}
    peers = [median(rate) for name, rate in rates.items() if name != SLUICE]
    return Measured(
        [
            Figure("messages/s, a process", {SLUICE: [plays[-1].drained_per_second / 2]}, True),
            Figure(f"{few}, as it comes, messages/s", rates | contest.ceilings, True),
            *(
                [Figure(f"{few}, to the best peer, times", {SLUICE: [median(rates[SLUICE]) / max(peers)]}, True)]
                if peers
                else []
            ),
        ],
        [
            Growth("seconds", sizes, [wave_play.lateness(1) for wave_play in plays]),
            Growth("CPU seconds", sizes, [sum(wave_play.draining) for wave_play in plays]),
        ],
        {f"{name} is skipped": reason for name, reason in contest.skipped.items()},
        is_sound=all(wave_play.is_sound for wave_play in sluice_plays),
    )


def workers(setting: Setting) -> Measured:
    """Measure how much faster two and four worker processes are than one."""
    messages = setting.size(FLEET_MESSAGES, quick=300)
    fleets = FLEETS[: 2 if setting.is_quick else 3]
    plays: dict[int, list[Play]] = {fleet: [] for fleet in fleets}
    for _ in range(setting.count(setting.rounds)):
        for fleet in fleets:
            environment = {"SMTP_CONNECTIONS": str(FLEET_CONNECTIONS)}
            with alone(setting, workers=fleet, delay_ms=DELAY_MS, environment=environment) as (sluice, sink):
                plays[fleet].append(play_warm(sluice, sink, messages))
                say(f"  {fleet} at work: {summary_of(plays[fleet][-1])}")
    rates = {fleet: [play.drained_per_second for play in plays[fleet]] for fleet in fleets}
    return Measured(
        [
            *(Figure(f"{fleet} at work, messages/s", {SLUICE: rates[fleet]}, True) for fleet in fleets),
            *(
                Figure(f"{fleet} to 1, times", {SLUICE: [median(rates[fleet]) / median(rates[fleets[0]])]}, True)
                for fleet in fleets[1:]
            ),
        ],
        is_sound=all(play.is_sound for plays_of_fleet in plays.values() for play in plays_of_fleet),
    )
