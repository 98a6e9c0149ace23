"""The stop is exact (promise G3): it races with a running delivery, and the peer counts."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from accounts.models import Account
from batches.claims import Claimer
from batches.counts import count_batch
from batches.handles import create_batch
from batches.models import Batch, Parcel, Receipt
from batches.states import BatchStatus, ParcelState
from batches.stop.control import resume_batch, stop_batch
from batches.sweep import settle_receipts
from batches.verdict import GateStatus
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from mailer.sweep import sweep
from tests.conftest import Clock
from tests.drafts import draft
from tests.examples import few_by_default, further
from tests.fleet import DeliveringThread
from tests.peer import CountingPeer
from tests.waiting import wait_until

MESSAGES = 400
"""The number of messages of a race, in two parcels, so that each of two workers has one."""
DELAY = 0.01
"""The peer's delay in seconds: slow enough for a stop to meet mail in flight."""


@pytest.fixture
def two_workers(alice: Account, peer: CountingPeer) -> Iterator[None]:
    """Run two workers with a slow peer."""
    peer.delay = DELAY
    with DeliveringThread(peer), DeliveringThread(peer):
        yield


def stop_in_the_middle(account: Account, peer: CountingPeer, status: BatchStatus, after: int) -> tuple[Receipt, int]:
    """Stop a batch once `after` messages were sent; return the receipt and how many were sent after the answer."""
    batch = create_batch(account)
    already = len(peer.ledger)
    for _ in range(2):
        accept_mail(account, draft(MESSAGES // 2, batch_id=batch.public_id))
    wait_until(lambda: len(peer.ledger) - already >= after, why="mail in flight")
    receipt = stop_batch(account, batch.public_id, status, actor="test", allowed_from={BatchStatus.OPEN})
    answered_at = time.monotonic()
    # Further mail would be sent within a look or two; wait for many.
    wait_until(
        lambda: not Parcel.objects.filter(batch=batch, state__in=[ParcelState.DUE, ParcelState.CLAIMED]).exists(),
        why="the rest to be retained or discarded",
    )
    late = [taken for taken in peer.ledger if taken.at > answered_at]
    assert receipt.sent == len(peer.ledger) - already - len(late)
    return receipt, len(late)


@pytest.mark.parametrize("races", few_by_default([2, 10], 2))
@pytest.mark.parametrize("status", [BatchStatus.PAUSED, BatchStatus.CANCELLED])
def test_no_message_is_sent_after_a_settled_stop_in_many_races(
    alice: Account, peer: CountingPeer, two_workers: None, status: BatchStatus, races: int
) -> None:
    chance = random.Random(20)
    for _ in range(races):
        receipt, late = stop_in_the_middle(alice, peer, status, after=chance.randrange(1, MESSAGES // 4))
        assert receipt.is_settled
        assert late == 0
        assert 0 < receipt.sent < MESSAGES
        assert receipt.sent + receipt.stopped + receipt.in_doubt == MESSAGES
    assert peer.doubled == []


@further
def test_without_the_look_at_the_gate_mail_is_sent_after_the_stop(
    alice: Account, peer: CountingPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same race without the look at the gate must fail, or the race proves nothing."""
    see = Claimer.look
    monkeypatch.setattr(Claimer, "look", lambda self, slices: dict.fromkeys(see(self, slices), GateStatus.OPEN))
    monkeypatch.setattr(Claimer, "glance", lambda self, parcels: dict.fromkeys(parcels, GateStatus.OPEN))
    peer.delay = DELAY
    batch = create_batch(alice)
    with DeliveringThread(peer), DeliveringThread(peer):
        accept_mail(alice, draft(MESSAGES, batch_id=batch.public_id))
        wait_until(lambda: len(peer.ledger) >= 50, why="mail in flight")
        stop_batch(alice, batch.public_id, BatchStatus.PAUSED, actor="test", allowed_from={BatchStatus.OPEN})
        answered_at = time.monotonic()
        wait_until(lambda: any(taken.at > answered_at for taken in list(peer.ledger)), why="mail after the stop")


def test_a_resumed_batch_continues_where_it_stopped(alice: Account, peer: CountingPeer, two_workers: None) -> None:
    receipt, _ = stop_in_the_middle(alice, peer, BatchStatus.PAUSED, after=100)
    resumed = resume_batch(alice, receipt.batch.public_id, actor="test")
    assert resumed.ended == 0
    sweep()
    wait_until(lambda: len(peer.ledger) >= MESSAGES, why="the rest")
    wait_until(lambda: count_batch(receipt.batch_id).sent == MESSAGES, why="the last slice to be recorded")
    assert peer.doubled == []


def test_a_stop_does_not_wait_for_a_peer_that_hangs_and_names_what_is_in_doubt(
    alice: Account, peer: CountingPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailer.pipeline.guard.STOP_PATIENCE_SECONDS", 0.3)
    peer.hold = True
    batch = create_batch(alice)
    accept_mail(alice, draft(20, batch_id=batch.public_id))
    with DeliveringThread(peer, connections=3):
        wait_until(lambda: peer.unanswered == 3, why="a message on each connection")
        started = time.monotonic()
        receipt = stop_batch(alice, batch.public_id, BatchStatus.CANCELLED, actor="test", allowed_from={0})
        assert time.monotonic() - started < 6
    assert receipt.is_settled
    assert receipt.sent == 0
    assert receipt.in_doubt == 3
    assert len(receipt.doubtful_messages) == receipt.in_doubt
    assert receipt.sent + receipt.stopped + receipt.in_doubt == 20


def test_a_slice_beyond_its_deadline_continues_while_the_gate_is_open(
    alice: Account, peer: CountingPeer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SLICE_DEADLINE_SECONDS = 0.4
    monkeypatch.setattr("mailer.pipeline.guard.LONG_SECONDS", 60)
    peer.delay = 0.1
    batch = create_batch(alice)
    accept_mail(alice, draft(32, batch_id=batch.public_id))
    with DeliveringThread(peer, connections=4):
        wait_until(lambda: Parcel.objects.get(batch=batch).slice_no == 1, why="the first slice")
        wait_until(lambda: count_batch(batch.pk).sent, why="the first record")
    assert count_batch(batch.pk).sent == 32, "one slice of 32, twice as long as its deadline"


def test_a_stop_that_cannot_settle_is_reported_and_completed_by_the_sweeper(
    alice: Account, peer: CountingPeer, settings: Any, clock: Clock
) -> None:
    settings.STOP_WAIT_SECONDS = 0.05
    batch = create_batch(alice)
    accept_mail(alice, draft(20, batch_id=batch.public_id))
    claimer = Claimer()
    claims = [claim for lane in (0, 1) for claim in claimer.claim_next(lane)]  # type: ignore[arg-type]
    assert len(claims) == 1
    receipt = stop_batch(alice, batch.public_id, BatchStatus.CANCELLED, actor="test", allowed_from={BatchStatus.OPEN})
    assert not receipt.is_settled
    Parcel.objects.update(state=ParcelState.DUE, worker_id=None)
    clock.advance(seconds=10)
    assert settle_receipts() == 1
    receipt.refresh_from_db()
    assert receipt.is_settled
    assert (receipt.sent, receipt.stopped) == (0, 20)


def test_a_worker_whose_session_is_ended_in_mid_slice_still_obeys_a_stop(alice: Account, peer: CountingPeer) -> None:
    """No state is in a session: the claim is in the table, the stop waits for it, and the worker reconnects."""
    peer.delay = 0.01
    batch = create_batch(alice)
    with DeliveringThread(peer):
        accept_mail(alice, draft(MESSAGES, batch_id=batch.public_id))
        wait_until(lambda: len(peer.ledger) >= 50, why="mail in flight")
        with connection.cursor() as cursor:
            cursor.execute(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )
            assert cursor.fetchone()[0] >= 1  # type: ignore[index]
        receipt = stop_batch(
            alice, batch.public_id, BatchStatus.CANCELLED, actor="test", allowed_from={BatchStatus.OPEN}
        )
        answered_at = time.monotonic()
    assert receipt.is_settled
    assert [taken for taken in peer.ledger if taken.at > answered_at] == []
    assert receipt.sent == len(peer.ledger)
    assert receipt.sent + receipt.stopped + receipt.in_doubt == MESSAGES
    assert 0 < receipt.sent < MESSAGES


@pytest.mark.parametrize("stop", [stop_batch, resume_batch])
def test_a_stop_that_times_out_is_an_error(alice: Account, settings: Any, stop: Callable[..., Receipt]) -> None:
    """PostgreSQL does not give us the row in time: the wait is bounded, and the answer is honest."""
    settings.STOP_WAIT_SECONDS = 0.2
    batch = create_batch(alice)
    Batch.objects.update(status=BatchStatus.PAUSED, stopped_at=database_now())
    more = {"status": BatchStatus.CANCELLED} if stop is stop_batch else {}
    blocked = threading.Thread(target=hold_row, args=(batch, is_locked := threading.Event(), done := threading.Event()))
    blocked.start()
    try:
        assert is_locked.wait(10)
        started = time.monotonic()
        with pytest.raises(OperationalError):
            stop(alice, batch.public_id, actor="test", allowed_from=set(BatchStatus), **more)
        assert time.monotonic() - started < 5
    finally:
        done.set()
        blocked.join(10)
    assert Batch.objects.get().status == BatchStatus.PAUSED
    assert not Receipt.objects.exists()


def hold_row(batch: Batch, is_locked: threading.Event, done: threading.Event) -> None:
    with transaction.atomic():
        Batch.objects.select_for_update().get(pk=batch.pk)
        is_locked.set()
        done.wait(10)
    connection.close()
