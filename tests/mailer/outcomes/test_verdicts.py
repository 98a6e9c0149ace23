"""Verdicts leave events in the transaction that moves the parcels, one row a parcel."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from django.db.models import Sum

from accounts.models import Account
from batches import admit
from batches.admit import admit_batch
from batches.claims import Claimer
from batches.counts import count_batch
from batches.handles import create_batch, default_batch
from batches.models import Batch, Parcel
from batches.states import BatchStatus
from batches.stop.control import resume_batch, stop_batch
from batches.stop.freeze import freeze_account
from batches.stop.purge import purge_account
from foundation.clock import database_now
from mailer.in_hand import Selection, Why, drop, replay
from mailer.models import CounterDelta, Event, EventKind, Measure, Series
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.record import record_slice
from mailer.queries import states_of, trace
from mailer.sweep import sweep
from mailer.transports.base import RetryAt
from tests.conftest import Clock
from tests.drafts import draft
from tests.mailer.claimed import claim_and_look, outcomes_of
from tests.outcomes import stored_events

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def batch(alice: Account) -> Batch:
    """Create a batch with two parcels, of 501 messages together, that are due in an hour."""
    batch = create_batch(alice)
    accept_mail(alice, draft(501, batch_id=batch.public_id, send_at=database_now() + HOUR))
    return batch


def pause(batch: Batch) -> None:
    stop_batch(batch.account, batch.public_id, BatchStatus.PAUSED, actor="test", allowed_from=BatchStatus)


def cancel(batch: Batch) -> None:
    stop_batch(batch.account, batch.public_id, BatchStatus.CANCELLED, actor="test", allowed_from=BatchStatus)


def rows() -> list[tuple[EventKind, str | None, bool]]:
    """Return the kind and the reason of each row of events, and whether it is packed."""
    return [(EventKind(row.kind), row.reply, row.members is not None) for row in Event.objects.order_by("id")]


def counted(series: Series = Series.ACCOUNT) -> dict[str, int]:
    """Return the counts of a series by measure."""
    deltas = CounterDelta.objects.filter(series=series).exclude(measure=Measure.ACCEPTED)
    sums = deltas.values("measure").annotate(total=Sum("n"))
    return {Measure(row["measure"]).name: row["total"] for row in sums}


def test_a_pause_and_its_end_leave_events(alice: Account, batch: Batch, clock: Clock) -> None:
    pause(batch)
    clock.advance(hours=1.1)
    admit_batch(batch.pk)
    admit_batch(batch.pk)
    retained = (EventKind.RETAINED, "its batch is paused", True)
    assert rows() == [retained] * 2
    assert len(stored_events(EventKind.RETAINED)) == 501
    clock.advance(hours=72)
    admit_batch(batch.pk)
    assert rows() == [retained] * 2 + [(EventKind.EXPIRED, "its batch was paused for too long", True)] * 2
    assert counted() == counted(Series.BATCH) == {"RETAINED": 501, "EXPIRED": 501}
    assert count_batch(batch.pk).expired == 501


def test_a_cancel_leaves_events_and_a_release_leaves_none(alice: Account, batch: Batch, clock: Clock) -> None:
    clock.advance(hours=1.1)
    admit_batch(batch.pk)
    assert rows() == []
    cancel(batch)
    sweep()
    assert rows() == [(EventKind.DISCARDED, "its batch was cancelled", True)] * 2
    assert counted()["DISCARDED"] == count_batch(batch.pk).discarded == 501
    resume_batch(alice, batch.public_id, actor="test")
    assert len(rows()) == 2


def test_a_freeze_and_a_purge_leave_events_of_default_mail(alice: Account) -> None:
    accept_mail(alice, draft(3, send_at=database_now() + HOUR))
    batch = default_batch(alice)
    Parcel.objects.update(send_at=database_now(), due_at=database_now())
    freeze_account(alice, actor="test")
    admit_batch(batch.pk)
    purge_account(alice, actor="test")
    assert rows() == [
        (EventKind.RETAINED, "mail of its account is frozen", True),
        (EventKind.DISCARDED, "mail of its account was purged", True),
    ]
    assert counted() == {"RETAINED": 3, "DISCARDED": 3}
    assert counted(Series.BATCH) == {}


def test_late_mail_leaves_an_event_and_so_does_what_a_person_does_with_it(
    alice: Account, batch: Batch, clock: Clock
) -> None:
    Account.objects.filter(pk=alice.pk).update(lateness_limit=60)
    clock.advance(hours=2)
    admit_batch(batch.pk)
    assert rows() == [(EventKind.HELD, "it is later than its account allows", True)] * 2
    ids = sorted(event.message_id for event in stored_events(EventKind.HELD))
    drop(alice, Selection(Why.HELD, message_ids=frozenset(ids[:2])), actor="Ann")
    assert rows()[2:] == [(EventKind.DROPPED, "dropped by Ann", False)] * 2
    replay(alice, Selection(Why.HELD), actor="Ann")
    assert counted() == {"HELD": 501, "DROPPED": 2}


@pytest.mark.parametrize("others", [(), ("news",), ("other",)])
def test_verdicts_are_counted_by_category(alice: Account, others: tuple[str, ...]) -> None:
    batch = create_batch(alice)
    for categories in (("news",), others) if others else (("news",),):
        mail = draft(2, batch_id=batch.public_id, send_at=database_now() + HOUR)
        accept_mail(alice, replace(mail, categories=categories))
    cancel(batch)
    Parcel.objects.update(send_at=database_now(), due_at=database_now())
    admit_batch(batch.pk)
    deltas = CounterDelta.objects.filter(series=Series.CATEGORY, measure=Measure.DISCARDED)
    expected = {(): {"news": 2}, ("news",): {"news": 4}, ("other",): {"news": 2, "other": 2}}[others]
    assert dict(deltas.values_list("key", "n")) == expected


def test_a_failed_page_leaves_neither_events_nor_counts(
    alice: Account, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancel(batch)
    Parcel.objects.update(send_at=database_now(), due_at=database_now())

    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(admit, "_reports", [*admit._reports, fail])
    with pytest.raises(RuntimeError):
        admit_batch(batch.pk)
    assert (rows(), counted(), count_batch(batch.pk).discarded) == ([], {}, 0)


def test_a_state_comes_from_an_event_only_when_the_parcel_was_deleted(alice: Account, clock: Clock) -> None:
    """A retry may be discarded and deleted while doubts of others keep the parcel that it was split from."""
    batch = create_batch(alice)
    accept_mail(alice, draft(60, batch_id=batch.public_id))
    claim = claim_and_look(Claimer(), 0, 60)
    record_slice([outcomes_of(claim, *[RetryAt("later")] * 60)])
    first = claim.first_message_id
    pause(batch)
    clock.advance(hours=1)
    admit_batch(batch.pk)
    assert states_of([first]) == {first: "retained"}, "the event of a deferral or a verdict is no state"
    cancel(batch)
    admit_batch(batch.pk)
    assert states_of([first]) == {first: "discarded"}
    Parcel.objects.exclude(pk=claim.parcel_id).delete()
    assert states_of([first]) == {first: "discarded"}
    assert [EventKind(event.kind) for event in trace([first])[0].events] == [
        EventKind.DEFERRED,
        EventKind.RETAINED,
        EventKind.DISCARDED,
    ]
