"""Test the buttons of a batch that need more than a reason, and their receipts."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils.html import strip_tags

from accounts.models import Account
from batches.admin.receipts import show_receipt
from batches.claims import Claimer
from batches.counts import count_batch
from batches.handles import create_batch, default_batch
from batches.models import Batch, Parcel, Receipt
from batches.states import BatchStatus, Lane, ParcelState
from batches.stop.control import stop_batch
from batches.stop.exact import open_receipt
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from mailer.sweep import sweep
from tests.conftest import Clock
from tests.drafts import draft
from tests.examples import further
from tests.operators import logged_in

BATCHES = "/admin/batches/batch/"
RECEIPTS = "/admin/batches/receipt/"
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def batch(alice: Account) -> Batch:
    """Create a batch of Alice with three messages due in an hour."""
    batch = create_batch(alice)
    accept_mail(alice, draft(3, batch_id=batch.public_id, send_at=database_now() + HOUR))
    return batch


def press(operator: Client, batch: Batch, action: str, **fields: str) -> Any:
    return operator.post(f"{BATCHES}{batch.pk}/{action}/", {"reason": "", **fields}, follow=True)


def write(moment: dt.datetime) -> str:
    """Return a time as a browser's time field submits it."""
    return f"{moment:%Y-%m-%dT%H:%M}"


def test_a_batch_is_rescheduled(operator: Client, batch: Batch) -> None:
    question = operator.get(f"{BATCHES}{batch.pk}/reschedule/").text
    assert "3 waiting messages get this send_at" in question
    later = (database_now() + 5 * HOUR).replace(second=0, microsecond=0)
    answer = press(operator, batch, "reschedule", send_at=write(later), reason="too early")
    assert Parcel.objects.get().send_at == later
    receipt = Receipt.objects.get()
    assert (receipt.action, receipt.actor, receipt.affected) == ("reschedule", "operator olga", 3)
    assert answer.redirect_chain == [(f"{RECEIPTS}{receipt.pk}/change/", 302)]
    for text in ("has a new send_at", "Rescheduled", "too early"):
        assert text in answer.text


@further
def test_a_malformed_time_changes_nothing(operator: Client, batch: Batch) -> None:
    before = Parcel.objects.get().send_at
    for send_at in ("", "soon", "20266-01-01T00:00", "2199-01-01T00:00"):
        assert press(operator, batch, "reschedule", send_at=send_at).redirect_chain == []
    assert Parcel.objects.get().send_at == before
    assert not Receipt.objects.exists()


@further
def test_a_batch_that_cannot_be_rescheduled_gets_the_reason(operator: Client, batch: Batch, alice: Account) -> None:
    stop_batch(alice, batch.public_id, BatchStatus.CANCELLED, actor="test", allowed_from={0})
    now = write(database_now())
    assert "Nothing was changed: the batch is cancelled." in press(operator, batch, "reschedule", send_at=now).text
    assert "is the hidden batch" in press(operator, default_batch(alice), "reschedule", send_at=now).text
    assert Receipt.objects.count() == 1


def test_a_pause_can_have_an_end_and_a_retention(operator: Client, batch: Batch, clock: Clock) -> None:
    until = (database_now() + 2 * HOUR).replace(second=0, microsecond=0)
    press(operator, batch, "pause", until=write(until), hours="1.5")
    batch.refresh_from_db()
    assert (batch.status, batch.paused_until, batch.retention_seconds) == (BatchStatus.PAUSED, until, 5400)
    page = operator.get(f"{BATCHES}{batch.pk}/change/").text
    assert f"resumed automatically at {until:%Y-%m-%d %H:%M:%S} UTC" in page
    assert "retained for 1.5 hours" in page
    clock.advance(hours=2)
    sweep()
    batch.refresh_from_db()
    assert batch.status == BatchStatus.OPEN


@further
def test_the_page_of_a_pause_without_an_end_says_that_it_stays(operator: Client, batch: Batch) -> None:
    press(operator, batch, "pause", until="", hours="")
    batch.refresh_from_db()
    assert (batch.status, batch.paused_until, batch.retention_seconds) == (BatchStatus.PAUSED, None, None)
    page = operator.get(f"{BATCHES}{batch.pk}/change/").text
    assert "stays paused until somebody resumes it" in page
    assert "retained for 72 hours" in page


