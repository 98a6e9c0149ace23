"""Test the search for mailings: what each kind of words finds, and that nobody finds another account's mail."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, ApiKey
from batches.handles import create_batch
from batches.models import Batch
from batches.states import BatchStatus
from batches.stop.control import stop_batch
from batches.stop.freeze import freeze_account
from campaigns.lifecycle import delete_campaign, schedule_campaign, unschedule_campaign
from campaigns.models import Campaign
from campaigns.sweep import prepare_campaigns
from foundation.clock import database_now
from mailer.draft import Address
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from monitoring import search
from monitoring.scope import EVERYTHING, scope_of
from monitoring.search import Mailing, find_mailings, read_mailings
from tests.campaigns.building import ready_campaign
from tests.conftest import Clock
from tests.drafts import draft

HOUR = dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no search end early on a busy machine."""
    monkeypatch.setattr(search, "SEARCH_SECONDS", 60.0)


def mailing(account: Account, subject: str, *, messages: int = 2, **fields: object) -> Batch:
    """Create a batch with a mail that is due in an hour."""
    batch = create_batch(account)
    mail = draft(messages, batch_id=batch.public_id, send_at=database_now() + HOUR)
    accept_mail(account, replace(mail, subject=subject, **fields))  # type: ignore[arg-type]
    return batch


def scheduled_campaign(account: Account, title: str, **fields: object) -> Campaign:
    campaign = ready_campaign(account, title=title, **fields)
    return schedule_campaign(account, campaign.pk, database_now() + HOUR)


def names(text: str, account: Account | None = None) -> list[tuple[str, str]]:
    mailings = find_mailings(text, scope_of(account) if account else EVERYTHING)
    return [(mailing.name, mailing.matched) for mailing in mailings]


def test_every_kind_of_words_finds_a_mailing(alice: Account) -> None:
    batch = mailing(alice, "Your invoice", sender=Address("billing@shop.example"), categories=("spring sale",))
    key = ApiKey.objects.create(account=alice, key_id="k" * 22, secret_digest=b"", name="Checkout", scopes=[])
    Batch.objects.filter(pk=batch.pk).update(api_key=key)
    cases = {
        "INVOICE": "subject or title",
        " your  invoice ": "subject or title",
        "vo": "subject or title",
        "billing@shop": "sender",
        "spring": "category",
        batch.public_id: "batch id",
        batch.public_id[:6]: "batch id",
        "alic": "account",
        "checkout": "API key",
        key.key_id: "API key",
    }
    for text, matched in cases.items():
        assert names(text) == [("Your invoice", matched)], text
    for text in ("", "   ", "%", "_our", "invoices", batch.public_id.swapcase(), "\\", "x" * 5000):
        assert names(text) == [], text


def test_a_mailing_is_shown_with_its_counts_and_next_time(alice: Account, deliverer: Deliverer) -> None:
    batch = mailing(alice, "Hello")
    accept_mail(alice, draft(3, batch_id=batch.public_id))
    deliverer.deliver_due(seconds=5)
    (shown,) = find_mailings("hello", EVERYTHING)
    assert (shown.sent, shown.waiting, shown.is_exact, shown.status) == (3, 2, True, "open")
    assert (shown.account, shown.key_name, shown.campaign_id, shown.handle) == ("alice", None, None, f"b{batch.pk}")
    assert shown.next_at is not None
    assert HOUR - dt.timedelta(minutes=1) < shown.next_at - database_now() < HOUR
    freeze_account(alice, actor="test")
    assert [each.status for each in find_mailings("hello", EVERYTHING)] == ["frozen"]
    stop_batch(alice, batch.public_id, BatchStatus.CANCELLED, actor="test", allowed_from=set(BatchStatus))
    (shown,) = find_mailings("hello", EVERYTHING)
    assert (shown.sent, shown.waiting, shown.status) == (3, 0, "cancelled")


