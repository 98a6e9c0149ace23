"""Test actions on everything that matches: counted, carried out by the core, harmless wherever a process dies."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import pytest

from accounts.models import Account
from batches.claims import Claimer
from batches.counts import Tally
from batches.handles import create_batch
from batches.models import Batch, Parcel, Receipt
from batches.states import BatchStatus, ParcelState
from batches.stop.control import stop_batch
from foundation.clock import database_now
from mailer.bulk import actions, running
from mailer.bulk.actions import continue_action, count_selected, end_early, open_action, take_lease
from mailer.bulk.running import hint_left_behind, run_action
from mailer.listing.filters import WAITING, Filters
from mailer.models import BulkAction, EventKind, Message
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.pipeline.rescue import rescue_parcel
from mailer.queries import find_holders, states_of
from tests.conftest import Clock
from tests.drafts import draft, mail_to
from tests.examples import further
from tests.mailer.claimed import claim_and_look
from tests.outcomes import differences, stored_events
from tests.peer import CountingPeer

Action = Receipt.Action
DAY = dt.timedelta(days=1)


def begin(action: Action, filters: Filters, **more: Any) -> BulkAction:
    """Confirm an action, which does nothing yet."""
    return open_action(action, filters, count_selected(action, filters), actor="operator o", **more)


def carry_out(action: Action, filters: Filters, **more: Any) -> BulkAction:
    """Confirm an action and do all of it."""
    bulk = begin(action, filters, **more)
    run_action(bulk.pk, seconds=60)
    bulk.refresh_from_db()
    assert bulk.finished_at is not None
    return bulk


def states() -> Counter[str]:
    """Return how many messages are in each state."""
    return Counter(states_of(list(Message.objects.values_list("pk", flat=True))).values())


@pytest.fixture
def tomorrow(alice: Account) -> Batch:
    """Schedule 600 messages of Alice for tomorrow, in two parcels."""
    batch = create_batch(alice)
    accept_mail(alice, draft(600, batch_id=batch.public_id, send_at=database_now() + DAY))
    return batch


@further
def test_a_stop_of_a_domain_stops_nothing_else(
    alice: Account, charlie: Account, deliverer: Deliverer, peer: CountingPeer
) -> None:
    for account in (alice, charlie):
        accept_mail(account, mail_to("a@example.com", "b@example.org", "c@EXAMPLE.org"))
    filters = Filters(account=alice, domain="example.org")
    assert count_selected(Action.CANCEL, filters) == Tally(2, is_exact=True)
    bulk = carry_out(Action.CANCEL, filters, reason="wrong content")
    deliverer.deliver_due(seconds=5)
    assert states() == {"stopped": 2, "sent": 4}
    assert (bulk.affected, bulk.in_doubt, bulk.not_changed) == (2, 0, 0)
    receipt = Receipt.objects.get()
    assert (receipt.account, receipt.batch, receipt.action) == (alice, None, Action.CANCEL)
    assert (receipt.stopped, receipt.sent, receipt.reason) == (2, 0, "wrong content")
    assert receipt.is_settled
    assert "example.org" in receipt.selection
    stopped = stored_events(EventKind.STOPPED)
    assert {event.reply for event in stopped} == {"stopped by operator o"}
    assert not differences(), "the counters agree with the events"


@further
def test_a_reschedule_moves_what_waits_and_leaves_cancelled_mail(alice: Account, tomorrow: Batch) -> None:
    cancelled = create_batch(alice)
    accept_mail(alice, draft(2, batch_id=cancelled.public_id, send_at=database_now() + DAY))
    stop_batch(alice, cancelled.public_id, BatchStatus.CANCELLED, actor="a", allowed_from=[BatchStatus.OPEN])
    later = database_now() + 5 * DAY
    bulk = carry_out(Action.RESCHEDULE, Filters(account=alice, state=WAITING), send_at=later)
    assert (bulk.affected, bulk.not_changed) == (600, 2)
    ids = list(Message.objects.values_list("pk", flat=True))
    assert Counter(holder.send_at for holder in find_holders(ids).values())[later] == 600
    assert Receipt.objects.filter(action=Action.RESCHEDULE).get().affected == 600


def test_held_mail_and_mail_in_doubt_are_replayed_or_dropped_together(
    alice: Account, deliverer: Deliverer, peer: CountingPeer
) -> None:
    accept_mail(alice, draft(60, name="doubt"))
    claim = claim_and_look(Claimer())
    rescue_parcel(claim.parcel_id, claim.fence)
    accept_mail(alice, mail_to("one@example.com", "two@example.com"))
    Parcel.objects.filter(state=ParcelState.DUE).update(state=ParcelState.HELD)
    assert states() == {"in_doubt": 10, "held": 52}
    dropped = carry_out(Action.DROP, Filters(text="two@example.com"))
    assert dropped.affected == 1
    replayed = carry_out(Action.REPLAY, Filters(account=alice))
    assert replayed.affected == 61
    deliverer.deliver_due(seconds=5)
    assert states() == {"sent": 61, "dropped": 1}
    assert not differences()


def test_a_process_that_dies_anywhere_loses_and_doubles_nothing(
    alice: Account, tomorrow: Batch, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bulk = begin(Action.CANCEL, Filters(batch=tomorrow))
    real, calls = actions._count, []

    class Killed(Exception):
        pass

    def die_now_and_then(*arguments: Any) -> None:
        real(*arguments)
        calls.append(arguments)
        if len(calls) % 2:
            raise Killed

    monkeypatch.setattr(actions, "_count", die_now_and_then)
    monkeypatch.setattr(actions, "STEP", 150)
    for _ in range(20):
        taken = take_lease(bulk.pk)
        if taken is None:
            break
        assert take_lease(bulk.pk) is None, "nobody else works on it meanwhile"
        try:
            continue_action(taken, seconds=60)
        except Killed:
            clock.advance(seconds=actions.LEASE.total_seconds() + 1)
    bulk.refresh_from_db()
    assert bulk.finished_at is not None
    assert bulk.affected == 600
    assert states() == {"stopped": 600}
    assert Receipt.objects.get().stopped == 600
    assert len(stored_events(EventKind.STOPPED)) == 600


@further
def test_later_mail_is_not_selected(alice: Account, tomorrow: Batch) -> None:
    bulk = begin(Action.CANCEL, Filters(batch=tomorrow))
    accept_mail(alice, draft(3, batch_id=tomorrow.public_id, send_at=database_now() + DAY))
    run_action(bulk.pk, seconds=60)
    assert states() == {"stopped": 600, "scheduled": 3}


@further
def test_an_action_that_was_ended_changes_nothing_more(
    alice: Account, tomorrow: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "STEP", 100)
    bulk = begin(Action.CANCEL, Filters(batch=tomorrow))
    hinted: list[int] = []
    monkeypatch.setattr(running, "hint_action", hinted.append)
    run_action(bulk.pk, seconds=0)
    assert hinted == [bulk.pk], "the rest is left to the next task"
    assert hint_left_behind() == 1
    assert states() == {"stopped": 100, "scheduled": 500}
    taken = take_lease(bulk.pk)
    assert taken is not None
    assert end_early(bulk.pk, actor="operator p")
    continue_action(taken, seconds=60)
    assert not end_early(bulk.pk, actor="operator p")
    assert states() == {"stopped": 100, "scheduled": 500}
    assert hint_left_behind() == 0
    bulk.refresh_from_db()
    assert bulk.ended_by == "operator p"


def test_mail_that_a_worker_does_not_give_back_is_counted_as_unchanged(alice: Account, settings: Any) -> None:
    settings.STOP_WAIT_SECONDS = 0.01
    accept_mail(alice, draft(60))
    claim_and_look(Claimer())
    bulk = carry_out(Action.CANCEL, Filters(account=alice))
    assert (bulk.affected, bulk.not_changed) == (0, 60)
    assert states() == {"claimed": 60}
