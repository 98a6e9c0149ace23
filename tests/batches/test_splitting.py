"""Test splitting a claim: other workers can claim part of it, and all counts stay correct."""

from __future__ import annotations

import datetime as dt
import random
import time
from typing import Any

import pytest

from accounts.models import Account, DoubtPolicy
from batches import hints, queries
from batches.claims import Claim, Claimer, Slice, bits, release, to_mask
from batches.counts import count_batch
from batches.errors import MessageInFlight
from batches.handles import create_batch
from batches.models import Batch, Node, Parcel, Worker
from batches.moving import recalled, share_claims, split_claim, split_off
from batches.states import BatchStatus, Lane, ParcelState
from batches.stop.control import stop_batch
from batches.stop.freeze import freeze_account
from batches.stop.purge import purge_account
from batches.stop.reschedule import reschedule_batch
from batches.verdict import GateStatus
from foundation.clock import database_now
from mailer.one_message import stop_message
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.record import record_slice
from mailer.pipeline.rescue import rescue_parcel
from mailer.pipeline.sorting import Outcomes, add_result
from mailer.sweep import sweep
from mailer.transports.base import Result, Sent
from tests.drafts import draft
from tests.examples import further
from tests.fleet import DeliveringThread
from tests.peer import CountingPeer
from tests.waiting import wait_until
from tests.without import without

