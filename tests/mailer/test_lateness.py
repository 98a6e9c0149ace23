"""Lateness is a choice (promise G9): mail beyond the account's limit is held for a person."""

from __future__ import annotations

import datetime as dt

import pytest

from accounts.models import Account
from batches.admit import admit_batch
from batches.counts import count_batch
from batches.handles import create_batch
from batches.models import Batch
from batches.queries import GATE, LOOK
from batches.states import BatchStatus
from batches.stop.control import resume_batch, stop_batch
from batches.stop.freeze import freeze_installation, thaw_installation
from foundation.clock import database_now
from mailer.in_hand import Selection, Why, drop, list_in_hand, replay
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.queries import states_of
from mailer.sweep import sweep
from tests.conftest import Clock
from tests.drafts import draft
from tests.examples import further
from tests.peer import CountingPeer

HELD = Selection(Why.HELD)


@pytest.fixture
def batch(alice: Account) -> Batch:
    """Create a batch with three messages due in an hour and a lateness limit of ten minutes."""
    Account.objects.filter(pk=alice.pk).update(lateness_limit=600)
    batch = create_batch(alice)
    accept_mail(
        alice, draft(3, batch_id=batch.public_id, send_at=database_now() + dt.timedelta(hours=1), name="scheduled-")
    )
    return batch


def test_after_an_outage_late_mail_is_held_and_the_rest_is_sent(
    alice: Account, batch: Batch, clock: Clock, deliverer: Deliverer, peer: CountingPeer
) -> None:
    clock.advance(hours=1.5)  # no worker ran
    accept_mail(alice, draft(1, batch_id=batch.public_id, name="new-"))
    sweep()
    deliverer.deliver_due(seconds=5)
    counts = count_batch(batch.pk)
    assert (counts.held, counts.sent) == (3, 1)
    assert peer.recipients == ["new-0@example.com"]


def test_mail_that_was_due_before_the_outage_is_held_by_the_worker(
    alice: Account, batch: Batch, clock: Clock, deliverer: Deliverer, peer: CountingPeer
) -> None:
    """The mail is released already, so only the look before the slice can detect that it is late now."""
    clock.advance(hours=1.01)
    admit_batch(batch.pk)
    assert count_batch(batch.pk).due == 3
    clock.advance(seconds=600)
    deliverer.deliver_due(seconds=5)
    assert count_batch(batch.pk).held == 3
    assert peer.ledger == []


