"""Test the guards of delivering, recording and rescuing: each scenario with its guard, and again without it.

A guard exists to prevent the breach that appears without it. If no breach appeared, the test with the guard would prove
nothing.
"""

from __future__ import annotations

import pytest

from accounts.models import Account
from batches import queries
from batches.claims import Claim, Claimer, Slice, release
from batches.counts import Counts, count_batch
from batches.handles import create_batch
from batches.models import Batch, Parcel, Worker
from batches.states import BatchStatus, Lane, ParcelState
from batches.stop.control import stop_batch
from batches.sweep import claims_of_the_dead
from foundation.clock import database_now
from mailer.pipeline import rescue
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer, Trip
from mailer.pipeline.record import record_slice
from mailer.pipeline.rescue import rescue_parcel
from mailer.pipeline.sorting import Outcomes, add_result
from mailer.sweep import sweep
from mailer.transports.base import Result, Sent
from tests.drafts import draft
from tests.examples import further
from tests.fleet import deliverer_for
from tests.outcomes import stored_events
from tests.peer import CountingPeer
from tests.without import unguarded, without

MESSAGES = 60


@pytest.fixture
def batch(alice: Account) -> Batch:
    """Create a batch with one due parcel."""
    batch = create_batch(alice)
    accept_mail(alice, draft(MESSAGES, batch_id=batch.public_id))
    return batch


def claim_parcel(claimer: Claimer) -> Claim:
    (claim,) = claimer.claim_next(Lane.BULK)
    return claim


def look_at(claimer: Claimer, claim: Claim, start: int, end: int) -> bool:
    """Return whether the slice may be sent."""
    return claim.parcel_id in claimer.look([Slice(claim, start, end)])


def send_one_slice(deliverer: Deliverer, claims: list[Claim]) -> int:
    """Send one slice and return how many messages have an outcome."""
    trip = Trip(deliverer, claims)
    trip.load()
    trip.deliver_slice(trip.cut())
    return trip.handled


# --- the fence --------------------------------------------------------------------------------------------------------


def go_on_after_another_took_over(slow: Deliverer, peer: CountingPeer) -> Counts:
    """Let a worker continue with a parcel that another worker has taken over.

    The first worker releases its parcel, but the reply to that statement is lost. The second worker sends part of the
    parcel before the first one continues with it.
    """
    claims = slow.claim_next()
    release(claims)
    other = deliverer_for(peer)
    assert send_one_slice(other, other.claim_next())
    send_one_slice(slow, claims)
    other.transport.close()
    return count_batch(claims[0].batch_id)


def test_a_worker_whose_parcel_was_taken_over_sends_nothing_of_it(
    batch: Batch, deliverer: Deliverer, peer: CountingPeer
) -> None:
    counts = go_on_after_another_took_over(deliverer, peer)
    assert peer.doubled == []
    assert counts.sent == len(peer.ledger)


@further
def test_without_the_fence_it_sends_twice(
    batch: Batch, deliverer: Deliverer, peer: CountingPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, queries, "LOOK", " and p.fence = s.fence")
    # If the transport polls before the first message, a glance sees the other worker, too.
    without(monkeypatch, queries, "GLANCE", " and p.worker_id = %(worker)s")
    go_on_after_another_took_over(deliverer, peer)
    assert peer.doubled


def record_over_another(batch: Batch) -> Parcel:
    """Record late, while another worker has the same parcel, in a slice of the same number."""
    old = Claimer()
    lost = claim_parcel(old)
    assert look_at(old, lost, 0, 10)
    rescue_parcel(lost.parcel_id, lost.fence)
    new = Claimer()
    current = claim_parcel(new)
    assert look_at(new, current, 10, 20)
    lost.slice_no = current.slice_no
    record_slice([sent(lost, 10)])
    return Parcel.objects.get(pk=lost.parcel_id)


def sent(claim: Claim, messages: int) -> Outcomes:
    """Return the outcomes of a claim whose first messages were sent."""
    outcomes = Outcomes(claim)
    for n in range(messages):
        add_result(outcomes, Result(claim.first_message_id + n, (Sent("ok"),)), (f"to{n}@example.com",))
    return outcomes


def test_a_late_record_does_not_change_the_slice_of_another_worker(batch: Batch) -> None:
    parcel = record_over_another(batch)
    assert (parcel.slice_from, parcel.slice_to) == (10, 20)
    counts = count_batch(batch.pk)
    assert (counts.sent, counts.in_doubt, counts.accepted) == (10, 0, MESSAGES)


def test_without_the_fence_it_closes_that_slice_and_its_content_would_be_unknown(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, queries, "RECORD", " and p.fence = r.fence")
    parcel = record_over_another(batch)
    assert parcel.slice_from is None, "if the other died now, what it has sent would be sent again"
    assert count_batch(batch.pk).in_doubt == 10, "and what was sent is in doubt and counted as sent"


# --- the slice's number -----------------------------------------------------------------------------------------------


def record_twice(batch: Batch) -> Counts:
    """Record twice, as a worker does when the reply to a commit is lost with the connection."""
    claimer = Claimer()
    claim = claim_parcel(claimer)
    assert look_at(claimer, claim, 0, 10)
    outcomes = sent(claim, 10)
    record_slice([outcomes])
    record_slice([outcomes])
    return count_batch(batch.pk)


def test_a_slice_that_is_recorded_twice_is_counted_once(batch: Batch) -> None:
    assert record_twice(batch).sent == len(stored_events()) == 10


def test_without_the_slices_guard_the_slice_is_counted_twice(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, queries, "RECORD", " and p.slice_no = r.slice_no", "and p.slice_from is not null")
    assert record_twice(batch).sent == len(stored_events()) == 20


# --- the rescuer's guard ----------------------------------------------------------------------------------------------


def rescue_what_another_has_rescued() -> tuple[Claimer, Claim]:
    """Let a late sweeper rescue a parcel that was rescued already; return the claim of a living worker.

    Two sweepers have a dead worker's parcel on their lists. The first one rescues it, and a living worker claims it and
    is in its first slice when the second one comes to it.
    """
    dead, living = Claimer(), Claimer()
    claim_parcel(dead)
    Worker.objects.update(dead_at=database_now())
    (listed,) = claims_of_the_dead()
    assert rescue_parcel(*listed)
    claim = claim_parcel(living)
    assert look_at(living, claim, 0, 10)
    rescue_parcel(*listed)
    return living, claim


def test_a_late_rescuer_does_not_change_a_living_workers_claim(batch: Batch) -> None:
    living, claim = rescue_what_another_has_rescued()
    assert look_at(living, claim, 0, 10)
    assert count_batch(batch.pk).in_doubt == 0


def test_without_the_rescuers_guard_a_living_workers_slice_is_in_doubt(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rescue, "Parcel", unguarded(Parcel))
    living, claim = rescue_what_another_has_rescued()
    assert not look_at(living, claim, 0, 10)
    assert count_batch(batch.pk).in_doubt == 10


def test_a_parcel_that_has_ended_is_not_rescued(batch: Batch) -> None:
    """One sweeper rescued the parcel and its batch was cancelled, while another sweeper has it on its list."""
    claim_parcel(Claimer())
    Worker.objects.update(dead_at=database_now())
    (listed,) = claims_of_the_dead()
    sweep()
    stop_batch(batch.account, batch.public_id, BatchStatus.CANCELLED, actor="test", allowed_from={BatchStatus.OPEN})
    sweep()
    assert not rescue_parcel(*listed)
    assert Parcel.objects.get(pk=listed[0]).state == ParcelState.DISCARDED
