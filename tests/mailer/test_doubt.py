"""Mail in doubt is held for a person or sent again, as the account chose; it is never lost without a trace."""

from __future__ import annotations

from typing import Any

import pytest
from redis.exceptions import TimeoutError as RedisTimeoutError

from accounts.models import Account, DoubtPolicy
from batches.claims import Claimer, Slice, to_mask
from batches.counts import count_batch
from batches.handles import create_batch
from batches.models import Batch, Parcel
from batches.states import BatchStatus, Lane, ParcelState
from batches.stop.control import resume_batch, stop_batch
from batches.sweep import Watch, fold_final
from foundation.clock import Now
from mailer.in_hand import Selection, Why, drop, list_in_hand, replay
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.cargo import CargoComposer
from mailer.pipeline.deliver import Deliverer
from mailer.pipeline.note import HandoverNote
from mailer.pipeline.record import record_slice
from mailer.pipeline.rescue import rescue_parcel
from mailer.queries import states_of
from mailer.sweep import rescue, sweep
from mailer.transports.base import InDoubt, RetryAt, Sent
from mailer.transports.smtp import SmtpTransport
from tests.conftest import Clock
from tests.drafts import draft
from tests.examples import further
from tests.fleet import DeliveringThread
from tests.mailer.claimed import claim_and_look, outcomes_of
from tests.peer import CountingPeer
from tests.waiting import wait_until
from tests.worker_process import worker_process

DOUBT = Selection(Why.IN_DOUBT)


@pytest.fixture
def batch(alice: Account) -> Batch:
    """Create a batch with one due parcel of 60 messages."""
    batch = create_batch(alice)
    accept_mail(alice, draft(60, batch_id=batch.public_id))
    return batch


@pytest.fixture
def resending(alice: Account) -> None:
    """Set the account's policy to sending mail in doubt again."""
    Account.objects.filter(pk=alice.pk).update(doubt_policy=DoubtPolicy.RESEND)


def doubts_of(account: Account) -> list[int]:
    return [trace.message_id for trace in list_in_hand(account, Why.IN_DOUBT, limit=500)[0]]


def kill_a_worker(alice: Account, peer: CountingPeer, messages: int) -> Batch:
    """Kill a worker process while the peer owes the reply to three messages; rescue its parcels."""
    batch = create_batch(alice)
    peer.hold = True
    accept_mail(alice, draft(messages, batch_id=batch.public_id))
    with worker_process(peer, connections=3) as worker:
        wait_until(lambda: peer.unanswered == 3, why="a message on each connection")
        worker.kill()
    peer.hold = False
    rescue(Watch(lease_seconds=0))
    return batch


class Died(BaseException):
    """Raised where a worker dies."""


def die_after(patch: pytest.MonkeyPatch, owner: type, step: str, *, calls: int) -> None:
    """Let workers die when they have taken a step this many times."""
    original, steps_left = getattr(owner, step), [calls]

    def take(*arguments: Any, **named: Any) -> Any:
        result = original(*arguments, **named)
        steps_left[0] -= 1
        if not steps_left[0]:
            raise Died
        return result

    patch.setattr(owner, step, take)


@pytest.mark.parametrize("calls", [1, 2])
@pytest.mark.parametrize(
    ("owner", "step"),
    [(HandoverNote, "open"), (Claimer, "look"), (CargoComposer, "compose")],
    ids=["the note is open", "the look is done", "all is composed"],
)
def test_a_worker_that_dies_before_it_begins_a_message_leaves_none_in_doubt(
    batch: Batch, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch, owner: type, step: str, calls: int
) -> None:
    with monkeypatch.context() as patch:
        die_after(patch, owner, step, calls=calls)
        with pytest.raises(Died):
            deliverer.deliver_due(seconds=5)
    assert rescue(Watch(lease_seconds=0)) == 1
    counts = count_batch(batch.pk)
    assert (counts.in_doubt, counts.sent + counts.due) == (0, 60)
    assert (counts.sent > 0) == (calls == 2)


