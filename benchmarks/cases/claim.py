"""Measure waves of 20,000 while up to ten million messages wait for a later time, or none (case `claim`).

The waiting messages are written by SQL, 500 to a parcel, each parcel at a different second within three days.
"""

from __future__ import annotations

import time
from statistics import median

from benchmarks.contest import alone, summary_of
from benchmarks.measured import Figure, Growth, Measured
from benchmarks.registry import SLUICE
from benchmarks.setting import Setting
from benchmarks.waves import Play, play, warm_up
from stack.say import say

WAITING = 10_000_000
MESSAGES = 20_000
AHEAD_SECONDS = 2 * 3600
SPAN_SECONDS = 68 * 3600
"""Three days are as far ahead as a message may be scheduled."""


def measure(setting: Setting) -> Measured:
    sizes = [0, *setting.sizes(WAITING, quick=9_000)]
    messages = setting.size(MESSAGES, quick=300)
    plays: dict[int, list[Play]] = {size: [] for size in sizes}
    with alone(setting) as (sluice, sink):
        per_second = warm_up(sluice, sink)
        batch_id, waiting = sluice.create_batch(), 0
        for size in sizes:
            if size:
                say(f"Adding waiting messages, up to {size:,} …")
                sluice.fill(batch_id, size - waiting, send_at=time.time() + AHEAD_SECONDS, span_seconds=SPAN_SECONDS)
            waiting = size
            for _ in range(setting.count(setting.rounds)):
                plays[size].append(play(sluice, sink, messages, per_second=per_second))
                say(f"  beside {size:,}: {summary_of(plays[size][-1])}")
    rates = {size: [wave_play.drained_per_second for wave_play in plays[size]] for size in sizes}
    cpu = [median(sum(wave_play.draining) for wave_play in plays[size]) for size in sizes]
    return Measured(
        [
            *(Figure(f"beside {size:,}, messages/s", {SLUICE: rates[size]}, True) for size in sizes),
            *(
                Figure(
                    f"beside {size:,}, CPU, µs/message",
                    {SLUICE: [wave_play.drain_cpu * 1e6 for wave_play in plays[size]]},
                )
                for size in (sizes[0], sizes[-1])
            ),
            Figure(
                f"{sizes[-1]:,} waiting to none, times", {SLUICE: [median(rates[sizes[-1]]) / median(rates[0])]}, True
            ),
        ],
        [Growth("CPU seconds of the wave", sizes[1:], cpu[1:])],
        is_sound=all(wave_play.is_sound for plays_of_size in plays.values() for wave_play in plays_of_size),
    )
