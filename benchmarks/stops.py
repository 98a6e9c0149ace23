"""Case `stop`: a batch of a million pending messages, drained by two worker processes, and stopped again and again.

Each round resumes the batch over HTTP, pauses it at a random moment, and compares what the answer says with what the
peer has counted, at once and a second later. Promised: `settled` within a second, and the two counts equal.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from benchmarks.measured import Measured, spread
from benchmarks.sink import Sink, running_sink
from stack.folders import temporary_folder
from stack.running import RunningStack, running_stack
from stack.say import say

PENDING = 1_000_000
ACCEPTED_AT_ONCE = 10_000
DRAINING_SECONDS = (0.2, 2.0)
WATCH_SECONDS = 1.0
"""How long the peer is watched after the answer."""
SETTLED_WITHIN_MS = 1000.0


@dataclass(frozen=True, slots=True)
class Round:
    """One stop: how long its answer and the resume's took, what it said, and what the peer had then and later."""

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


def measure(arguments: list[str]) -> Measured:
    """Stack, batch and peer are made for it and gone afterwards."""
    options = parser().parse_args(arguments)
    chance = random.Random(options.seed)
    with (
        temporary_folder("sluice-bench-") as (folder, _),
        running_sink(folder) as sink,
        running_stack(state=folder / "state", environment={"SMTP_URL": sink.url}) as stack,
    ):
        batch = DrainedBatch(stack, sink, options.pending)
        rounds = []
        for number in range(1, options.rounds + 1):
            rounds.append(batch.play(chance.uniform(*DRAINING_SECONDS)))
            say(line(number, rounds[-1]))
        return conclude(rounds, sink.count())


def conclude(rounds: list[Round], drained: int) -> Measured:
    """All rounds must be as promised."""
    return Measured(
        {
            "rounds": len(rounds),
            "settled": sum(each.is_settled for each in rounds),
            "exact": sum(each.is_exact for each in rounds),
            "answer_ms": spread(each.answer_ms for each in rounds),
            "resume_ms": spread(each.resume_ms for each in rounds),
            "drained": drained,
        },
        is_met=all(each.is_met for each in rounds),
    )


def line(number: int, played: Round) -> str:
    told = f"{played.sent} had left, the peer has {played.taken} and {played.taken_later} later"
    verdict = "" if played.is_met else "  NOT AS PROMISED"
    return f"  {number:>3}  settled {played.is_settled} after {played.answer_ms:.0f} ms: {told}{verdict}"


class DrainedBatch:
    """The batch, paused between two rounds."""

    def __init__(self, stack: RunningStack, sink: Sink, pending: int) -> None:
        self.stack, self.sink, self.size = stack, sink, pending
        self.pending = 0
        self.id = str(json.loads(self.ask("POST", "/v3/mail/batch")[1])["batch_id"])
        self.ask("POST", "/v3/user/scheduled_sends", {"batch_id": self.id, "status": "pause"})
        self.fill = filler(stack)

    def play(self, seconds: float) -> Round:
        """Resume, let it drain for so long, pause, count."""
        if self.pending < self.size / 2:
            say(f"Accepting {self.size - self.pending} messages into the paused batch …")
            self.fill(self.id, self.size - self.pending)
            self.pending = self.size
        before = self.sink.count()
        resumed_at = time.monotonic()
        self.ask("DELETE", f"/v3/user/scheduled_sends/{self.id}")
        resume_ms = (time.monotonic() - resumed_at) * 1000
        self.stack.wait_until(lambda: self.sink.count() > before, seconds=60, what="the first message of the round")
        time.sleep(seconds)
        asked_at = time.monotonic()
        headers, _ = self.ask("POST", "/v3/user/scheduled_sends", {"batch_id": self.id, "status": "pause"})
        answer_ms = (time.monotonic() - asked_at) * 1000
        taken = self.sink.count()
        time.sleep(WATCH_SECONDS)
        later = self.sink.count()
        self.pending -= later - before
        settled, sent = headers["X-Sluice-Settled"] == "true", int(headers["X-Sluice-Sent"])
        return Round(answer_ms, resume_ms, settled, sent, taken, later)

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[Any, bytes]:
        """Headers and body of an answer that is 2xx."""
        headers = {"Authorization": f"Bearer {self.stack.logins.api_key}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.stack.base_url}{path}", data, headers, method=method)
        with build_opener(ProxyHandler({})).open(request, timeout=60) as answer:
            return answer.headers, answer.read()


def filler(stack: RunningStack) -> Any:
    """A function that accepts mail into a batch through the core itself: `fill(batch_id, messages)`.

    Django is set up here and not before, since it reads the environment of the stack that was started.
    """
    os.environ.update(stack.environment)
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    django.setup()
    from django.db import connection

    from batches.models import Batch
    from mailer.draft import Address, ContentPart, MailDraft, Personalization
    from mailer.pipeline.accept import accept_mail

    def drafts(batch_id: str, messages: int) -> Iterator[MailDraft]:
        for first in range(0, messages, ACCEPTED_AT_ONCE):
            yield MailDraft(
                sender=Address("bench@sluice.example"),
                subject="A benchmark",
                content=(ContentPart("text/plain", "You are -who-.\n"),),
                personalizations=tuple(
                    Personalization(to=(Address(f"r{n}@bench.example"),), substitutions={"-who-": str(n)})
                    for n in range(first, min(first + ACCEPTED_AT_ONCE, messages))
                ),
                batch_id=batch_id,
            )

    def fill(batch_id: str, messages: int) -> None:
        account = Batch.objects.select_related("account").get(public_id=batch_id).account
        for draft in drafts(batch_id, messages):
            accept_mail(account, draft)
        with connection.cursor() as cursor:
            cursor.execute("analyze")
        connection.close()

    return fill


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sluice bench --case stop", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50, help="default 50")
    parser.add_argument("--pending", type=int, default=PENDING, help="messages in the batch (default a million)")
    parser.add_argument("--seed", type=int, default=1, help="of the random moments (default 1)")
    return parser
