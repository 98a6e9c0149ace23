"""Batches are created, found, stopped and resumed: who may do this, when, and how many batches at a time."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from django.db import connection

from accounts.models import Account
from batches.admit import admit_batch
from batches.errors import NoStopPlaceLeft, StatusConflict, StopTooLate, UnknownBatch
from batches.handles import create_batch, default_batch, find_batch, is_usable, stopped_batches
from batches.models import Batch, Receipt
from batches.states import BatchStatus
from batches.stop.control import NO_LIMITS, StopLimits, resume_batch, stop_batch
from batches.sweep import fold_final
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from tests.conftest import Clock
from tests.drafts import draft

OPEN, PAUSED, CANCELLED = BatchStatus
ANY = frozenset(BatchStatus)


def pause(batch: Batch, limits: StopLimits = NO_LIMITS) -> Receipt:
    return stop_batch(
        batch.account, batch.public_id, PAUSED, actor="test", reason="why", allowed_from={OPEN}, limits=limits
    )


def test_a_stop_changes_the_status_and_keeps_a_receipt(alice: Account) -> None:
    batch = create_batch(alice)
    accept_mail(alice, draft(5, batch_id=batch.public_id, send_at=database_now() + dt.timedelta(hours=1)))
    receipt = pause(batch)
    batch.refresh_from_db()
    assert (batch.status, batch.version) == (PAUSED, 1)
    assert receipt == Receipt.objects.get()
    assert (receipt.action, receipt.actor, receipt.reason) == ("pause", "test", "why")
    assert (receipt.is_settled, receipt.sent, receipt.stopped, receipt.in_doubt) == (True, 0, 5, 0)


def test_another_accounts_batch_is_unknown(alice: Account, charlie: Account) -> None:
    batch = create_batch(alice)
    for move in (
        lambda: find_batch(charlie, batch.public_id),
        lambda: stop_batch(charlie, batch.public_id, PAUSED, actor="charlie", allowed_from=ANY),
        lambda: resume_batch(charlie, batch.public_id, actor="charlie", allowed_from=ANY),
    ):
        with pytest.raises(UnknownBatch):
            move()
    assert list(stopped_batches(charlie)) == []
    batch.refresh_from_db()
    assert batch.status == OPEN


def test_the_hidden_batch_cannot_be_found_or_stopped(alice: Account) -> None:
    hidden = default_batch(alice)
    assert default_batch(alice) == hidden
    with pytest.raises(UnknownBatch):
        find_batch(alice, hidden.public_id)
    with pytest.raises(UnknownBatch):
        pause(hidden)


def test_a_stop_from_another_status_is_a_conflict_without_a_receipt(alice: Account) -> None:
    batch = create_batch(alice)
    pause(batch)
    with pytest.raises(StatusConflict):
        pause(batch)
    assert Receipt.objects.count() == 1


def test_an_open_batch_cannot_be_resumed(alice: Account) -> None:
    batch = create_batch(alice)
    with pytest.raises(StatusConflict):
        resume_batch(alice, batch.public_id, actor="test")


def test_places_are_limited_for_each_account(alice: Account, charlie: Account) -> None:
    limits = StopLimits(places=2)
    batches = [create_batch(alice) for _ in range(3)]
    pause(batches[0], limits)
    pause(batches[1], limits)
    with pytest.raises(NoStopPlaceLeft):
        pause(batches[2], limits)
    pause(create_batch(charlie), limits)
    resume_batch(alice, batches[0].public_id, actor="test")
    pause(batches[2], limits)
    assert {batch.public_id for batch in stopped_batches(alice)} == {batches[1].public_id, batches[2].public_id}


def test_a_stopped_batch_with_final_mail_only_does_not_count(alice: Account) -> None:
    limits = StopLimits(places=1)
    done, other = create_batch(alice), create_batch(alice)
    accept_mail(alice, draft(1, batch_id=done.public_id))
    stop_batch(alice, done.public_id, CANCELLED, actor="test", allowed_from=ANY, limits=limits)
    with pytest.raises(NoStopPlaceLeft):
        pause(other, limits)
    admit_batch(done.pk)
    pause(other, limits)
    fold_final()
    resume_batch(alice, other.public_id, actor="test")
    pause(other, limits)


def test_two_stops_at_once_cannot_both_take_the_last_place(alice: Account) -> None:
    batches = [create_batch(alice) for _ in range(8)]
    refused: list[Exception] = []
    start = threading.Barrier(len(batches))

    def race(batch: Batch) -> None:
        start.wait(10)
        try:
            pause(batch, StopLimits(places=3))
        except NoStopPlaceLeft as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=race, args=[batch]) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(refused) == 5
    assert stopped_batches(alice).count() == 3


@pytest.mark.parametrize(("ahead_seconds", "is_late"), [(599, True), (660, False), (-60, False)])
def test_the_cut_off_looks_at_the_earliest_send_at_still_ahead(
    alice: Account, clock: Clock, ahead_seconds: float, is_late: bool
) -> None:
    batch = create_batch(alice)
    now = database_now()
    for seconds in (ahead_seconds, 7200):
        accept_mail(alice, draft(1, batch_id=batch.public_id, send_at=now + dt.timedelta(seconds=seconds)))
    limits = StopLimits(cutoff_seconds=600)
    if is_late:
        with pytest.raises(StopTooLate):
            pause(batch, limits)
        batch.refresh_from_db()
        assert (batch.status, Receipt.objects.count()) == (OPEN, 0)
    else:
        assert pause(batch, limits).is_settled


def test_a_batch_with_nothing_ahead_can_be_stopped_at_any_time(alice: Account) -> None:
    assert pause(create_batch(alice), StopLimits(cutoff_seconds=600)).is_settled


def test_an_id_is_usable_for_ten_days_and_longer_while_mail_waits(alice: Account, clock: Clock) -> None:
    empty, full = create_batch(alice), create_batch(alice)
    accept_mail(alice, draft(1, batch_id=full.public_id, send_at=database_now() + dt.timedelta(hours=1)))
    assert is_usable(empty)
    assert is_usable(full)
    clock.advance(hours=24 * 10 + 1)
    assert not is_usable(empty)
    assert is_usable(full)
    with pytest.raises(UnknownBatch):
        accept_mail(alice, draft(1, batch_id=empty.public_id))
