"""A batch is moved to another time, and a pause gets an end."""

from __future__ import annotations

import datetime as dt

import pytest

from accounts.models import Account
from batches.counts import count_batch
from batches.errors import PauseIsOver, StatusConflict, UnknownBatch
from batches.handles import create_batch, find_batch
from batches.models import Batch, Parcel, Receipt
from batches.states import BatchStatus
from batches.stop.control import end_pauses, resume_batch, stop_batch
from batches.stop.exact import PauseTerms
from batches.stop.reschedule import reschedule_batch
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.sweep import sweep
from tests.conftest import Clock
from tests.drafts import draft
from tests.examples import further
from tests.peer import CountingPeer

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def batch(alice: Account) -> Batch:
    """Create a batch with two messages due in an hour and one due in two."""
    batch = create_batch(alice)
    for messages, hours in ((2, 1), (1, 2)):
        accept_mail(alice, draft(messages, batch_id=batch.public_id, send_at=database_now() + hours * HOUR))
    return batch


def pause(batch: Batch, terms: PauseTerms) -> Receipt:
    return stop_batch(
        batch.account, batch.public_id, BatchStatus.PAUSED, actor="test", allowed_from={0, 1}, terms=terms
    )


@further
def test_all_that_waits_gets_the_new_time(
    alice: Account, batch: Batch, clock: Clock, deliverer: Deliverer, peer: CountingPeer
) -> None:
    send_at = database_now() + 5 * HOUR
    receipt = reschedule_batch(alice, batch.public_id, send_at, actor="olga", reason="the shop is down")
    assert (receipt.affected, receipt.is_settled, receipt.stopped) == (3, True, 3)
    clock.advance(hours=4.9)
    sweep()
    deliverer.deliver_due(seconds=5)
    assert peer.ledger == []
    clock.advance(hours=0.1)
    sweep()
    deliverer.deliver_due(seconds=5)
    assert len(peer.ledger) == 3


def test_a_time_that_has_passed_means_now(
    alice: Account, batch: Batch, deliverer: Deliverer, peer: CountingPeer
) -> None:
    reschedule_batch(alice, batch.public_id, database_now() - HOUR, actor="test")
    deliverer.deliver_due(seconds=5)
    assert len(peer.ledger) == 3


def test_retained_mail_waits_for_the_new_time_and_discarded_mail_stays_discarded(
    alice: Account, batch: Batch, clock: Clock, deliverer: Deliverer, peer: CountingPeer
) -> None:
    clock.advance(hours=1)
    sweep()
    deliverer.deliver_due(seconds=5)
    stop_batch(alice, batch.public_id, BatchStatus.PAUSED, actor="test", allowed_from={0})
    clock.advance(hours=1)
    sweep()
    assert count_batch(batch.pk).retained == 1
    assert reschedule_batch(alice, batch.public_id, database_now() + HOUR, actor="test").affected == 1
    resume_batch(alice, batch.public_id, actor="test")
    sweep()
    assert count_batch(batch.pk).scheduled == 1
    clock.advance(hours=1)
    sweep()
    deliverer.deliver_due(seconds=5)
    assert (len(peer.ledger), peer.doubled) == (3, [])


def test_a_cancelled_batch_and_another_accounts_are_not_rescheduled(
    alice: Account, charlie: Account, batch: Batch
) -> None:
    with pytest.raises(UnknownBatch):
        reschedule_batch(charlie, batch.public_id, database_now(), actor="test")
    stop_batch(alice, batch.public_id, BatchStatus.CANCELLED, actor="test", allowed_from={0})
    with pytest.raises(StatusConflict):
        reschedule_batch(alice, batch.public_id, database_now(), actor="test")


def test_a_pause_ends_by_itself(
    alice: Account, batch: Batch, clock: Clock, deliverer: Deliverer, peer: CountingPeer
) -> None:
    pause(batch, PauseTerms(until=database_now() + 3 * HOUR))
    clock.advance(hours=2.9)
    sweep()
    assert count_batch(batch.pk).retained == 3
    clock.advance(hours=0.1)
    sweep()
    deliverer.deliver_due(seconds=5)
    assert len(peer.ledger) == 3
    ended = Receipt.objects.latest("pk")
    assert (ended.action, ended.actor, ended.reason) == ("resume", "sluice", "end of the pause")
    assert find_batch(alice, batch.public_id).paused_until is None


def test_a_pause_that_was_made_longer_does_not_end_early(batch: Batch, clock: Clock) -> None:
    pause(batch, PauseTerms(until=database_now() + HOUR))
    pause(batch, PauseTerms(until=database_now() + 9 * HOUR))
    clock.advance(hours=2)
    assert end_pauses() == 0
    stop_batch(batch.account, batch.public_id, BatchStatus.CANCELLED, actor="test", allowed_from={1})
    clock.advance(hours=20)
    assert end_pauses() == 0


def test_a_pause_that_is_over_already_stops_nothing(alice: Account, batch: Batch) -> None:
    with pytest.raises(PauseIsOver):
        pause(batch, PauseTerms(until=database_now()))
    assert find_batch(alice, batch.public_id).status == BatchStatus.OPEN


@further
@pytest.mark.parametrize(("hours", "expired"), [(1, 3), (100, 0)])
def test_a_pause_sets_how_long_mail_is_retained(batch: Batch, clock: Clock, hours: int, expired: int) -> None:
    pause(batch, PauseTerms(retention=hours * HOUR))
    clock.advance(hours=2)
    sweep()
    assert count_batch(batch.pk).retained == (3 if hours == 100 else 1)
    clock.advance(hours=80)
    sweep()
    assert count_batch(batch.pk).expired == expired


def test_a_resume_forgets_the_terms(alice: Account, batch: Batch) -> None:
    pause(batch, PauseTerms(until=database_now() + HOUR, retention=HOUR))
    resume_batch(alice, batch.public_id, actor="test")
    batch.refresh_from_db()
    assert (batch.paused_until, batch.retention_seconds) == (None, None)
    assert Parcel.objects.count() == 2
