"""Measure the memory of a message while it waits, and its bytes on disk after it was sent (`memory` and `storage`)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import queries
from benchmarks.contest import alone
from benchmarks.contestants import tree
from benchmarks.measured import Figure, Growth, Measured
from benchmarks.registry import SLUICE
from benchmarks.setting import Setting
from benchmarks.sluice import Sluice
from benchmarks.waves import play, warm_up
from foundation.redis_client import client_for
from stack.say import say

WAITING = 1_000_000
STORED = 100_000
AHEAD_SECONDS = 12 * 3600
CELERY = ("worker", "eta", "audience", "beat")


def memory(setting: Setting) -> Measured:
    """Measure workers and Redis before and after up to a million messages are scheduled.

    The workers' figure is the PSS of all Celery processes. The messages come over HTTP and are due beyond the horizon.
    A wave passes through the stack first, so that everything that it always needs is in memory before.
    """
    sizes = setting.sizes(WAITING, quick=900)
    with alone(setting) as (sluice, sink):
        warm_up(sluice, sink)
        before, grown, waiting = held_bytes(sluice), [], 0
        for size in sizes:
            sluice.schedule(size - waiting, time.time() + AHEAD_SECONDS)
            waiting = size
            after = held_bytes(sluice)
            grown.append({part: after[part] - before[part] for part in after})
            say(f"  {size:,} wait: " + ", ".join(f"{part} {grown[-1][part]:+,} bytes" for part in after))
    return Measured(
        [
            *(
                Figure(f"{size:,}, {part}, bytes/message", {SLUICE: [more[part] / size]})
                for size, more in zip(sizes, grown, strict=True)
                for part in before
            ),
            *(Figure(f"{part} with none, MB", {SLUICE: [before[part] / 1e6]}) for part in before),
        ],
        [Growth(f"{part}, bytes more", sizes, [more[part] for more in grown]) for part in before],
    )


def held_bytes(sluice: Sluice) -> dict[str, int]:
    redis = client_for(sluice.stack.environment["REDIS_URL"], timeout_seconds=5)
    try:
        used = int(redis.info("memory")["used_memory"])
    finally:
        redis.close()
    return {"workers": memory_of(sluice.pids(*CELERY)), "Redis": used}


def memory_of(pids: Sequence[int]) -> int:
    """Return the bytes of these processes and their children."""
    return sum(map(pss, tree(pids)))


def pss(pid: int) -> int:
    """Return the bytes of memory that a process holds alone, plus its part of shared memory."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def storage(setting: Setting) -> Measured:
    """Measure the growth of PostgreSQL's database for each scheduled message, and for each sent one.

    Indexes count, and so do the substitutions of each message. The database is measured as it is on disk, including the
    dead rows of claims.
    """
    sizes = setting.sizes(STORED, quick=900)
    scheduled, delivered = [], []
    with alone(setting) as (sluice, sink):
        per_second = warm_up(sluice, sink)
        for size in sizes:
            before = sluice.number(queries.DATABASE_BYTES)
            sluice.schedule(size, time.time() + AHEAD_SECONDS)
            scheduled.append(sluice.number(queries.DATABASE_BYTES) - before)
            before, outcomes = sluice.number(queries.DATABASE_BYTES), sluice.outcomes()
            play(sluice, sink, size, per_second=per_second)
            sluice.wait_for_outcomes(outcomes + size)
            delivered.append(sluice.number(queries.DATABASE_BYTES) - before)
            say(f"  {size:,}: {scheduled[-1]:,} bytes scheduled, {delivered[-1]:,} delivered")
    figures = [
        Figure(f"{size:,} {state}, bytes/message", {SLUICE: [grown / size]})
        for state, all_grown in {"scheduled": scheduled, "delivered": delivered}.items()
        for size, grown in zip(sizes, all_grown, strict=True)
    ]
    return Measured(
        figures, [Growth("scheduled, bytes", sizes, scheduled), Growth("delivered, bytes", sizes, delivered)]
    )
