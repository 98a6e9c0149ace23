"""Measure requests of one message by eight callers, each on a connection that stays open (case `accept-one`)."""

from __future__ import annotations

import time

from benchmarks.contest import Contest, alone, take_measure
from benchmarks.measured import Figure, Growth, Measured
from benchmarks.registry import CEILINGS, SLUICE
from benchmarks.setting import Setting
from benchmarks.sluice import Sluice, mail_body
from stack.say import say

REQUESTS = 2_700
CALLERS = 8
AHEAD_SECONDS = 3600


def measure(setting: Setting) -> Measured:
    """Measure a stack of Sluice and then the ceilings, in each round; the three sizes in the last round only."""
    contest = Contest()
    rates: list[float] = []
    sizes = setting.sizes(REQUESTS, quick=90)
    for number in range(1, setting.count(setting.rounds) + 1):
        say(f"Round {number}: {sizes[-1]:,} requests with one message")
        with alone(setting) as (sluice, _):
            post(sluice, sizes[0])
            costs = [post(sluice, size) for size in sizes]
        rates.append(sizes[-1] / costs[-1][0])
        say(f"  sluice: {rates[-1]:,.0f} a second")
        for name, ceiling in CEILINGS.items():
            if ceiling.case == "accept-one" and name not in contest.skipped:
                take_measure(contest, name, sizes[-1], 0)
    return Measured(
        [Figure("requests/s", {SLUICE: rates, **contest.ceilings}, True)],
        [
            Growth("seconds", sizes, [seconds for seconds, _ in costs]),
            Growth("CPU seconds", sizes, [cpu for _, cpu in costs]),
        ],
        {f"{name} is skipped": reason for name, reason in contest.skipped.items()},
    )


def post(sluice: Sluice, requests: int) -> tuple[float, float]:
    """Return the seconds, and the CPU seconds of everything except the callers."""
    send_at = int(time.time()) + AHEAD_SECONDS
    bodies = [mail_body(n, n + 1, send_at=send_at) for n in range(requests)]
    before = sluice.cpu()
    per_second = sluice.post_mails(iter(bodies), callers=CALLERS)
    return requests / per_second, sum(sluice.cpu().since(before))
