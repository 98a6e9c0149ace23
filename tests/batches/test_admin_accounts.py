"""Test freeze, thaw and purge of an account in the admin."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils.html import strip_tags

from accounts.models import Account
from batches.counts import count_account
from batches.handles import create_batch
from batches.models import Batch, Receipt
from batches.states import BatchStatus
from batches.stop.control import stop_batch
from batches.stop.freeze import freeze_account, freeze_installation, thaw_account, thaw_installation
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from tests.drafts import draft
from tests.examples import further
from tests.operators import logged_in

ACCOUNTS = "/admin/accounts/account/"
RECEIPTS = "/admin/batches/receipt/"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def busy(alice: Account) -> Account:
    """Return Alice, with a subuser and seven messages due tomorrow in total."""
    subuser = Account.objects.create(username="alice-eu", parent=alice)
    for account, messages in ((alice, 4), (subuser, 3)):
        batch = create_batch(account)
        tomorrow = database_now() + dt.timedelta(days=1)
        accept_mail(account, draft(messages, batch_id=batch.public_id, send_at=tomorrow))
    return alice


@pytest.fixture
def frozen(busy: Account) -> Account:
    """Freeze that account."""
    freeze_account(busy, actor="test")
    return Account.objects.get(pk=busy.pk)


def press(operator: Client, account: Account, action: str, **fields: str) -> Any:
    return operator.post(f"{ACCOUNTS}{account.pk}/{action}/", {"reason": "", **fields}, follow=True)


def is_frozen(account: Account) -> bool:
    return Account.objects.get(pk=account.pk).frozen_at is not None


def buttons(operator: Client, account: Account) -> set[str]:
    page = operator.get(f"{ACCOUNTS}{account.pk}/change/").text
    return {action for action in ("freeze", "thaw", "purge") if f"{ACCOUNTS}{account.pk}/{action}/" in page}


def test_an_account_is_frozen_and_thawed_with_receipts(operator: Client, busy: Account) -> None:
    assert buttons(operator, busy) == {"freeze"}
    question = operator.get(f"{ACCOUNTS}{busy.pk}/freeze/").text
    assert "Freeze alice and its 1 subuser?" in question
    assert not is_frozen(busy)
    answer = press(operator, busy, "freeze", reason="runaway")
    assert is_frozen(busy)
    receipt = Receipt.objects.get()
    assert (receipt.action, receipt.actor, receipt.reason) == ("freeze", "operator olga", "runaway")
    assert answer.redirect_chain == [(f"{RECEIPTS}{receipt.pk}/change/", 302)]
    assert "No more mail of alice and its subusers is sent until the thaw" in answer.text
    assert buttons(operator, busy) == {"thaw", "purge"}
    assert "Mail of alice and its subusers is sent again" in press(operator, busy, "thaw").text
    assert not is_frozen(busy)


@further
def test_the_page_shows_the_time_of_the_freeze_and_the_waiting_mail(operator: Client, frozen: Account) -> None:
    page = strip_tags(operator.get(f"{ACCOUNTS}{frozen.pk}/change/").text)
    for text in (
        f"since {frozen.frozen_at:%Y-%m-%d %H:%M:%S} UTC",
        "7 messages, of which 7 may still be sent",
        "freeze",
    ):
        assert text in page
    assert "They are frozen with the account" in page


@further
def test_a_parents_freeze_shows_on_its_subusers(operator: Client, frozen: Account) -> None:
    subuser = frozen.subusers.get()
    assert "no mail of this account is sent until it is thawed" in operator.get(f"{ACCOUNTS}{subuser.pk}/change/").text
    assert "frozen with its parent" in operator.get(ACCOUNTS).text
    assert buttons(operator, subuser) == {"freeze"}
    freeze_account(subuser, actor="test")
    assert "Its parent alice is frozen, too" in operator.get(f"{ACCOUNTS}{subuser.pk}/thaw/").text


@further
def test_a_thaw_and_a_resume_name_the_freezes_that_remain(operator: Client, frozen: Account) -> None:
    batch = Batch.objects.filter(account=frozen, is_default=False)[0]
    stop_batch(frozen, batch.public_id, BatchStatus.PAUSED, actor="test", allowed_from=set(BatchStatus))
    resume = f"/admin/batches/batch/{batch.pk}/resume/"
    assert "before the thaw: the account alice is frozen." in operator.get(resume).text
    thaw = f"{ACCOUNTS}{frozen.pk}/thaw/"
    assert "Everything is frozen" not in operator.get(thaw).text
    freeze_installation(actor="test")
    assert "the account alice and the whole installation are frozen." in operator.get(resume).text
    assert "Everything is frozen, too" in operator.get(thaw).text
    thaw_account(frozen, actor="test")
    thaw_installation(actor="test")
    assert "before the thaw" not in operator.get(resume).text


@further
def test_a_second_stop_changes_nothing_and_is_reported(operator: Client, frozen: Account) -> None:
    assert "Nothing was changed: the account is already frozen." in press(operator, frozen, "freeze").text
    assert "nothing to freeze" in operator.get(f"{ACCOUNTS}{frozen.pk}/freeze/", follow=True).text
    press(operator, frozen, "thaw")
    assert "Nothing was changed: the account is not frozen." in press(operator, frozen, "thaw").text
    assert Receipt.objects.count() == 2


def test_a_purge_shows_the_counts_of_lost_mail_and_requires_the_username(operator: Client, frozen: Account) -> None:
    question = operator.get(f"{ACCOUNTS}{frozen.pk}/purge/").text
    for text in ("7 messages are discarded permanently", "7 scheduled", "can undo this", "Type alice to confirm"):
        assert text in question
    for wrong in ("", "Alice", "alice-eu"):
        assert press(operator, frozen, "purge", username=wrong).status_code == 200
        assert count_account(frozen.pk).scheduled == 7
    answer = press(operator, frozen, "purge", username="alice", reason="wrong list")
    counts = count_account(frozen.pk)
    assert (counts.scheduled, counts.discarded) == (0, 7)
    receipt = Receipt.objects.get(action="purge")
    assert (receipt.affected, receipt.reason) == (7, "wrong list")
    for text in ("is discarded, and stays so after a thaw", "Discarded", "wrong list"):
        assert text in answer.text


@further
def test_only_a_frozen_account_can_be_purged(operator: Client, busy: Account) -> None:
    assert "nothing to purge" in operator.get(f"{ACCOUNTS}{busy.pk}/purge/", follow=True).text
    answer = press(operator, busy, "purge", username="alice")
    assert "Nothing was changed: the account is not frozen." in answer.text
    assert count_account(busy.pk).scheduled == 7


@further
def test_a_purge_that_is_under_way_is_shown(operator: Client, frozen: Account) -> None:
    assert "purge under way" not in operator.get(f"{ACCOUNTS}{frozen.pk}/change/").text
    Account.objects.filter(pk=frozen.pk).update(is_purging=True)
    assert "purge under way" in operator.get(f"{ACCOUNTS}{frozen.pk}/change/").text


def test_only_a_user_who_may_change_an_account_may_stop_it(frozen: Account, charlie: Account) -> None:
    with logged_in("ivan", may=("accounts.view_account", "batches.change_batch")) as viewer:
        assert buttons(viewer, frozen) == buttons(viewer, charlie) == set()
        for account, action in ((charlie, "freeze"), (frozen, "thaw"), (frozen, "purge")):
            assert viewer.get(f"{ACCOUNTS}{account.pk}/{action}/").status_code == 403
            assert press(viewer, account, action, username="alice").status_code == 403
    with logged_in("anna", may=("accounts.change_account",)) as client:
        assert "Done: 0 messages had been sent" in press(client, charlie, "freeze").text
    assert is_frozen(frozen)
    assert count_account(frozen.pk).scheduled == 7


def test_forms_from_elsewhere_and_from_strangers_are_refused(operator: Client, client: Client, busy: Account) -> None:
    operator.handler.enforce_csrf_checks = True
    path = f"{ACCOUNTS}{busy.pk}/freeze/"
    assert operator.post(path, {"reason": ""}).status_code == 403
    assert client.post(path, {"reason": ""}).headers["Location"].startswith("/admin/login/")
    assert not is_frozen(busy)


@further
def test_hostile_reasons_are_only_text(operator: Client, busy: Account) -> None:
    answer = press(operator, busy, "freeze", reason=HOSTILE)
    for page in (answer.text, operator.get(f"{ACCOUNTS}{busy.pk}/change/").text):
        assert HOSTILE not in page
        assert "&lt;script&gt;alert(1)" in page
