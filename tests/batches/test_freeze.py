"""Freezing an account is the same exact stop for all batches of the account and its subusers."""

from __future__ import annotations

import time

import pytest

from accounts.models import Account
from batches.counts import count_account, count_batch, count_everything
from batches.errors import StatusConflict
from batches.handles import create_batch
from batches.models import Parcel, Receipt
from batches.states import ParcelState
from batches.stop.freeze import freeze_account, freeze_installation, thaw_account, thaw_installation
from mailer.pipeline.accept import accept_mail
from mailer.sweep import sweep
from tests.drafts import draft
from tests.fleet import DeliveringThread
from tests.peer import CountingPeer
from tests.waiting import wait_until

MESSAGES = 150


@pytest.fixture
def subuser(alice: Account) -> Account:
    """Create a subuser of Alice."""
    return Account.objects.create(username="alice-eu", parent=alice)


def test_no_mail_of_a_frozen_account_or_its_subusers_is_sent_and_others_continue(
    alice: Account, subuser: Account, charlie: Account, peer: CountingPeer
) -> None:
    peer.delay = 0.004
    with DeliveringThread(peer), DeliveringThread(peer):
        for account in (alice, subuser, charlie):
            batch = create_batch(account)
            accept_mail(account, draft(MESSAGES, batch_id=batch.public_id, name=f"{account.pk}-"))
        wait_until(lambda: len(peer.ledger) >= 50, why="mail in flight")
        receipt = freeze_account(alice, actor="test", reason="runaway")
        answered_at = time.monotonic()
        wait_until(lambda: count_batch(batch.pk).sent == MESSAGES, why="Charlie's mail", seconds=30)
        mine = (f"{alice.pk}-", f"{subuser.pk}-")
        late = [each for each in peer.ledger if each.at > answered_at and each.recipient.startswith(mine)]
        assert late == []
        assert receipt.is_settled
        assert receipt.sent == sum(recipient.startswith(mine) for recipient in peer.recipients)
        assert receipt.sent + receipt.stopped + receipt.in_doubt == 2 * MESSAGES
        thaw_account(alice, actor="test")
        wait_until(lambda: sweep() and count_account(alice.pk).sent == 2 * MESSAGES, why="the rest", seconds=30)
    assert peer.doubled == []


def test_frozen_mail_is_retained_and_does_not_expire(alice: Account, peer: CountingPeer, clock: object) -> None:
    freeze_account(alice, actor="test")
    accept_mail(alice, draft(3))
    with DeliveringThread(peer):
        wait_until(lambda: Parcel.objects.filter(state=ParcelState.RETAINED).exists(), why="it to be retained")
    clock.advance(hours=300)  # type: ignore[attr-defined]
    sweep()
    assert Parcel.objects.get().state == ParcelState.RETAINED


def test_a_freeze_and_a_thaw_are_written_down(alice: Account) -> None:
    freeze_account(alice, actor="key 1", reason="why")
    thaw_account(alice, actor="key 2")
    receipts = Receipt.objects.order_by("pk").values_list("action", "actor", "reason", "batch")
    assert list(receipts) == [("freeze", "key 1", "why", None), ("thaw", "key 2", "", None)]


def test_a_second_freeze_or_thaw_is_a_conflict(alice: Account) -> None:
    with pytest.raises(StatusConflict):
        thaw_account(alice, actor="test")
    freeze_account(alice, actor="test")
    with pytest.raises(StatusConflict):
        freeze_account(alice, actor="test")
    assert Receipt.objects.count() == 1


def test_freezing_the_installation_holds_all_accounts_and_counts_sent_mail(
    alice: Account, charlie: Account, peer: CountingPeer
) -> None:
    peer.delay = 0.004
    with DeliveringThread(peer):
        for account in (alice, charlie):
            accept_mail(account, draft(150, name=f"{account.pk}-"))
        wait_until(lambda: len(peer.ledger) >= 20, why="mail in flight")
        receipt = freeze_installation(actor="olga", reason="everything")
        answered_at = time.monotonic()
        assert (receipt.is_settled, receipt.account) == (True, None)
        assert receipt.sent == len(peer.ledger)
        assert receipt.sent + receipt.stopped == 300
        with pytest.raises(StatusConflict):
            freeze_installation(actor="olga")
        thawing_at = time.monotonic()
        thaw_installation(actor="olga")
        wait_until(lambda: sweep() and count_everything().sent == 300, why="the rest", seconds=30)
    assert [each for each in peer.ledger if answered_at < each.at < thawing_at] == []
    assert peer.doubled == []
