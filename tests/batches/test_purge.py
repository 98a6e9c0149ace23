"""Purge discards all mail that a frozen account still has to send, and nothing else."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterable

import pytest
from django.db import connection, transaction

from accounts.models import Account
from batches.claims import Claimer
from batches.counts import count_account
from batches.errors import StatusConflict
from batches.handles import create_batch
from batches.models import Parcel
from batches.states import ParcelState
from batches.stop.freeze import freeze_account, thaw_account
from batches.stop.purge import discard_purged, purge_account
from foundation.clock import database_now
from mailer.in_hand import Selection, Why, replay
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.pipeline.rescue import rescue_parcel
from mailer.sweep import sweep
from tests.conftest import Clock
from tests.drafts import draft
from tests.examples import further
from tests.mailer.claimed import claim_and_look
from tests.peer import CountingPeer

HOUR = dt.timedelta(hours=1)


def test_only_a_frozen_account_is_purged(alice: Account) -> None:
    accept_mail(alice, draft(1))
    with pytest.raises(StatusConflict):
        purge_account(alice, actor="test")
    assert count_account(alice.pk).due == 1


def test_mail_that_a_sweeper_discards_meanwhile_is_in_the_receipt(
    alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept_mail(alice, draft(3, send_at=database_now() + HOUR))
    freeze_account(alice, actor="test")

    def come_second(accounts: Iterable[int], *, seconds: float) -> int:
        assert discard_purged([alice.pk], seconds=5) == 3
        return discard_purged(accounts, seconds=seconds)

    monkeypatch.setattr("batches.stop.purge.discard_purged", come_second)
    assert purge_account(alice, actor="test").affected == 3


def test_everything_that_waits_is_discarded_and_later_mail_is_untouched(
    alice: Account, charlie: Account, clock: Clock, deliverer: Deliverer, peer: CountingPeer
) -> None:
    subuser = Account.objects.create(username="alice-eu", parent=alice)
    for account in (alice, subuser, charlie):
        accept_mail(account, draft(2, name="now-"))
        accept_mail(account, draft(60, send_at=database_now() + HOUR, batch_id=create_batch(account).public_id))
    Parcel.objects.filter(account=alice, state=ParcelState.DUE).update(state=ParcelState.HELD)
    freeze_account(alice, actor="test")
    receipt = purge_account(alice, actor="olga", reason="leaked key")
    assert (receipt.affected, receipt.is_settled, receipt.stopped) == (124, True, 124)
    counts = count_account(alice.pk)
    assert (counts.accepted, counts.discarded) == (124, 124)
    assert not Account.objects.filter(is_purging=True).exists()
    accept_mail(alice, draft(1, name="later-"))
    thaw_account(alice, actor="test")
    clock.advance(hours=2)
    sweep()
    deliverer.deliver_due(seconds=5)
    assert sorted(peer.recipients) == sorted(
        ["later-0@example.com", "now-0@example.com", "now-1@example.com", *(f"to{n}@example.com" for n in range(60))]
    )


@further
def test_mail_of_a_dead_worker_is_purged_too_even_after_a_thaw(
    alice: Account, deliverer: Deliverer, peer: CountingPeer, settings: object
) -> None:
    settings.STOP_WAIT_SECONDS = 0.05  # type: ignore[attr-defined]
    accept_mail(alice, draft(60))
    claim = claim_and_look(Claimer())
    freeze_account(alice, actor="test")
    receipt = purge_account(alice, actor="test")
    assert (receipt.affected, receipt.is_settled) == (0, False)
    thaw_account(alice, actor="test")
    rescue_parcel(claim.parcel_id, claim.fence)
    deliverer.deliver_due(seconds=5)
    assert peer.ledger == []
    sweep()
    counts = count_account(alice.pk)
    assert (counts.in_doubt, counts.discarded) == (10, 50)
    assert not Account.objects.filter(is_purging=True).exists()
    # Purged mail cannot be restored.
    assert replay(alice, Selection(Why.IN_DOUBT), actor="test").affected == 0


@pytest.mark.parametrize("messages", [1, 2])
def test_a_mail_that_is_being_accepted_is_on_one_side_of_the_line(alice: Account, messages: int) -> None:
    """Accept shares a lock from before it draws its ids: a purge waits for its commit, and then takes it along."""
    accept_mail(alice, draft(1))
    freeze_account(alice, actor="test")
    purged = threading.Event()

    def purge() -> None:
        purge_account(alice, actor="test")
        purged.set()
        connection.close()

    thread = threading.Thread(target=purge)
    with transaction.atomic():
        accept_mail(alice, draft(messages))
        thread.start()
        assert not purged.wait(0.3)
    assert purged.wait(10)
    thread.join(10)
    assert [parcel.state for parcel in Parcel.objects.all()] == 2 * [ParcelState.DISCARDED]
