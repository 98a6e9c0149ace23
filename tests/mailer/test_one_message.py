"""One message is stopped or moved to another time, independent of the rest of its batch."""

from __future__ import annotations

import datetime as dt
import threading
import time

import pytest
from django.db import connection, transaction

from accounts.models import Account, DoubtPolicy
from batches.claims import Claimer
from batches.counts import count_batch
from batches.errors import MessageEnded, MessageInFlight, StatusConflict, UnknownMessage
from batches.handles import create_batch
from batches.models import Batch, Parcel, Receipt
from batches.states import BatchStatus, Lane, ParcelState
from batches.stop.control import stop_batch
from foundation.clock import database_now
from mailer.models import Message
from mailer.one_message import reschedule_message, stop_message
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.pipeline.rescue import rescue_parcel
from mailer.queries import states_of
from mailer.sweep import sweep
from tests.conftest import Clock
from tests.drafts import draft
from tests.examples import further
from tests.fleet import DeliveringThread
from tests.mailer.claimed import claim_and_look
from tests.peer import CountingPeer
from tests.waiting import someone_waits_for_us, wait_until

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def batch(alice: Account) -> Batch:
    """Create a batch with three messages due in an hour."""
    batch = create_batch(alice)
    accept_mail(alice, draft(3, batch_id=batch.public_id, send_at=database_now() + HOUR))
    return batch


def ids() -> list[int]:
    return list(Message.objects.order_by("pk").values_list("pk", flat=True))


def test_a_scheduled_message_is_stopped_and_the_others_are_sent(
    alice: Account, batch: Batch, clock: Clock, deliverer: Deliverer, peer: CountingPeer
) -> None:
    first, second, third = ids()
    receipt = stop_message(alice, second, actor="olga", reason="wrong address")
    assert (receipt.is_settled, receipt.stopped, receipt.sent, receipt.message_id) == (True, 1, 0, second)
    clock.advance(hours=1)
    sweep()
    deliverer.deliver_due(seconds=5)
    assert peer.recipients == ["to0@example.com", "to2@example.com"]
    assert states_of([first, second, third]) == {first: "sent", second: "stopped", third: "sent"}
    counts = count_batch(batch.pk)
    assert (counts.accepted, counts.sent, counts.stopped) == (3, 2, 1)


@further
def test_stopping_a_sent_message_reports_that_it_was_sent(
    alice: Account, batch: Batch, clock: Clock, deliverer: Deliverer
) -> None:
    clock.advance(hours=1)
    sweep()
    deliverer.deliver_due(seconds=5)
    receipt = stop_message(alice, ids()[0], actor="test")
    assert (receipt.is_settled, receipt.sent, receipt.stopped) == (True, 1, 0)
    with pytest.raises(MessageEnded):
        reschedule_message(alice, ids()[0], database_now() + HOUR, actor="test")
    assert count_batch(batch.pk).sent == 3


def test_a_message_is_stopped_twice_without_harm(alice: Account, batch: Batch) -> None:
    stop_message(alice, ids()[0], actor="test")
    again = stop_message(alice, ids()[0], actor="test")
    assert (again.stopped, again.ended) == (0, 1)
    assert count_batch(batch.pk).stopped == 1


def test_the_last_message_of_a_parcel_ends_it(alice: Account, batch: Batch) -> None:
    for message_id in ids():
        stop_message(alice, message_id, actor="test")
    assert Parcel.objects.get().state == ParcelState.DONE


def test_another_accounts_message_is_unknown(alice: Account, charlie: Account, batch: Batch) -> None:
    for account, message_id in ((charlie, ids()[0]), (alice, ids()[-1] + 1), (alice, 2**62)):
        with pytest.raises(UnknownMessage):
            stop_message(account, message_id, actor="test")
        with pytest.raises(UnknownMessage):
            reschedule_message(account, message_id, database_now(), actor="test")
    assert not Receipt.objects.exists()