@further
def test_a_pause_with_impossible_terms_pauses_nothing(operator: Client, batch: Batch) -> None:
    for name, value, message in (
        ("until", "2020-01-01T00:00", "Nothing was changed: this time has already passed."),
        ("until", "x", "valid date/time"),
        ("hours", "-1", "greater than or equal to 0"),
        ("hours", "nan", "Enter a number"),
        ("hours", "1e9", "less than or equal to"),
    ):
        assert message in press(operator, batch, "pause", **{name: value}).text
    batch.refresh_from_db()
    assert batch.status == BatchStatus.OPEN


@further
def test_held_mail_is_shown_with_a_link_to_the_page_in_hand(
    operator: Client, batch: Batch, alice: Account, clock: Clock
) -> None:
    Account.objects.filter(pk=alice.pk).update(lateness_limit=60)
    clock.advance(hours=2)
    sweep()
    assert count_batch(batch.pk).held == 3
    page = operator.get(f"{BATCHES}{batch.pk}/change/").text
    for text in ("3 held", "1 held"):
        assert text in strip_tags(page)
    link = f"/admin/in-hand/?account={alice.pk}&amp;why=held&amp;batch={batch.public_id}"
    assert link in page
    for path in (BATCHES, "/admin/", "/admin/waves/", f"{BATCHES}{batch.pk}/resume/", "/admin/mailer/message/"):
        assert operator.get(path, follow=True).status_code == 200
    assert "For 3 messages that time has come" in operator.get(f"{BATCHES}{batch.pk}/cancel/").text
    stop_batch(alice, batch.public_id, BatchStatus.PAUSED, actor="test", allowed_from={0})
    assert "3 messages are held, and still need a decision" in operator.get(f"{BATCHES}{batch.pk}/resume/").text


@further
def test_every_receipt_can_be_shown(operator: Client, batch: Batch) -> None:
    parcel = Parcel.objects.get()
    scopes: list[dict[str, Any]] = [
        {"account": batch.account, "batch": batch, "message_id": parcel.base * 512},
        {"account": batch.account, "batch": batch},
        {"account": batch.account},
        {},
    ]
    states: list[dict[str, Any]] = [{"settled_at": database_now()}, {"claims": [[parcel.pk, 7]], "in_flight": 2}]
    receipts = [
        Receipt.objects.create(public_id=f"{action}{scope}{state}", action=action, **scopes[scope], **states[state])
        for action in Receipt.Action
        for scope in range(len(scopes))
        for state in range(len(states))
    ]
    assert operator.get(f"{RECEIPTS}?action__exact=purge").text.count("the whole installation") == 2
    for receipt in receipts:
        assert show_receipt(receipt)["outcome"]
    for receipt in receipts[-len(scopes) * len(states) :]:
        page = operator.get(f"{RECEIPTS}{receipt.pk}/change/").text
        assert ("all accounts" in page) == (receipt.account is None)


@further
def test_a_receipt_of_the_hidden_batch_calls_it_mail_without_a_batch(operator: Client, alice: Account) -> None:
    hidden = default_batch(alice)
    open_receipt(alice, hidden, Receipt.Action.CANCEL, actor="test", reason="")
    assert "mail without a batch" in operator.get(RECEIPTS).text
    assert "mail without a batch" in operator.get(f"{RECEIPTS}{Receipt.objects.get().pk}/change/").text


def test_the_new_buttons_are_only_for_users_who_may_stop(batch: Batch) -> None:
    with logged_in("ivan", may=("batches.view_batch",)) as viewer:
        assert viewer.get(f"{BATCHES}{batch.pk}/reschedule/").status_code == 403
        assert viewer.post(f"{BATCHES}{batch.pk}/reschedule/", {"send_at": "2020-01-01T00:00"}).status_code == 403
    assert not Receipt.objects.exists()


@further
def test_the_page_counts_claimed_messages_that_keep_their_time(operator: Client, batch: Batch, clock: Clock) -> None:
    clock.advance(hours=1)
    sweep()
    Claimer().claim_next(Lane.BULK)
    Claimer().claim_next(Lane.TRANSACTIONAL)
    assert Parcel.objects.get().state == ParcelState.CLAIMED
    question = operator.get(f"{BATCHES}{batch.pk}/reschedule/").text
    assert "0 waiting messages" in question
    assert "3 messages are claimed by workers" in question
