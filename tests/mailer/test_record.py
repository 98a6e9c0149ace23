"""Recording: once, under the right fence, and late rather than never."""

from __future__ import annotations

import pytest

from accounts.models import Account
from batches.claims import Claim, Hold, Slice
from batches.control import create_batch
from batches.counts import count_batch
from batches.models import Batch, Parcel
from batches.states import Lane, ParcelState
from batches.sweep import fold_final
from mailer.models import Event, EventKind
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.record import Outcomes, add_result, record_slice
from mailer.pipeline.rescue import rescue_parcel
from mailer.transports.base import Dropped, InDoubt, NotSent, Outcome, Refused, Result, RetryAt, Sent
from tests.drafts import draft

ONE = ("one@example.com",)


@pytest.fixture
def batch(alice: Account) -> Batch:
    """A batch with one due parcel of 60 messages."""
    batch = create_batch(alice)
    accept_mail(alice, draft(60, batch_id=batch.public_id))
    return batch


def claim_and_look(hold: Hold, start: int = 0, end: int = 10) -> Claim:
    (claim,) = hold.claim_next(Lane.BULK)
    assert claim.parcel_id in hold.look([Slice(claim, start, end)])
    return claim


def outcomes_of(claim: Claim, *results: Outcome) -> Outcomes:
    """The outcome of the claim's first messages, one recipient each."""
    outcomes = Outcomes(claim)
    for n, outcome in enumerate(results):
        add_result(outcomes, Result(claim.first_message_id + n, (outcome,)), ONE)
    return outcomes


def test_a_slice_is_counted_and_its_bounds_are_cleared(batch: Batch) -> None:
    claim = claim_and_look(Hold())
    assert record_slice([outcomes_of(claim, Sent("ok"), Refused("no"), InDoubt("gone"), NotSent("shut"))]) == []
    parcel = Parcel.objects.get()
    assert (parcel.sent, parcel.refused, parcel.in_doubt, parcel.pending) == (1, 1, 1, 57)
    assert (parcel.slice_from, parcel.slice_to, parcel.state) == (None, None, ParcelState.CLAIMED)
    assert sorted(Event.objects.values_list("kind", flat=True)) == [
        EventKind.SENT,
        EventKind.REFUSED,
        EventKind.IN_DOUBT,
    ]


def test_recording_the_same_slice_twice_does_nothing_the_second_time(batch: Batch) -> None:
    """The answer to a commit was lost with the connection: the worker cannot know, and records again."""
    claim = claim_and_look(Hold())
    outcomes = outcomes_of(claim, Sent("ok"), RetryAt("later"))
    record_slice([outcomes])
    assert record_slice([outcomes]) == []
    counts = count_batch(batch.pk)
    assert (counts.accepted, counts.sent, counts.scheduled) == (60, 1, 1)
    assert Event.objects.count() == 2
    assert Parcel.objects.count() == 2


def test_a_record_under_an_older_fence_changes_nothing_of_the_new_claim(batch: Batch) -> None:
    old, new = Hold(), Hold()
    lost = claim_and_look(old)
    rescue_parcel(lost.parcel_id, lost.fence)
    held = claim_and_look(new, 10, 20)
    lost.slice_no = held.slice_no
    assert record_slice([outcomes_of(lost, Refused("no"))]) == [lost]
    parcel = Parcel.objects.get()
    assert (parcel.fence, parcel.state, parcel.slice_from) == (held.fence, ParcelState.CLAIMED, 10)
    assert record_slice([outcomes_of(held)]) == []


@pytest.mark.parametrize("is_folded", [False, True])
def test_a_late_record_turns_doubt_into_knowledge(batch: Batch, is_folded: bool) -> None:
    hold = Hold()
    claim = claim_and_look(hold, 0, 60)
    rescue_parcel(claim.parcel_id, claim.fence)
    if is_folded:
        fold_final()
    assert count_batch(batch.pk).in_doubt == 60
    late = outcomes_of(claim, Sent("ok"), Sent("ok"), Refused("no"), NotSent("shut"), Dropped("Bounced Address"))
    assert record_slice([late]) == [claim]
    counts = count_batch(batch.pk)
    assert (counts.accepted, counts.sent, counts.refused, counts.dropped, counts.in_doubt) == (60, 2, 1, 1, 56)


def test_a_parcel_is_rescued_once(batch: Batch) -> None:
    claim = claim_and_look(Hold())
    assert rescue_parcel(claim.parcel_id, claim.fence)
    assert not rescue_parcel(claim.parcel_id, claim.fence)
    assert count_batch(batch.pk).in_doubt == 10


def test_what_was_not_begun_is_due_again_after_a_rescue(batch: Batch) -> None:
    (claim,) = Hold().claim_next(Lane.BULK)
    rescue_parcel(claim.parcel_id, claim.fence)
    counts = count_batch(batch.pk)
    assert (counts.due, counts.in_doubt) == (60, 0)


@pytest.mark.parametrize(
    ("outcomes", "counted"),
    [
        ([Sent(""), Refused("")], "sent"),
        ([Sent(""), RetryAt("")], "sent"),
        ([Refused(""), RetryAt("")], "scheduled"),
        ([Refused(""), InDoubt("")], "in_doubt"),
        ([Refused(""), NotSent("")], "due"),
        ([Refused(""), Refused("")], "refused"),
        ([Sent(""), Dropped("")], "sent"),
        ([InDoubt(""), Dropped("")], "in_doubt"),
        ([NotSent(""), Dropped("")], "due"),
        ([NotSent(""), NotSent("")], "claimed"),
        ([NotSent(""), RetryAt("")], "claimed"),
        ([Sent(""), NotSent("")], "sent"),
        ([Sent(""), InDoubt("")], "sent"),
        ([InDoubt(""), NotSent("")], "due"),
        ([InDoubt(""), RetryAt("")], "scheduled"),
        ([RetryAt(""), Dropped("")], "scheduled"),
        ([Refused(""), Dropped("")], "refused"),
        ([Dropped("one"), Dropped("another")], "dropped"),
    ],
)
def test_a_message_counts_as_its_strongest_outcome(batch: Batch, outcomes: list[Outcome], counted: str) -> None:
    claim = claim_and_look(Hold())
    slice_outcomes = Outcomes(claim)
    add_result(slice_outcomes, Result(claim.first_message_id, tuple(outcomes)), ("a@example.com", "b@example.com"))
    record_slice([slice_outcomes])
    counts = count_batch(batch.pk)
    assert getattr(counts, counted) == (60 if counted == "claimed" else 1)
    assert counts.accepted == 60
