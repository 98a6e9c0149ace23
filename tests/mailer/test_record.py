"""Outcomes are recorded once, under the right fence, and late rather than never."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from django.conf import settings

from accounts.models import Account, DoubtPolicy
from batches.admit import admit_batch
from batches.claims import Claim, Claimer, Slice, release
from batches.counts import count_batch
from batches.handles import create_batch
from batches.models import Batch, Parcel
from batches.states import Lane, ParcelState
from batches.stop.freeze import freeze_account
from batches.stop.purge import purge_account
from batches.sweep import fold_final
from mailer.draft import Address, Personalization
from mailer.in_hand import Selection, Why, drop, replay
from mailer.models import CounterDelta, Event, EventKind, Measure
from mailer.one_message import stop_message
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.cargo import load_cargo
from mailer.pipeline.note import ReadNote
from mailer.pipeline.record import record_slice
from mailer.pipeline.rescue import rescue_parcel
from mailer.pipeline.sorting import Outcomes, add_result
from mailer.transports.base import Dropped, InDoubt, NotSent, Outcome, Refused, Result, RetryAt, Sent
from tests.conftest import Clock
from tests.drafts import draft
from tests.examples import further
from tests.mailer.claimed import claim_and_look, outcomes_of
from tests.outcomes import stored_events


@pytest.fixture
def batch(alice: Account) -> Batch:
    """Create a batch with one due parcel of 60 messages."""
    batch = create_batch(alice)
    accept_mail(alice, draft(60, batch_id=batch.public_id))
    return batch


def test_a_slice_is_counted_and_its_bounds_are_cleared(batch: Batch) -> None:
    claim = claim_and_look(Claimer())
    assert record_slice([outcomes_of(claim, Sent("ok"), Refused("no"), InDoubt("gone"), NotSent("shut"))]) == []
    parcel = Parcel.objects.get()
    assert (parcel.sent, parcel.refused, parcel.in_doubt, parcel.pending) == (1, 1, 1, 57)
    assert (parcel.slice_from, parcel.slice_to, parcel.state) == (None, None, ParcelState.CLAIMED)
    assert sorted(event.kind for event in stored_events()) == [
        EventKind.SENT,
        EventKind.REFUSED,
        EventKind.IN_DOUBT,
    ]


def test_recording_the_same_slice_twice_does_nothing_the_second_time(batch: Batch) -> None:
    """The reply to the commit was lost with the connection, so the worker records again."""
    claim = claim_and_look(Claimer())
    outcomes = outcomes_of(claim, Sent("ok"), RetryAt("later"))
    record_slice([outcomes])
    assert record_slice([outcomes]) == []
    counts = count_batch(batch.pk)
    assert (counts.accepted, counts.sent, counts.scheduled) == (60, 1, 1)
    assert len(stored_events()) == 2
    assert Parcel.objects.count() == 2


def test_a_record_under_an_older_fence_changes_nothing_of_the_new_claim(batch: Batch) -> None:
    old, new = Claimer(), Claimer()
    lost = claim_and_look(old)
    rescue_parcel(lost.parcel_id, lost.fence)
    current = claim_and_look(new, 10, 20)
    lost.slice_no = current.slice_no
    assert record_slice([outcomes_of(lost, Refused("no"))]) == [lost]
    parcel = Parcel.objects.get()
    assert (parcel.fence, parcel.state, parcel.slice_from) == (current.fence, ParcelState.CLAIMED, 10)
    assert record_slice([outcomes_of(current)]) == []


@pytest.mark.parametrize("is_folded", [False, True])
def test_a_late_record_turns_doubt_into_knowledge(batch: Batch, is_folded: bool) -> None:
    claimer = Claimer()
    claim = claim_and_look(claimer, 0, 60)
    rescue_parcel(claim.parcel_id, claim.fence)
    if is_folded:
        fold_final()
    assert count_batch(batch.pk).in_doubt == 60
    late = outcomes_of(claim, Sent("ok"), Sent("ok"), Refused("no"), NotSent("shut"), Dropped("Bounced Address"))
    assert record_slice([late]) == [claim]
    counts = count_batch(batch.pk)
    assert (counts.accepted, counts.sent, counts.refused, counts.dropped, counts.in_doubt) == (60, 2, 1, 1, 56)


def test_a_parcel_is_rescued_once(batch: Batch) -> None:
    claim = claim_and_look(Claimer())
    assert rescue_parcel(claim.parcel_id, claim.fence)
    assert not rescue_parcel(claim.parcel_id, claim.fence)
    assert count_batch(batch.pk).in_doubt == 10


def test_messages_that_were_not_begun_are_due_again_after_a_rescue(batch: Batch) -> None:
    (claim,) = Claimer().claim_next(Lane.BULK)
    rescue_parcel(claim.parcel_id, claim.fence)
    counts = count_batch(batch.pk)
    assert (counts.due, counts.in_doubt) == (60, 0)


STRENGTHS: list[tuple[list[Outcome], str]] = [
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
]
"""The outcomes of a message's recipients, and the state in which it is counted."""