def test_messages_are_stopped_while_their_parcels_are_delivered(alice: Account, peer: CountingPeer) -> None:
    """The worker releases the parcel, and the receipt agrees with the peer."""
    peer.delay = 0.01
    batch = create_batch(alice)
    accept_mail(alice, draft(200, batch_id=batch.public_id))
    first = ids()[0]
    stopped, sent = [], []
    with DeliveringThread(peer, connections=2):
        wait_until(lambda: len(peer.ledger) >= 10, why="mail in flight")
        for n in (199, 190, 150, 80, 3):
            receipt = stop_message(alice, first + n, actor="test")
            assert receipt.is_settled
            (stopped if receipt.stopped else sent).append(f"to{n}@example.com")
        wait_until(lambda: sweep() and count_batch(batch.pk).waiting == 0, why="the rest", seconds=30)
    assert stopped
    assert "to3@example.com" in sent
    assert set(stopped).isdisjoint(peer.recipients)
    assert set(sent) <= set(peer.recipients)
    assert len(peer.ledger) == 200 - len(stopped)
    assert peer.doubled == []


def test_a_worker_that_does_not_answer_is_an_error_without_a_receipt(alice: Account, settings: object) -> None:
    settings.STOP_WAIT_SECONDS = 0.1  # type: ignore[attr-defined]
    accept_mail(alice, draft(60))
    claim = claim_and_look(Claimer())
    before = time.monotonic()
    with pytest.raises(MessageInFlight):
        stop_message(alice, claim.first_message_id, actor="test")
    assert time.monotonic() - before < 3
    assert not Receipt.objects.exists()
    assert Parcel.objects.get().recalled_until is None


def test_a_recalled_parcel_is_not_claimed_and_its_worker_gives_it_back(alice: Account) -> None:
    accept_mail(alice, draft(60))
    Parcel.objects.update(recalled_until=database_now() + HOUR)
    assert Claimer().claim_next(Lane.BULK) == []
    Parcel.objects.update(recalled_until=None)
    assert len(Claimer().claim_next(Lane.BULK)) == 1


def test_mail_that_may_have_been_sent_is_not_counted_as_stopped(alice: Account) -> None:
    Account.objects.update(doubt_policy=DoubtPolicy.RESEND)
    accept_mail(alice, draft(60))
    claim = claim_and_look(Claimer())
    rescue_parcel(claim.parcel_id, claim.fence)
    receipt = stop_message(alice, claim.first_message_id, actor="test")
    assert (receipt.stopped, receipt.in_doubt, receipt.doubtful_messages) == (0, 1, [claim.first_message_id])
    assert states_of([claim.first_message_id]) == {claim.first_message_id: "in_doubt"}
    counts = count_batch(Batch.objects.get().pk)
    assert (counts.accepted, counts.in_doubt, counts.stopped) == (60, 1, 0)


def test_one_message_is_rescheduled(
    alice: Account, batch: Batch, clock: Clock, deliverer: Deliverer, peer: CountingPeer
) -> None:
    receipt = reschedule_message(alice, ids()[1], database_now() + 3 * HOUR, actor="test")
    assert receipt.affected == 1
    clock.advance(hours=1)
    sweep()
    deliverer.deliver_due(seconds=5)
    assert peer.recipients == ["to0@example.com", "to2@example.com"]
    # Again, now that it has a separate parcel; a past time means now.
    reschedule_message(alice, ids()[1], database_now() - HOUR, actor="test")
    deliverer.deliver_due(seconds=5)
    assert peer.recipients[2:] == ["to1@example.com"]
    counts = count_batch(batch.pk)
    assert (counts.accepted, counts.sent) == (3, 3)


def test_a_message_of_a_cancelled_batch_is_not_rescheduled(alice: Account, batch: Batch) -> None:
    stop_batch(alice, batch.public_id, BatchStatus.CANCELLED, actor="test", allowed_from={0})
    with pytest.raises(StatusConflict):
        reschedule_message(alice, ids()[0], database_now() + HOUR, actor="test")


def test_a_message_and_its_batch_are_rescheduled_at_once_without_a_deadlock(alice: Account, batch: Batch) -> None:
    """Both lock the batch first, so the one that waits holds no lock that the other needs."""

    def move_one() -> None:
        reschedule_message(alice, ids()[0], database_now() + 3 * HOUR, actor="test")
        connection.close()

    other = threading.Thread(target=move_one)
    with transaction.atomic():
        Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)
        other.start()
        wait_until(someone_waits_for_us, why="the message's reschedule")
        assert Parcel.objects.select_for_update(nowait=True).get().pending == 3
    other.join(10)
    assert Parcel.objects.count() == 2
