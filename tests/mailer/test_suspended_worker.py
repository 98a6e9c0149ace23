"""A worker that is suspended beyond its lease and declared dead must not continue when it wakes."""

from __future__ import annotations

import signal

import pytest

from accounts.models import Account
from batches.counts import count_batch
from batches.handles import create_batch
from batches.models import Batch, Receipt
from batches.states import BatchStatus
from batches.stop.control import stop_batch
from batches.sweep import Watch
from mailer.models import EventKind
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.note import ReadNote
from mailer.sweep import rescue
from tests.drafts import draft
from tests.examples import few_by_default
from tests.fleet import DeliveringThread
from tests.outcomes import stored_events
from tests.peer import CountingPeer
from tests.waiting import wait_until
from tests.worker_process import suspend_in_mid_slice, worker_process

MESSAGES = 30
LEASE_SECONDS = 0.6


def cancel_behind_its_back(account: Account, batch: Batch, peer: CountingPeer) -> Receipt:
    """Cancel the batch while its worker is suspended.

    The worker is declared dead and its parcel rescued, so the stop is settled while the worker sleeps.
    """
    watch = Watch(lease_seconds=LEASE_SECONDS)
    wait_until(lambda: rescue(watch), why="the rescue")
    receipt = stop_batch(account, batch.public_id, BatchStatus.CANCELLED, actor="test", allowed_from={BatchStatus.OPEN})
    assert receipt.is_settled
    wait_until(lambda: peer.unanswered == 0, why="what was under way when it was suspended")
    return receipt


def test_a_suspended_worker_sends_nothing_when_it_wakes_after_its_deadline(alice: Account, peer: CountingPeer) -> None:
    peer.delay = 0.04
    batch = create_batch(alice)
    accept_mail(alice, draft(MESSAGES, batch_id=batch.public_id))
    with worker_process(peer, deadline_seconds=0.5) as worker:
        suspend_in_mid_slice(worker, peer, messages=5)
        receipt = cancel_behind_its_back(alice, batch, peer)
        sent = len(peer.ledger)
        worker.send_signal(signal.SIGCONT)
        # It wakes, gives up its slice, and records late: the doubt about its sent messages is resolved.
        wait_until(lambda: count_batch(batch.pk).sent == sent, why="the late record", seconds=20)
        wait_until(lambda: count_batch(batch.pk).waiting == 0, why="the rest to be discarded")
    assert len(peer.ledger) == sent
    assert peer.doubled == []
    counts = count_batch(batch.pk)
    assert receipt.sent in {sent - 1, sent}, "the note knows all but the one that was under way"
    assert receipt.in_doubt <= 1
    assert len(stored_events(EventKind.SENT)) == sent, "none has two events"
    assert counts.sent + counts.in_doubt + counts.discarded == MESSAGES


@pytest.mark.large
def test_without_the_deadline_a_woken_worker_continues_to_send(alice: Account, peer: CountingPeer) -> None:
    """The same scenario without the slice's deadline must break the stop."""
    peer.delay = 0.04
    batch = create_batch(alice)
    accept_mail(alice, draft(MESSAGES, batch_id=batch.public_id))
    with worker_process(peer, deadline_seconds=1e6) as worker:
        suspend_in_mid_slice(worker, peer, messages=5)
        cancel_behind_its_back(alice, batch, peer)
        sent = len(peer.ledger)
        worker.send_signal(signal.SIGCONT)
        wait_until(lambda: len(peer.ledger) > sent, why="mail after a settled stop")


@pytest.mark.parametrize("connections", few_by_default([1, 4], 4))
def test_after_a_kill_at_most_one_message_per_connection_is_sent_twice_and_nothing_is_lost(
    alice: Account, peer: CountingPeer, connections: int
) -> None:
    peer.delay = 0.02
    batch = create_batch(alice)
    accept_mail(alice, draft(100, batch_id=batch.public_id))
    with worker_process(peer, connections=connections) as worker:
        suspend_in_mid_slice(worker, peer, messages=40)
        worker.kill()
        watch = Watch(lease_seconds=LEASE_SECONDS)
        wait_until(lambda: rescue(watch), why="the rescue")
    with DeliveringThread(peer):
        wait_until(lambda: count_batch(batch.pk).waiting == 0, why="the others to deliver the rest")
    counts = count_batch(batch.pk)
    assert peer.doubled == []
    assert counts.sent + counts.in_doubt == 100
    assert counts.sent <= len(peer.ledger) <= counts.sent + counts.in_doubt
    assert counts.in_doubt <= connections, "the hand-over note knows the others"


@pytest.mark.large
def test_without_the_note_all_of_a_dead_workers_slice_is_in_doubt(
    alice: Account, peer: CountingPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same kill without the note must break the promise of one message per connection."""
    monkeypatch.setattr("mailer.pipeline.rescue.read_note", lambda url, worker: ReadNote())
    peer.delay = 0.02
    batch = create_batch(alice)
    accept_mail(alice, draft(200, batch_id=batch.public_id))
    with worker_process(peer) as worker:
        suspend_in_mid_slice(worker, peer, messages=5)
        worker.kill()
        watch = Watch(lease_seconds=LEASE_SECONDS)
        wait_until(lambda: rescue(watch), why="the rescue")
    assert count_batch(batch.pk).in_doubt > 1