def test_a_message_counts_as_its_strongest_outcome(alice: Account) -> None:
    for outcomes, counted in STRENGTHS:
        Parcel.objects.all().delete()
        batch = create_batch(alice)
        accept_mail(alice, draft(60, batch_id=batch.public_id))
        claim = claim_and_look(Claimer())
        slice_outcomes = Outcomes(claim)
        add_result(slice_outcomes, Result(claim.first_message_id, tuple(outcomes)), ("a@example.com", "b@example.com"))
        record_slice([slice_outcomes])
        counts = count_batch(batch.pk)
        assert getattr(counts, counted) == (60 if counted == "claimed" else 1), outcomes
        assert counts.accepted == 60, outcomes


# --- recipients with different outcomes -------------------------------------------------------------------------------

A, B, C = "a@example.com", "b@example.com", "c@example.com"
BACKOFF = dt.timedelta(seconds=settings.RETRY_FIRST_SECONDS)


def one_message(alice: Account, policy: DoubtPolicy = DoubtPolicy.HOLD) -> Claim:
    """Return the claim, in its first slice, of a message to three recipients."""
    Account.objects.filter(pk=alice.pk).update(doubt_policy=policy)
    plain = draft(1)
    to = tuple(Address(each) for each in (A, B, C))
    accept_mail(alice, replace(plain, personalizations=(Personalization(to=to),)))
    return claim_again()


def claim_again() -> Claim:
    """Return the claim of the message's due parcel in its first slice."""
    claimer = Claimer()
    (claim,) = claimer.claim_next(Lane.TRANSACTIONAL)
    assert claimer.look([Slice(claim, 0, 1)])
    return claim


def record(claim: Claim, **outcomes: Outcome) -> list[Claim]:
    """Record what became of the recipients a, b and c, as far as they were asked."""
    earlier = load_cargo([claim]).earlier.get(claim.first_message_id)
    item = Outcomes(claim)
    recipients = [f"{name}@example.com" for name in outcomes]
    add_result(item, Result(claim.first_message_id, tuple(outcomes.values())), recipients, earlier)
    return record_slice([item])


def next_recipients(claim: Claim) -> set[str]:
    """Return the recipients to whom this claim delivers the message."""
    cargo = load_cargo([claim])
    earlier = cargo.earlier.get(claim.first_message_id)
    return set(cargo.messages[claim.first_message_id].everyone) - (earlier.finished if earlier else set())


SENT, PUT_OFF, NO, LOST, LEFT = Sent("ok"), RetryAt("later"), Refused("no"), InDoubt("lost"), NotSent("shut")


REMAINDERS: list[tuple[tuple[Outcome, Outcome, Outcome], str, int, bool, bool, set[str]]] = [
    ((SENT, NO, LEFT), "due", 0, True, False, {C}),
    ((SENT, PUT_OFF, LEFT), "due", 0, True, False, {B, C}),
    ((SENT, PUT_OFF, PUT_OFF), "scheduled", 1, True, False, {B, C}),
    ((SENT, LOST, LEFT), "due", 0, True, True, {C}),
    ((SENT, LOST, PUT_OFF), "scheduled", 1, True, True, {C}),
    ((LOST, LEFT, LEFT), "due", 0, False, True, {B, C}),
    ((LOST, PUT_OFF, NO), "scheduled", 1, False, True, {B}),
    ((NO, LEFT, LEFT), "due", 0, False, False, {B, C}),
    ((NO, PUT_OFF, LEFT), "due", 0, False, False, {B, C}),
    ((NO, PUT_OFF, PUT_OFF), "scheduled", 1, False, False, {B, C}),
]
"""The outcomes of the recipients; state, attempts, is_remainder, is_replay of the other parcel; its recipients."""


