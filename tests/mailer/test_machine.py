"""Test any order of sends, stops, resumes, hints, sweeps and times, through the real pipeline on PostgreSQL.

The machine is not a model of the pipeline: it only keeps what a caller could know, and compares it with the mail that
the peer received.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from accounts.models import Account
from batches.admit import admit_batch
from batches.claims import Claimer, bits, release
from batches.counts import Counts, count_batch
from batches.errors import StatusConflict
from batches.handles import create_batch, is_usable
from batches.models import Batch
from batches.moving import split_claim
from batches.states import BatchStatus, Lane
from batches.stop.control import resume_batch, stop_batch
from batches.stop.freeze import freeze_account, thaw_account
from batches.stop.reschedule import reschedule_batch
from batches.sweep import Watch
from batches.wave_counts import WaveCheck
from foundation.clock import database_now
from mailer.models import Message
from mailer.one_message import stop_message
from mailer.pipeline.accept import accept_mail
from mailer.queries import states_of
from mailer.sweep import rescue, sweep
from tests.conftest import Clock
from tests.database import empty_tables
from tests.drafts import draft
from tests.examples import examples, few_by_default
from tests.fleet import deliverer_for
from tests.outcomes import differences
from tests.peer import CountingPeer

FINAL = {"sent", "stopped", "discarded", "expired", "in_doubt"}
RETENTION = dt.timedelta(hours=72)


class Pipeline(RuleBasedStateMachine):
    """One account's batches and all events that can happen to them."""

    peer: CountingPeer
    batches = Bundle("batches")

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.account = Account.objects.create(username="machine")
        self.deliverer = deliverer_for(self.peer, connections=2)
        self.peer.ledger.clear()
        self.accepted: Counter[int] = Counter()
        self.send_at: dict[str, dt.datetime] = {}
        self.owner: dict[str, int] = {}
        self.finals: dict[int, str] = {}
        self.seen: dict[int, tuple[str, str]] = {}
        """The result of `states` after the last step."""
        self.stopped_ever: set[int] = set()
        self.is_frozen = False
        self.serial = 0

    @rule(target=batches)
    def create(self) -> int:
        return create_batch(self.account).pk

    @rule(batch=batches, messages=st.integers(1, 4), hours=st.sampled_from([0, 1, 30]))
    def send(self, batch: int, messages: int, hours: int) -> None:
        if not is_usable(Batch.objects.get(pk=batch)):  # ten days old, and without waiting mail
            return
        self.serial += 1
        send_at = database_now() + dt.timedelta(hours=hours)
        name = f"m{self.serial}-"
        accept_mail(
            self.account,
            draft(messages, batch_id=self.public_id(batch), send_at=send_at if hours else None, name=name),
        )
        self.accepted[batch] += messages
        for n in range(messages):
            self.send_at[f"{name}{n}@example.com"] = send_at
            self.owner[f"{name}{n}@example.com"] = batch

    @rule(batch=batches, status=st.sampled_from([BatchStatus.PAUSED, BatchStatus.CANCELLED]))
    def stop(self, batch: int, status: BatchStatus) -> None:
        receipt = stop_batch(
            self.account, self.public_id(batch), status, actor="machine", allowed_from=set(BatchStatus)
        )
        self.stopped_ever.add(batch)
        assert receipt.is_settled
        assert receipt.sent == sum(self.owner[recipient] == batch for recipient in self.peer.recipients)

    @rule(batch=batches)
    def resume(self, batch: int) -> None:
        resume_batch(self.account, self.public_id(batch), actor="machine", allowed_from=set(BatchStatus))

    @rule(number=st.integers(0, 10**6))
    def stop_one(self, number: int) -> None:
        ids = sorted(Message.objects.values_list("pk", flat=True))
        if not ids:
            return
        message_id = ids[number % len(ids)]
        recipient, state = self.states()[message_id]
        receipt = stop_message(self.account, message_id, actor="machine")
        assert receipt.is_settled
        assert bool(receipt.sent) == (recipient in self.peer.recipients) == (state == "sent")
        assert receipt.stopped == (state not in FINAL)

    @rule(batch=batches, hours=st.sampled_from([0, 2, 40]))
    def reschedule(self, batch: int, hours: int) -> None:
        if self.status(batch) == BatchStatus.CANCELLED:
            return
        send_at = database_now() + dt.timedelta(hours=hours)
        moved = [
            recipient
            for recipient, state in self.states().values()
            if self.owner[recipient] == batch and state not in FINAL
        ]
        receipt = reschedule_batch(self.account, self.public_id(batch), send_at, actor="machine")
        assert receipt.affected == len(moved)
        self.send_at.update(dict.fromkeys(moved, send_at))

    @rule(is_frozen=st.booleans())
    def freeze(self, is_frozen: bool) -> None:
        with suppress(StatusConflict):
            (freeze_account if is_frozen else thaw_account)(self.account, actor="machine")
        self.is_frozen = is_frozen

    @rule(hours=st.sampled_from([0.5, 1, 29, 73]))
    def let_time_pass(self, hours: float) -> None:
        self.clock.advance(hours=hours)

    @rule(batch=batches)
    def fire(self, batch: int) -> None:
        self.check_verdicts(lambda: admit_batch(batch))

    @rule()
    def sweep(self) -> None:
        self.check_verdicts(sweep)

    @rule()
    def deliver(self) -> None:
        before = len(self.peer.ledger)
        self.check_verdicts(lambda: self.deliverer.deliver_due(seconds=10))
        now = database_now()
        for recipient in self.peer.recipients[before:]:
            assert self.send_at[recipient] <= now, "left before its time"
            assert self.status(self.owner[recipient]) == BatchStatus.OPEN, "left a stopped batch"
            assert not self.is_frozen, "left a frozen account"

    @rule()
    def lose_a_worker(self) -> None:
        """Let a worker claim parcels and die before its first look; its lease ends."""
        claimer = Claimer()
        for lane in Lane:
            claimer.claim_next(lane)
        rescue(Watch(lease_seconds=0))

    @rule(number=st.integers(0, 10**6), dies=st.booleans())
    def split(self, number: int, *, dies: bool) -> None:
        """Let a worker claim parcels, split them, and release the rest or die."""
        claimer = Claimer()
        claims = [claim for lane in Lane for claim in claimer.claim_next(lane)]
        for claim in claims:
            members = bits(claim.members)
            part = sum(1 << n for n in members[1:] if number >> n & 1)
            if part:
                assert split_claim(claim, [part])
        if dies:
            rescue(Watch(lease_seconds=0))
        else:
            release(claims)

    def check_verdicts(self, step: object) -> None:
        """Run a step: whatever it ended must have been ended for the right reason."""
        before = self.seen
        step()  # type: ignore[operator]
        now = database_now()
        self.seen = self.states()
        for message_id, (recipient, state) in self.seen.items():
            status = self.status(self.owner[recipient])
            if state == before[message_id][1]:
                continue
            if state == "discarded":
                assert status == BatchStatus.CANCELLED
            elif state == "expired":
                assert status == BatchStatus.PAUSED
                assert not self.is_frozen
                assert now >= self.send_at[recipient] + RETENTION
            elif state == "retained":
                assert status == BatchStatus.PAUSED or self.is_frozen
                assert self.is_frozen or now < self.send_at[recipient] + RETENTION

    def states(self) -> dict[int, tuple[str, str]]:
        recipients = dict(Message.objects.values_list("pk", "recipient"))
        return {pk: (recipients[pk], state) for pk, state in states_of(set(recipients)).items()}

    @invariant()
    def the_sum_is_what_was_accepted(self) -> None:
        for batch, accepted in self.accepted.items():
            counts = count_batch(batch)
            assert counts.accepted == accepted
            assert sum(getattr(counts, name) for name in Counts.__slots__ if name != "accepted") == accepted

    @invariant()
    def a_final_state_stays(self) -> None:
        self.seen = self.states()
        states = {pk: state for pk, (_, state) in self.seen.items()}
        for message_id, state in self.finals.items():
            assert states[message_id] == state
        self.finals = {pk: state for pk, state in states.items() if state in FINAL}

    @invariant()
    def the_waves_are_those_of_the_parcels(self) -> None:
        assert WaveCheck().check_waves(seconds=10) == 0

    @invariant()
    def nothing_is_sent_twice(self) -> None:
        assert self.peer.doubled == []

    def teardown(self) -> None:
        """Open every gate and send the remaining mail: each message must be in exactly one final state."""
        self.freeze(False)
        for batch in self.accepted:
            self.resume(batch)
        self.clock.advance(hours=41)
        for _ in range(2):
            self.sweep()
            self.deliver()
        states = self.states()
        assert len(states) == sum(self.accepted.values())
        sent = sorted(recipient for recipient, state in states.values() if state == "sent")
        assert sent == sorted(self.peer.recipients)
        for recipient, state in states.values():
            assert state in FINAL
            if self.owner[recipient] not in self.stopped_ever:
                assert state in {"sent", "stopped"}, "lost"
        for batch in self.accepted:
            counted = count_batch(batch)
            assert counted.sent == sum(1 for r, s in states.values() if s == "sent" and self.owner[r] == batch)
            assert counted.waiting == 0
        assert differences() == []
        self.deliverer.transport.close()
        empty_tables()

    def public_id(self, batch: int) -> str:
        return Batch.objects.values_list("public_id", flat=True).get(pk=batch)

    def status(self, batch: int) -> int:
        return Batch.objects.values_list("status", flat=True).get(pk=batch)


@pytest.mark.parametrize("runs", few_by_default([2, 8], 2))
def test_every_message_ends_in_exactly_one_right_state(database: None, peer: CountingPeer, runs: int) -> None:
    machine = type("Machine", (Pipeline,), {"peer": peer})
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=examples(runs),
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