def test_without_the_lateness_in_the_look_late_mail_is_sent(
    batch: Batch, clock: Clock, deliverer: Deliverer, peer: CountingPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This is the same outage without the lateness in the look."""
    blind = GATE.replace("make_interval(secs => a.lateness_limit)", "interval '1 year'")
    monkeypatch.setattr("batches.queries.LOOK", LOOK.replace(GATE, blind))
    clock.advance(hours=1.01)
    admit_batch(batch.pk)
    clock.advance(seconds=600)
    deliverer.deliver_due(seconds=5)
    assert len(peer.ledger) == 3


def test_a_resume_is_not_late(
    alice: Account, batch: Batch, clock: Clock, deliverer: Deliverer, peer: CountingPeer
) -> None:
    stop_batch(alice, batch.public_id, BatchStatus.PAUSED, actor="test", allowed_from={0})
    clock.advance(hours=20)
    sweep()
    resume_batch(alice, batch.public_id, actor="test")
    sweep()
    deliverer.deliver_due(seconds=5)
    assert len(peer.ledger) == 3


@further
def test_a_thaw_is_not_late_but_an_outage_after_it_is(
    batch: Batch, clock: Clock, deliverer: Deliverer, peer: CountingPeer
) -> None:
    freeze_installation(actor="test")
    clock.advance(hours=20)
    sweep()
    thaw_installation(actor="test")
    clock.advance(seconds=599)
    sweep()
    assert count_batch(batch.pk).due == 3
    clock.advance(seconds=1)
    deliverer.deliver_due(seconds=5)
    assert count_batch(batch.pk).held == 3
    assert peer.ledger == []


def test_without_a_limit_nothing_is_late(
    alice: Account, batch: Batch, clock: Clock, deliverer: Deliverer, peer: CountingPeer
) -> None:
    Account.objects.filter(pk=alice.pk).update(lateness_limit=None)
    clock.advance(hours=500)
    sweep()
    deliverer.deliver_due(seconds=5)
    assert len(peer.ledger) == 3


@pytest.fixture
def held_ids(batch: Batch, clock: Clock) -> list[int]:
    """Hold the three messages of the batch, and return their ids."""
    clock.advance(hours=2)
    sweep()
    account = batch.account
    return [trace.message_id for trace in list_in_hand(account, Why.HELD, limit=10)[0]]


@further
def test_held_mail_is_listed_in_pages_and_for_its_account_only(
    alice: Account, charlie: Account, held_ids: list[int]
) -> None:
    first, place = list_in_hand(alice, Why.HELD, limit=2)
    assert place is not None
    next_page, end = list_in_hand(alice, Why.HELD, after=place, limit=2)
    assert [trace.message_id for trace in [*first, *next_page]] == held_ids
    assert len(held_ids) == 3
    assert {trace.state for trace in first} == {"held"}
    assert end is None
    assert list_in_hand(charlie, Why.HELD, limit=2) == ([], None)
    assert replay(charlie, HELD, actor="test").affected == 0
    assert drop(charlie, Selection(Why.HELD, message_ids=frozenset(held_ids)), actor="test").affected == 0


def test_held_mail_stays_held_until_somebody_decides(batch: Batch, held_ids: list[int], clock: Clock) -> None:
    clock.advance(hours=1000)
    sweep()
    assert count_batch(batch.pk).held == 3


def test_replayed_mail_is_sent_once_and_is_not_late_again(
    alice: Account, batch: Batch, held_ids: list[int], clock: Clock, deliverer: Deliverer, peer: CountingPeer
) -> None:
    selection = Selection(Why.HELD, message_ids=frozenset(held_ids[1:2]))
    assert replay(alice, selection, actor="test", reason="still wanted").affected == 1
    assert replay(alice, selection, actor="test").affected == 0
    clock.advance(seconds=300)
    sweep()
    deliverer.deliver_due(seconds=5)
    assert peer.recipients == ["scheduled-1@example.com"]
    assert replay(alice, HELD, actor="test").affected == 2
    deliverer.deliver_due(seconds=5)
    assert sorted(peer.recipients) == [f"scheduled-{n}@example.com" for n in range(3)]
    counts = count_batch(batch.pk)
    assert (counts.accepted, counts.sent, counts.held) == (3, 3, 0)


def test_dropped_mail_is_never_sent(
    alice: Account, batch: Batch, held_ids: list[int], deliverer: Deliverer, peer: CountingPeer
) -> None:
    assert drop(alice, Selection(Why.HELD, message_ids=frozenset(held_ids[:1])), actor="test").affected == 1
    assert states_of(held_ids) == {held_ids[0]: "dropped", held_ids[1]: "held", held_ids[2]: "held"}
    receipt = drop(alice, Selection(Why.HELD, batch_id=batch.public_id), actor="olga", reason="stale")
    assert (receipt.affected, receipt.batch, receipt.is_settled) == (2, batch, True)
    sweep()
    deliverer.deliver_due(seconds=5)
    counts = count_batch(batch.pk)
    assert (counts.accepted, counts.dropped) == (3, 3)
    assert peer.ledger == []


@further
def test_a_cancel_discards_held_mail_and_a_replay_does_not_bring_it_back(
    alice: Account, batch: Batch, held_ids: list[int], deliverer: Deliverer, peer: CountingPeer
) -> None:
    receipt = stop_batch(alice, batch.public_id, BatchStatus.CANCELLED, actor="test", allowed_from={0})
    assert receipt.stopped == 3
    assert replay(alice, HELD, actor="test").affected == 0
    sweep()
    assert count_batch(batch.pk).discarded == 3
    assert replay(alice, HELD, actor="test").affected == 0
    deliverer.deliver_due(seconds=5)
    assert peer.ledger == []


@further
def test_held_mail_of_a_paused_batch_waits_for_the_resume_after_a_replay(
    alice: Account, batch: Batch, held_ids: list[int], deliverer: Deliverer, peer: CountingPeer
) -> None:
    stop_batch(alice, batch.public_id, BatchStatus.PAUSED, actor="test", allowed_from={0})
    assert replay(alice, HELD, actor="test").affected == 3
    deliverer.deliver_due(seconds=5)
    assert peer.ledger == []
    assert count_batch(batch.pk).retained == 3
    resume_batch(alice, batch.public_id, actor="test")
    sweep()
    deliverer.deliver_due(seconds=5)
    assert len(peer.ledger) == 3