@further
def test_another_parcel_has_the_message_for_the_remaining_recipients(alice: Account) -> None:
    for (a, b, c), state, attempts, is_remainder, is_replay, recipients in REMAINDERS:
        case = a, b, c
        Parcel.objects.all().delete()
        first = one_message(alice)
        record(first, a=a, b=b, c=c)
        remainder = Parcel.objects.exclude(pk=first.parcel_id).get()
        assert (ParcelState(remainder.state).label, remainder.attempts) == (state, attempts), case
        assert (remainder.is_remainder, remainder.is_replay) == (is_remainder, is_replay), case
        Parcel.objects.filter(pk=remainder.pk).update(state=ParcelState.DUE)
        claim = claim_again()
        assert next_recipients(claim) == recipients, case
        record(claim, **{each[0]: SENT for each in sorted(recipients)})
        counts = count_batch(first.batch_id)
        assert (counts.sent, counts.accepted, counts.waiting) == (1, 1, 0), case


@further
@pytest.mark.parametrize("is_sent", [False, True])
def test_doubt_of_one_recipient_is_for_a_person_when_nobody_else_is_left(alice: Account, is_sent: bool) -> None:
    record(one_message(alice), a=SENT if is_sent else NO, b=LOST, c=LEFT)
    record(claim_again(), c=NO)
    in_doubt = Selection(Why.IN_DOUBT)
    assert replay(alice, in_doubt, actor="test").affected == 1
    again = claim_again()
    assert next_recipients(again) == {B}
    record(again, b=LOST)
    assert drop(alice, in_doubt, actor="test").affected == 1
    assert [event.recipient for event in stored_events(EventKind.DROPPED)] == [B]
    counts = count_batch(again.batch_id)
    assert (counts.sent, counts.dropped, counts.in_doubt, counts.accepted) == (is_sent, not is_sent, 0, 1)


@pytest.mark.parametrize("is_sent", [False, True])
def test_doubt_of_one_recipient_is_sent_again_by_the_accounts_policy(
    alice: Account, clock: Clock, is_sent: bool
) -> None:
    first = one_message(alice, DoubtPolicy.RESEND)
    record(first, a=SENT if is_sent else NO, b=LOST, c=LEFT)
    claim = claim_again()
    assert next_recipients(claim) == {C}, "the remaining recipients are first"
    record(claim, c=PUT_OFF)
    clock.advance(seconds=BACKOFF.total_seconds() + 1)
    admit_batch(first.batch_id)
    claim = claim_again()
    assert next_recipients(claim) == {B, C}
    record(claim, b=SENT, c=LOST)
    clock.advance(seconds=2 * BACKOFF.total_seconds() + 1)
    admit_batch(first.batch_id)
    claim = claim_again()
    assert next_recipients(claim) == {C}
    record(claim, c=SENT)
    counts = count_batch(first.batch_id)
    assert (counts.sent, counts.waiting, counts.in_doubt, counts.accepted) == (1, 0, 0, 1)


