"""Measure stops of a batch of a million pending messages that two worker processes drain (case `stop`).

Each round resumes the batch over HTTP, pauses it at a random moment, and compares the answer with the peer's count, at
once and a second later. The promise is `settled` within a second and equal counts.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.contest import alone
from benchmarks.measured import Figure, Measured, spread
from benchmarks.registry import SLUICE
from benchmarks.setting import Setting
from benchmarks.sink import Sink
from benchmarks.sluice import Sluice
from stack.say import say

PENDING = 1_000_000
QUICK_PENDING = 5_000
DRAINING_SECONDS = (0.2, 2.0)
QUICK_DRAINING_SECONDS = (0.05, 0.1)
PATH = "/v3/user/scheduled_sends"
WATCH_SECONDS = 1.0
"""The time for which the peer is watched after the answer."""
SETTLED_WITHIN_MS = 1000.0


@dataclass(frozen=True, slots=True)
class Round:
    """One stop: the times of its answer and of the resume, its result, and the peer's counts then and later."""

    answer_ms: float
    resume_ms: float
    is_settled: bool
    sent: int
    taken: int
    taken_later: int

    @property
    def is_exact(self) -> bool:
        return self.sent == self.taken == self.taken_later

    @property
    def is_met(self) -> bool:
        return self.is_settled and self.is_exact and self.answer_ms < SETTLED_WITHIN_MS


def measure(setting: Setting) -> Measured:
    """Measure the stops with a stack, a batch and a peer that are made for it."""
    options = parser(setting).parse_args(setting.arguments)
    chance = random.Random(options.seed)
    with alone(setting) as (sluice, sink):
        batch = DrainedBatch(sluice, sink, options.pending)
        rounds = []
        for number in range(1, options.rounds + 1):
            rounds.append(batch.play(chance.uniform(*QUICK_DRAINING_SECONDS if setting.is_quick else DRAINING_SECONDS)))
            say(line(number, rounds[-1]))
        batch.caller.close()
        return conclude(rounds, sink.count())


def conclude(rounds: list[Round], drained: int) -> Measured:
    """Return the figures; they are sound only if every round kept the promise."""
    return Measured(
        [
            *spread("pause", [stop.answer_ms for stop in rounds]),
            *spread("resume", [stop.resume_ms for stop in rounds]),
            Figure("settled, share of the stops", {SLUICE: [sum(stop.is_settled for stop in rounds) / len(rounds)]}),
            Figure("exact, share of the stops", {SLUICE: [sum(stop.is_exact for stop in rounds) / len(rounds)]}),
        ],
        facts={"stops": len(rounds), "drained between them": drained},
        is_sound=all(stop.is_met for stop in rounds),
    )


def line(number: int, played: Round) -> str:
    counts = f"{played.sent} were sent, the peer has {played.taken} and {played.taken_later} later"
    verdict = "" if played.is_met else "  NOT AS PROMISED"
    return f"  {number:>3}  settled {played.is_settled} after {played.answer_ms:.0f} ms: {counts}{verdict}"


class DrainedBatch:
    """The batch, paused between two rounds."""

    def __init__(self, sluice: Sluice, sink: Sink, pending: int) -> None:
        self.sluice, self.sink, self.size = sluice, sink, pending
        self.pending = 0
        self.id = sluice.create_batch()
        self.caller = sluice.caller()
        self.pause()

    def pause(self) -> Mapping[str, str]:
        """Pause the batch and return the headers of the answer."""
        return self.caller.ask("POST", PATH, json.dumps({"batch_id": self.id, "status": "pause"}).encode())[0]

    def play(self, seconds: float) -> Round:
        """Resume the batch, let it drain for this time, pause it, and count."""
        if self.pending < self.size / 2:
            say(f"Filling {self.size - self.pending:,} messages into the paused batch …")
            self.sluice.fill(self.id, self.size - self.pending - 1, send_at=int(time.time()))
            self.pending = self.size
        before = self.sink.count()
        resumed_at = time.monotonic()
        self.caller.ask("DELETE", f"{PATH}/{self.id}")
        resume_ms = (time.monotonic() - resumed_at) * 1000
        self.sluice.stack.wait_until(lambda: self.sink.count() > before, seconds=60, what="the round's first message")
        time.sleep(seconds)
        asked_at = time.monotonic()
        headers = self.pause()
        answer_ms = (time.monotonic() - asked_at) * 1000
        arrived = self.sink.count()
        time.sleep(WATCH_SECONDS)
        later = self.sink.count()
        self.pending -= later - before
        settled, sent = headers["X-Sluice-Settled"] == "true", int(headers["X-Sluice-Sent"])
        return Round(answer_ms, resume_ms, settled, sent, arrived, later)


def parser(setting: Setting) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sluice bench --case stop", description=__doc__)
    rounds, pending = 3 if setting.is_quick else 50, setting.size(PENDING, quick=QUICK_PENDING)
    parser.add_argument("--rounds", type=int, default=rounds, help=f"default {rounds}")
    parser.add_argument("--pending", type=int, default=pending, help=f"messages in the batch (default {pending:,})")
    parser.add_argument("--seed", type=int, default=1, help="of the random moments (default 1)")
    return parser