def test_mail_that_was_stopped_before_its_worker_died_is_not_in_doubt(
    alice: Account, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped, other = (create_batch(alice) for _ in range(2))
    for each in (stopped, other):
        accept_mail(alice, draft(60, batch_id=each.public_id))
    Batch.objects.filter(pk=stopped.pk).update(status=BatchStatus.PAUSED, stopped_at=Now())
    with monkeypatch.context() as patch:
        die_after(patch, CargoComposer, "compose", calls=2)
        with pytest.raises(Died):
            deliverer.deliver_due(seconds=5)
    assert rescue(Watch(lease_seconds=0)) == 2
    assert (count_batch(stopped.pk).in_doubt, count_batch(stopped.pk).sent) == (0, 0)
    assert (count_batch(other.pk).in_doubt, count_batch(other.pk).sent) == (0, 32)


def test_a_note_that_redis_may_have_does_not_speak_for_a_slice_that_is_sent_without_one(
    batch: Batch, deliverer: Deliverer, peer: CountingPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = HandoverNote.open

    def lose_the_reply(note: HandoverNote, *arguments: Any) -> bool:
        assert original(note, *arguments)
        note._lose(RedisTimeoutError())
        monkeypatch.setattr(HandoverNote, "open", original)
        return False

    monkeypatch.setattr(HandoverNote, "open", lose_the_reply)
    with monkeypatch.context() as patch:
        die_after(patch, SmtpTransport, "send_slice", calls=1)
        with pytest.raises(Died):
            deliverer.deliver_due(seconds=5)
    assert rescue(Watch(lease_seconds=0)) == 1
    assert 0 < len(peer.ledger) == count_batch(batch.pk).in_doubt


def test_by_default_doubt_after_a_dead_worker_stays_for_a_person(alice: Account, peer: CountingPeer) -> None:
    batch = kill_a_worker(alice, peer, 30)
    with DeliveringThread(peer):
        wait_until(lambda: count_batch(batch.pk).sent == 27, why="what was not begun")
    assert count_batch(batch.pk).in_doubt == 3
    assert len(doubts_of(alice)) == 3
    assert peer.doubled == []


def test_doubt_after_a_dead_worker_is_sent_again_by_the_accounts_policy(
    alice: Account, resending: None, peer: CountingPeer
) -> None:
    batch = kill_a_worker(alice, peer, 30)
    with DeliveringThread(peer):
        wait_until(lambda: count_batch(batch.pk).sent == 30, why="everything")
    assert len({taken.recipient for taken in peer.ledger}) == 30
    # With the same Message-ID, so that a recipient can recognise the duplicate.
    assert len({taken.message_id for taken in peer.ledger}) == 30
    assert doubts_of(alice) == []


def test_doubt_of_a_lost_peer_is_sent_again_after_a_pause(
    alice: Account, batch: Batch, resending: None, clock: Clock
) -> None:
    claim = claim_and_look(Claimer())
    assert record_slice([outcomes_of(claim, Sent("ok"), InDoubt("line lost"), InDoubt("line lost"))]) == []
    again = Parcel.objects.get(is_replay=True)
    assert (again.state, again.size, again.attempts) == (ParcelState.SCHEDULED, 2, 1)
    counts = count_batch(batch.pk)
    assert (counts.accepted, counts.sent, counts.in_doubt, counts.scheduled) == (60, 1, 0, 2)


def test_after_the_retry_limit_doubt_is_held_whatever_the_accounts_policy(
    alice: Account, batch: Batch, resending: None, clock: Clock
) -> None:
    claim = claim_and_look(Claimer())
    clock.advance(hours=73)
    record_slice([outcomes_of(claim, InDoubt("line lost"))])
    assert count_batch(batch.pk).in_doubt == 1
    assert not Parcel.objects.filter(is_replay=True).exists()


def test_recording_a_resent_slice_twice_does_nothing_the_second_time(batch: Batch, resending: None) -> None:
    claim = claim_and_look(Claimer())
    outcomes = outcomes_of(claim, InDoubt("line lost"), RetryAt("later"))
    record_slice([outcomes])
    assert record_slice([outcomes]) == []
    assert Parcel.objects.count() == 3
    assert count_batch(batch.pk).accepted == 60


@further
def test_a_stop_counts_mail_that_waits_for_a_resend_as_in_doubt(
    alice: Account, batch: Batch, resending: None, deliverer: Deliverer, clock: Clock
) -> None:
    """The message may have been sent before the stop, so a receipt must not count it as stopped."""
    claim = claim_and_look(Claimer())
    rescue_parcel(claim.parcel_id, claim.fence)
    receipt = stop_batch(alice, batch.public_id, BatchStatus.CANCELLED, actor="test", allowed_from={0})
    assert (receipt.sent, receipt.in_doubt, receipt.stopped) == (0, 10, 50)
    assert receipt.doubtful_messages == [claim.first_message_id + n for n in range(10)]
    sweep()
    counts = count_batch(batch.pk)
    assert (counts.accepted, counts.in_doubt, counts.discarded) == (60, 10, 50)
    assert set(states_of(receipt.doubtful_messages).values()) == {"in_doubt"}


def test_a_deferred_replay_stays_doubtful(batch: Batch, resending: None, clock: Clock) -> None:
    claim = claim_and_look(Claimer())
    rescue_parcel(claim.parcel_id, claim.fence)
    claimer = Claimer()
    first, second = sorted(claimer.claim_next(Lane.BULK), key=lambda claim: claim.is_replay)
    assert (first.is_replay, second.is_replay) == (False, True)
    claimer.look([Slice(second, 0, 60)])
    record_slice([outcomes_of(second, RetryAt("busy"), Sent("ok"))])
    later = Parcel.objects.get(attempts=2)
    assert later.is_replay
    assert to_mask(later.doubtful, 0) == 1
    parcel = Parcel.objects.get(pk=second.parcel_id)
    assert to_mask(parcel.doubtful, 0) == to_mask(parcel.members, 0) == 0b11_1111_1100


def test_a_late_record_spares_the_second_sending(batch: Batch, resending: None) -> None:
    """The rescuer moved the slice to a replay parcel; the worker that seemed dead knows that two were sent."""
    claim = claim_and_look(Claimer())
    rescue_parcel(claim.parcel_id, claim.fence)
    assert record_slice([outcomes_of(claim, Sent("ok"), Sent("ok"))]) == [claim]
    counts = count_batch(batch.pk)
    assert (counts.accepted, counts.sent, counts.due) == (60, 2, 58)
    assert Parcel.objects.get(is_replay=True).pending == 8


@further
@pytest.mark.parametrize("is_folded", [False, True])
def test_a_person_replays_doubt(
    alice: Account, batch: Batch, is_folded: bool, deliverer: Deliverer, peer: CountingPeer
) -> None:
    claim = claim_and_look(Claimer(), 0, 60)
    rescue_parcel(claim.parcel_id, claim.fence)
    if is_folded:
        fold_final()
    selection = Selection(Why.IN_DOUBT, message_ids=frozenset([claim.first_message_id + 7]))
    assert replay(alice, selection, actor="test").affected == 1
    counts = count_batch(batch.pk)
    assert (counts.accepted, counts.in_doubt, counts.due) == (60, 59, 1)
    deliverer.deliver_due(seconds=5)
    assert len(peer.ledger) == 1
    assert replay(alice, Selection(Why.IN_DOUBT, batch_id=batch.public_id), actor="test").affected == 59
    deliverer.deliver_due(seconds=5)
    fold_final()
    counts = count_batch(batch.pk)
    assert (counts.accepted, counts.sent) == (60, 60)
    assert len(peer.ledger) == 60
    assert peer.doubled == []


@pytest.mark.parametrize("is_folded", [False, True])
def test_a_person_drops_doubt(alice: Account, batch: Batch, is_folded: bool) -> None:
    claim = claim_and_look(Claimer(), 0, 60)
    rescue_parcel(claim.parcel_id, claim.fence)
    if is_folded:
        fold_final()
    assert drop(alice, DOUBT, actor="test").affected == 60
    assert drop(alice, DOUBT, actor="test").affected == 0
    counts = count_batch(batch.pk)
    assert (counts.accepted, counts.dropped, counts.in_doubt) == (60, 60, 0)
    assert states_of([claim.first_message_id]) == {claim.first_message_id: "dropped"}
    assert doubts_of(alice) == []


def test_a_claimed_parcels_doubt_waits_until_its_worker_is_done(alice: Account, batch: Batch) -> None:
    """The worker has the mask of doubts in memory, and would overwrite a change."""
    claim = claim_and_look(Claimer())
    record_slice([outcomes_of(claim, InDoubt("line lost"))])
    assert replay(alice, DOUBT, actor="test").affected == 0
    assert count_batch(batch.pk).in_doubt == 1


def test_replayed_doubt_of_a_stopped_batch_is_sent_only_when_resumed(
    alice: Account, batch: Batch, deliverer: Deliverer, peer: CountingPeer
) -> None:
    claim = claim_and_look(Claimer(), 0, 60)
    rescue_parcel(claim.parcel_id, claim.fence)
    stop_batch(alice, batch.public_id, BatchStatus.PAUSED, actor="test", allowed_from={0})
    assert replay(alice, DOUBT, actor="test").affected == 60
    deliverer.deliver_due(seconds=5)
    sweep()
    assert peer.ledger == []
    assert resume_batch(alice, batch.public_id, actor="test").in_doubt == 60
    sweep()
    deliverer.deliver_due(seconds=5)
    assert len(peer.ledger) == 60
