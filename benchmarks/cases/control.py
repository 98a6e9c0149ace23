"""Measure pause, resume and cancel of waiting batches of three sizes, over HTTP (case `control`).

The batches are filled by SQL. A cancelled batch whose time has not come can be resumed, so each round does: pause,
resume, cancel, resume.
"""

from __future__ import annotations

import json
import time
from statistics import median

from benchmarks.callers import Caller
from benchmarks.contest import alone
from benchmarks.measured import Figure, Growth, Measured, spread
from benchmarks.registry import SLUICE
from benchmarks.setting import Setting
from stack.say import say

LARGE, SMALL = 1_000_000, 1_000
ROUNDS = 100
AHEAD_SECONDS = 24 * 3600
PATH = "/v3/user/scheduled_sends"


def measure(setting: Setting) -> Measured:
    middle = round((LARGE * SMALL) ** 0.5, -3)
    sizes = setting.sizes(0, quick=900) if setting.is_quick else [SMALL, int(middle), LARGE]
    times: dict[tuple[str, int], list[float]] = {}
    with alone(setting) as (sluice, _):
        batches = {}
        for size in sizes:
            batches[size] = sluice.create_batch()
            sluice.fill(batches[size], size - 1, send_at=time.time() + AHEAD_SECONDS)
        caller = sluice.caller()
        say(f"Pausing, resuming and cancelling batches of {', '.join(f'{size:,}' for size in sizes)}")
        for _ in range(5 if setting.is_quick else ROUNDS):
            for size, batch_id in batches.items():
                for action in ("pause", "resume", "cancel", "resume"):
                    times.setdefault((action, size), []).append(move(caller, batch_id, action))
        caller.close()
    actions = ("pause", "resume", "cancel")
    return Measured(
        [
            *(
                figure
                for size in (sizes[0], sizes[-1])
                for action in actions
                for figure in spread(f"{action} of {size:,}", times[action, size])
            ),
            *(
                Figure(
                    f"{action}, {sizes[-1]:,} to {sizes[0]:,}, times",
                    {SLUICE: [median(times[action, sizes[-1]]) / median(times[action, sizes[0]])]},
                )
                for action in actions
            ),
        ],
        [Growth(f"{action}, ms", sizes, [median(times[action, size]) for size in sizes]) for action in actions],
    )


def move(caller: Caller, batch_id: str, action: str) -> float:
    """Return the milliseconds until a settled answer."""
    began_at = time.monotonic()
    if action == "resume":
        caller.ask("DELETE", f"{PATH}/{batch_id}")
    else:
        caller.ask("POST", PATH, json.dumps({"batch_id": batch_id, "status": action}).encode())
    return (time.monotonic() - began_at) * 1000