def test_a_campaign_is_found_before_and_after_its_batch_is_made(alice: Account, clock: Clock) -> None:
    campaign = scheduled_campaign(alice, "News of May", subject="Sunny days", categories=["letters"])
    for text in ("news of", "sunny", "letters", "news@example.com"):
        (mailing,) = find_mailings(text, EVERYTHING)
        assert (mailing.name, mailing.matched, mailing.status) == ("News of May", "campaign", "scheduled")
        assert (mailing.batch_id, mailing.sent, mailing.waiting, mailing.handle) == (
            None,
            None,
            None,
            f"c{campaign.pk}",
        )
        assert mailing.next_at == campaign.begins_at
    clock.advance(seconds=3590)
    prepare_campaigns()
    for text in ("news of", "sunny"):
        (mailing,) = find_mailings(text, EVERYTHING)
        assert (mailing.batch_id, mailing.campaign_id) == (Batch.objects.get().pk, campaign.pk)
        assert (mailing.status, mailing.handle) == ("open", f"c{campaign.pk}")
    unschedule_campaign(alice, campaign.pk)
    (mailing,) = find_mailings("news of", EVERYTHING)
    assert (mailing.status, mailing.campaign_id, mailing.handle) == ("cancelled", None, f"b{Batch.objects.get().pk}")
    assert [each.status for each in read_mailings([f"c{campaign.pk}"], EVERYTHING)] == ["draft"]
    delete_campaign(alice, campaign.pk, actor="test")
    assert read_mailings([f"c{campaign.pk}"], EVERYTHING) == []


def test_only_mail_in_the_scope_is_found(alice: Account, charlie: Account) -> None:
    batch = mailing(alice, "Secret plans", categories=("secret",))
    campaign = scheduled_campaign(alice, "Secret news")
    subuser = Account.objects.create(username="secret-shop", parent=alice)
    of_subuser = mailing(subuser, "Secret offers")
    mailing(charlie, "Other mail")
    for text in ("secret", batch.public_id, "alice", "news@example.com"):
        assert list(find_mailings(text, scope_of(charlie))) == [], text
    (mail_of_charlie,) = find_mailings("from@example.com", scope_of(charlie))
    assert (mail_of_charlie.account, mail_of_charlie.name) == ("charlie", "Other mail")
    assert {name for name, _ in names("secret", alice)} == {"Secret plans", "Secret news", "Secret offers"}
    handles = [f"b{batch.pk}", f"c{campaign.pk}", f"b{of_subuser.pk}"]
    assert read_mailings(handles, scope_of(charlie)) == []
    assert [each.handle for each in read_mailings(handles, scope_of(alice))] == handles
    assert [each.handle for each in read_mailings(handles[:2], scope_of(subuser))] == []


def test_what_can_still_be_stopped_comes_first(alice: Account) -> None:
    batches = [mailing(alice, f"Offer {number}") for number in range(4)]
    stop_batch(alice, batches[3].public_id, BatchStatus.CANCELLED, actor="test", allowed_from=set(BatchStatus))
    expected = [batches[number].pk for number in (2, 1, 0, 3)]
    assert [each.batch_id for each in find_mailings("offer", EVERYTHING)] == expected
    assert [each.batch_id for each in find_mailings("offer", EVERYTHING, limit=2)] == expected[:2]


def test_older_batches_are_found_by_trigrams_only(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = mailing(alice, "Offer ab"), mailing(alice, "Offer ab")
    monkeypatch.setattr(search, "RECENT_BATCHES", 1)
    for text, expected in (("offer", [new, old]), ("ab", [new])):
        mailings = find_mailings(text, EVERYTHING)
        assert [each.batch_id for each in mailings if each.matched == "subject or title"] == [b.pk for b in expected]


def test_a_search_that_takes_too_long_leaves_the_older_batches_out(
    alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = mailing(alice, "Offer")
    monkeypatch.setattr(search.queries, "BY_OLD_LABEL", "select 2, 1::bigint, null from pg_sleep(5)")
    monkeypatch.setattr(search, "SEARCH_SECONDS", 0.05)
    assert [each.batch_id for each in find_mailings("offer", EVERYTHING)] == [batch.pk]


def test_a_search_takes_few_statements(alice: Account) -> None:
    for number in range(5):
        mailing(alice, f"Offer {number}")
    with CaptureQueriesContext(connection) as statements:
        assert len(find_mailings("offer", EVERYTHING)) == 5
    assert len(statements) <= 6


def test_a_finished_mailing_says_so(alice: Account, deliverer: Deliverer) -> None:
    batch = create_batch(alice)
    accept_mail(alice, draft(2, batch_id=batch.public_id))
    deliverer.deliver_due(seconds=5)
    mailings: list[Mailing] = read_mailings([f"b{batch.pk}", "b999", "x1", "b", "b1;"], EVERYTHING)
    assert [(each.status, each.sent, each.waiting) for each in mailings] == [("finished", 2, 0)]