MESSAGES = 60
SECOND_HALF = ((1 << MESSAGES) - 1) & ~((1 << MESSAGES // 2) - 1)


@pytest.fixture
def batch(alice: Account) -> Batch:
    """Create a batch with one due parcel."""
    batch = create_batch(alice)
    accept_mail(alice, draft(MESSAGES, batch_id=batch.public_id))
    return batch


@pytest.fixture
def claimer(batch: Batch) -> Claimer:
    """Return a worker's claimer."""
    return Claimer()


@pytest.fixture
def claim(claimer: Claimer) -> Claim:
    """Claim the parcel for that worker."""
    return claim_parcel(claimer)


def claim_parcel(claimer: Claimer) -> Claim:
    (claim,) = claimer.claim_next(Lane.BULK)
    return claim


def split_in_half(claim: Claim) -> Parcel:
    """Split half of a claim off, and return the new parcel."""
    assert split_claim(claim, [SECOND_HALF])
    return Parcel.objects.latest("pk")


def record_sent(claim: Claim, numbers: list[int]) -> None:
    outcomes = Outcomes(claim)
    for n in numbers:
        add_result(outcomes, Result(claim.first_message_id + n, (Sent("ok"),)), (f"to{n}@example.com",))
    record_slice([outcomes])


def test_every_column_of_a_parcel_is_either_copied_or_reset() -> None:
    """Add a new column to `queries.COPIED` or `queries.OWN`."""
    assert sorted([*queries.COPIED, *queries.OWN]) == sorted(field.column for field in Parcel._meta.concrete_fields)


def test_a_part_has_all_columns_of_its_parcel_except_its_members(batch: Batch, claimer: Claimer) -> None:
    long_ago = database_now() - dt.timedelta(hours=3)
    Parcel.objects.update(
        send_at=long_ago,
        due_at=long_ago + dt.timedelta(hours=1),
        attempts=3,
        is_remainder=True,
        is_replay=True,
        doubtful=(SECOND_HALF | 1).to_bytes(64, "little"),
    )
    part = split_in_half(claim_parcel(claimer))
    source = Parcel.objects.get(pk=part.base)
    assert {name: getattr(part, name) for name in queries.COPIED} == {
        name: getattr(source, name) for name in queries.COPIED
    }
    assert (part.state, part.size, part.fence, part.worker_id) == (ParcelState.DUE, MESSAGES // 2, 0, None)
    assert to_mask(part.members, part.size) == to_mask(part.doubtful, 0) == SECOND_HALF
    assert to_mask(source.members, source.size) == SECOND_HALF >> MESSAGES // 2
    assert to_mask(source.doubtful, 0) == 1


def test_a_split_part_has_the_other_columns_of_its_parcel(batch: Batch) -> None:
    source = Parcel.objects.get()
    soon = database_now() + dt.timedelta(hours=1)
    split_off(source, 1, state=ParcelState.SCHEDULED, due_at=soon, attempts=1, is_remainder=True, is_replay=False)
    part = Parcel.objects.latest("pk")
    columns = {"due_at": soon, "attempts": 1, "is_remainder": True}
    assert {name: getattr(part, name) for name in queries.COPIED} == {
        name: columns.get(name, getattr(source, name)) for name in queries.COPIED
    }


@further
def test_the_sums_stay_right_until_all_is_sent(batch: Batch, claim: Claim, claimer: Claimer) -> None:
    split_in_half(claim)
    counts = count_batch(batch.pk)
    assert (counts.accepted, counts.claimed, counts.due) == (MESSAGES, MESSAGES // 2, MESSAGES // 2)
    for each, worker in ((claim, claimer), (claim_parcel(other := Claimer()), other)):
        assert worker.look([Slice(each, 0, MESSAGES)])
        record_sent(each, bits(each.members))
    sweep()
    counts = count_batch(batch.pk)
    assert counts.accepted == counts.sent == MESSAGES


@further
def test_a_stop_holds_a_part_that_became_due_and_one_that_was_claimed(
    batch: Batch, claim: Claim, claimer: Claimer, settings: Any
) -> None:
    settings.STOP_WAIT_SECONDS = 0.01
    split_in_half(claim)
    other = Claimer()
    part = claim_parcel(other)
    receipt = stop_batch(
        batch.account, batch.public_id, BatchStatus.PAUSED, actor="test", allowed_from=set(BatchStatus)
    )
    assert (receipt.is_settled, len(receipt.claims)) == (False, 2)
    split_claim(part, [1 << MESSAGES - 1])
    late = Claimer()
    for worker, each in ((claimer, claim), (other, part), (late, claim_parcel(late))):
        assert worker.look([Slice(each, 0, MESSAGES)]) == {each.parcel_id: GateStatus.PAUSED}
        release([each])
    sweep()
    counts = count_batch(batch.pk)
    assert (counts.retained, counts.accepted) == (MESSAGES, MESSAGES)


def test_nothing_is_sent_after_a_settled_stop_while_claims_are_split(
    alice: Account, peer: CountingPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two workers share each parcel, and a stop comes in the middle, in several races."""
    Node.objects.create(name="here", concurrency=2)
    monkeypatch.setattr("mailer.pipeline.deliver.SHARED_FROM_SLICES", 0)
    peer.delay, chance = 0.004, random.Random(20)
    with DeliveringThread(peer), DeliveringThread(peer):
        for _ in range(2):
            batch, already = create_batch(alice), len(peer.ledger)
            accept_mail(alice, draft(500, batch_id=batch.public_id))
            after = chance.randrange(100, 300)
            wait_until(lambda: len(peer.ledger) - already >= after, why="mail in flight")  # noqa: B023
            receipt = stop_batch(alice, batch.public_id, BatchStatus.CANCELLED, actor="test", allowed_from={0})
            answered_at = time.monotonic()
            assert receipt.is_settled
            waiting = Parcel.objects.filter(batch=batch, state__in=[ParcelState.DUE, ParcelState.CLAIMED])
            wait_until(lambda: not waiting.exists(), why="the rest to be discarded")  # noqa: B023
            assert [taken for taken in peer.ledger if taken.at > answered_at] == []
            assert receipt.sent == len(peer.ledger) - already
            assert receipt.sent + receipt.stopped + receipt.in_doubt == 500
            counts = count_batch(batch.pk)
            assert counts.sent + counts.discarded + counts.in_doubt == counts.accepted == 500
    assert Parcel.objects.exclude(pk__in=Parcel.objects.values("base")).exists(), "some were split"
    assert peer.doubled == []


def test_a_worker_that_lost_its_parcel_splits_nothing(batch: Batch, claim: Claim) -> None:
    rescue_parcel_of(claim)
    holder = Claimer()
    new_claim = claim_parcel(holder)
    assert not split_claim(claim, [SECOND_HALF])
    assert Parcel.objects.count() == 1
    assert holder.look([Slice(new_claim, 0, MESSAGES)])


def test_without_the_fence_it_takes_messages_from_another(
    batch: Batch, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, queries, "SPLIT_CLAIM", " and p.fence = %(fence)s")
    rescue_parcel_of(claim)
    new_claim = claim_parcel(Claimer())
    split_claim(claim, [SECOND_HALF])
    part = claim_parcel(Claimer())
    assert new_claim.members & part.members, "both would send them"


def rescue_parcel_of(claim: Claim) -> None:
    Worker.objects.update(dead_at=database_now())
    assert rescue_parcel(claim.parcel_id, claim.fence)


def test_nothing_is_split_in_mid_slice(claim: Claim, claimer: Claimer) -> None:
    assert claimer.look([Slice(claim, 0, 10)])
    assert not split_claim(claim, [SECOND_HALF])
    assert Parcel.objects.count() == 1


def test_no_claim_is_split_while_its_parcel_is_recalled(claim: Claim, settings: Any) -> None:
    settings.STOP_WAIT_SECONDS = 0.01
    with recalled(claim.parcel_id) as is_back:
        assert not is_back
        assert not split_claim(claim, [SECOND_HALF])
    assert split_claim(claim, [SECOND_HALF])


def test_one_message_of_a_part_is_stopped_and_a_claimed_one_is_not(alice: Account, claim: Claim, settings: Any) -> None:
    settings.STOP_WAIT_SECONDS = 0.01
    split_in_half(claim)
    receipt = stop_message(alice, claim.first_message_id + MESSAGES - 1, actor="test")
    assert (receipt.is_settled, receipt.stopped) == (True, 1)
    with pytest.raises(MessageInFlight):
        stop_message(alice, claim.first_message_id, actor="test")
    counts = count_batch(claim.batch_id)
    assert (counts.accepted, counts.stopped, counts.waiting) == (MESSAGES, 1, MESSAGES - 1)


@pytest.mark.parametrize("policy", list(DoubtPolicy))
def test_a_late_record_finds_its_messages_in_any_part(
    alice: Account, batch: Batch, claim: Claim, claimer: Claimer, policy: DoubtPolicy
) -> None:
    """A worker sends ten messages and is taken for dead; its parcel is split by its new owner before it records."""
    Account.objects.update(doubt_policy=policy)
    assert claimer.look([Slice(claim, 0, 10)])
    rescue_parcel_of(claim)
    holder = Claimer()
    for each in holder.claim_next(Lane.BULK):
        members = bits(each.members)
        assert split_claim(each, [1 << members[-1], 1 << members[-2]])
        release([each])
    record_sent(claim, list(range(10)))
    counts = count_batch(batch.pk)
    assert (counts.accepted, counts.sent, counts.in_doubt, counts.due) == (MESSAGES, 10, 0, MESSAGES - 10)


def test_a_purge_discards_the_parts(alice: Account, batch: Batch, claim: Claim) -> None:
    split_in_half(claim)
    release([claim])
    freeze_account(alice, actor="test")
    assert purge_account(alice, actor="test").affected == MESSAGES
    assert count_batch(batch.pk).discarded == MESSAGES


def test_a_reschedule_moves_the_part_and_keeps_the_claim(alice: Account, batch: Batch, claim: Claim) -> None:
    split_in_half(claim)
    tomorrow = database_now() + dt.timedelta(days=1)
    assert reschedule_batch(alice, batch.public_id, tomorrow, actor="test").affected == MESSAGES // 2
    assert set(Parcel.objects.values_list("state", "send_at")) == {
        (ParcelState.SCHEDULED, tomorrow),
        (ParcelState.CLAIMED, claim.send_at),
    }


def test_claims_are_shared_as_whole_parcels_and_parts_of_one(alice: Account, batch: Batch) -> None:
    accept_mail(alice, draft(50, batch_id=batch.public_id))
    accept_mail(alice, draft(100, batch_id=batch.public_id))
    claims = Claimer().claim_next(Lane.BULK, messages=500)
    given_back, due = share_claims(claims, 3)
    assert [claim.members.bit_count() for claim in claims if claim not in given_back] == [60, 10]
    sizes = sorted(parcel.pending for parcel in Parcel.objects.filter(state=ParcelState.DUE))
    assert (sizes, due) == ([40, 100], 2)


def test_a_single_claim_is_cut_in_equal_parts(claim: Claim) -> None:
    assert share_claims([claim], 4) == ([], 3)
    assert sorted(parcel.pending for parcel in Parcel.objects.all()) == [15, 15, 15, 15]


def test_processes_are_idle_when_nothing_is_due_and_others_have_no_claim(claim: Claim) -> None:
    assert hints.count_idle() == 0, "the one that asks is all there is"
    Node.objects.create(name="here", concurrency=3)
    assert hints.count_idle() == 2
    split_in_half(claim)
    assert hints.count_idle() == 0, "they are about to claim the part"
    claim_parcel(Claimer())
    assert hints.count_idle() == 1