def test_a_late_record_of_one_part_keeps_the_other_parts_with_their_worker(
    alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = one_message(alice)
    first = claim.first_message_id
    note = ReadNote({claim.parcel_id: (claim.fence, 1)}, in_parts={first: {A: 0, B: int(EventKind.IN_DOUBT)}})
    monkeypatch.setattr("mailer.pipeline.rescue.read_note", lambda url, worker: note)
    assert rescue_parcel(claim.parcel_id, claim.fence)
    assert record(claim, a=NO, b=SENT, c=LEFT) == [claim], "late"
    counts = count_batch(claim.batch_id)
    assert (counts.sent, counts.waiting, counts.in_doubt) == (1, 0, 0)
    second_claim = claim_again()
    assert (second_claim.is_remainder, next_recipients(second_claim)) == (True, {C})
    events = [(event.kind, event.recipient) for event in stored_events(EventKind.SENT, EventKind.REFUSED)]
    assert sorted(events) == [(EventKind.SENT, B), (EventKind.REFUSED, A)]


def test_a_late_record_adds_no_event_that_the_rescuer_wrote(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = one_message(alice)
    fates = {A: int(EventKind.SENT), B: int(EventKind.SENT), C: int(EventKind.IN_DOUBT)}
    note = ReadNote({claim.parcel_id: (claim.fence, 1)}, in_parts={claim.first_message_id: fates})
    monkeypatch.setattr("mailer.pipeline.rescue.read_note", lambda url, worker: note)
    assert rescue_parcel(claim.parcel_id, claim.fence)
    record(claim, a=SENT, b=SENT, c=SENT)
    recipients = [event.recipient for event in stored_events(EventKind.SENT)]
    assert sorted(recipients) == [A, B, C]


def test_a_late_record_without_a_note_keeps_the_other_recipients_for_a_person(alice: Account) -> None:
    claim = one_message(alice)
    assert rescue_parcel(claim.parcel_id, claim.fence)
    assert count_batch(claim.batch_id).in_doubt == 1
    record(claim, a=SENT, b=LEFT, c=LEFT)
    counts = count_batch(claim.batch_id)
    assert (counts.sent, counts.in_doubt, counts.accepted) == (1, 0, 1)
    assert replay(alice, Selection(Why.IN_DOUBT), actor="test").affected == 1
    assert next_recipients(claim_again()) == {B, C}


def test_a_stop_of_the_rest_of_a_message_names_the_stopped_recipients(alice: Account) -> None:
    claim = one_message(alice)
    record(claim, a=SENT, b=LEFT, c=LEFT)
    assert stop_message(alice, claim.first_message_id, actor="test").stopped == 1
    stopped = stored_events(EventKind.STOPPED)
    assert sorted((str(event.recipient), event.recipients) for event in stopped) == [(B, 0), (C, 0)]


@pytest.mark.parametrize("is_begun", [False, True])
def test_a_stopped_message_counts_once_however_many_recipients_are_left(alice: Account, is_begun: bool) -> None:
    claim = one_message(alice)
    record(claim, a=NO if is_begun else LEFT, b=LEFT, c=LEFT)
    if not is_begun:
        release([claim])
    stop_message(alice, claim.first_message_id, actor="test")
    stopped = [(event.recipient, event.recipients) for event in stored_events(EventKind.STOPPED)]
    assert stopped == ([(B, None), (C, 0)] if is_begun else [(None, None)])


def test_a_verdict_on_a_remainder_says_so_and_counts_for_nobody(alice: Account) -> None:
    claim = one_message(alice)
    record(claim, a=SENT, b=LEFT, c=LEFT)
    freeze_account(alice, actor="test")
    admit_batch(claim.batch_id)
    (event,) = stored_events(EventKind.RETAINED)
    assert event.reply == "mail of its account is frozen; only for the recipients without an outcome"
    assert Event.objects.get(kind=EventKind.RETAINED).recipients == 0
    assert not CounterDelta.objects.filter(measure=Measure.RETAINED).exists()


def test_mail_that_may_have_been_sent_ends_in_doubt_without_an_event_that_it_was_discarded(alice: Account) -> None:
    claim = one_message(alice)
    record(claim, a=LOST, b=LEFT, c=LEFT)
    freeze_account(alice, actor="test")
    purge_account(alice, actor="test")
    assert count_batch(claim.batch_id).in_doubt == 1
    assert list(Event.objects.values_list("kind", flat=True)) == [EventKind.IN_DOUBT]


def test_a_dropped_message_counts_for_each_of_its_recipients(alice: Account) -> None:
    record(one_message(alice), a=LOST, b=LOST, c=LOST)
    drop(alice, Selection(Why.IN_DOUBT), actor="test")
    (dropped,) = stored_events(EventKind.DROPPED)
    assert (dropped.recipient, dropped.recipients) == (None, 3)
