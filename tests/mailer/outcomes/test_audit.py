"""The counters equal a count of the stored events, and a difference is reported."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Account
from batches.handles import create_batch
from campaigns.lifecycle import send_now
from campaigns.models import Campaign
from foundation.clock import database_now
from mailer.draft import Address, Personalization
from mailer.management.commands import check_counters
from mailer.management.commands.doctor import _counters
from mailer.models import Counter, CounterCheck, CounterDelta, Measure, Series, SuppressionKind
from mailer.one_message import stop_message
from mailer.outcomes import audit
from mailer.outcomes.audit import check_last_day, continue_check, open_check
from mailer.outcomes.counters import read_counters
from mailer.outcomes.folding import fold_counters
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.suppressions.lists import New, suppress
from tests.campaigns.building import expand_all, ready_campaign
from tests.conftest import Clock
from tests.drafts import draft
from tests.examples import further
from tests.outcomes import differences
from tests.peer import CountingPeer

DAY = dt.timedelta(days=1)


@pytest.fixture
def history(alice: Account, charlie: Account, clock: Clock, deliverer: Deliverer, peer: CountingPeer) -> None:
    """Send mail of all kinds for two accounts, over three days."""
    peer.replies.update(
        {"to1@example.com": "550 5.1.1 unknown", "to2@example.com": "451 later", "cc@example.com": "550 no"}
    )
    suppress([New(account_id=alice.pk, email="to3@example.com", kind=SuppressionKind.GLOBAL)])
    several = Personalization(
        to=(Address("a@example.com"), Address("b@example.com")),
        cc=(Address("cc@example.com"),),
        bcc=(Address("to2@example.com"),),
    )
    accept_mail(alice, replace(draft(60), categories=("news", "other")))
    accept_mail(alice, replace(draft(1), personalizations=(several, several), categories=("news",)))
    batch = create_batch(charlie)
    accept_mail(charlie, replace(draft(12, batch_id=batch.public_id, name="x"), categories=("news",)))
    later = accept_mail(charlie, draft(3, batch_id=batch.public_id, send_at=database_now() + 2 * DAY, name="y"))
    Campaign.objects.filter(pk=ready_campaign(alice, recipients=3).pk).update(categories=["offers"])
    send_now(alice, Campaign.objects.get().pk)
    expand_all()
    for _ in range(3):
        deliverer.deliver_due(seconds=20)
        clock.advance(hours=25)
        fold_all()
    stop_message(charlie, later.first_message, actor="test")
    accept_mail(alice, draft(2, name="z"))
    deliverer.deliver_due(seconds=20)


def fold_all() -> None:
    list(fold_counters())


@further
def test_counters_equal_the_events_of_all_kinds_of_mail(history: None, alice: Account) -> None:
    kinds = set(CounterDelta.objects.values_list("measure", flat=True))
    kinds |= set(Counter.objects.values_list("measure", flat=True))
    assert kinds >= {
        Measure.SENT,
        Measure.REFUSED,
        Measure.DROPPED,
        Measure.DEFERRED,
        Measure.STOPPED,
        Measure.ACCEPTED,
    }
    assert differences() == []


def test_every_difference_is_reported(history: None, alice: Account, charlie: Account) -> None:
    for series, measure, owners in (
        (Series.ACCOUNT, Measure.SENT, ["account {}", "all accounts"]),
        (Series.CATEGORY, Measure.ACCEPTED, ["account {}"]),
        (Series.BATCH, Measure.SENT, ["account {}"]),
        (Series.TOTAL, Measure.LATE_1S, ["all accounts"]),
    ):
        counters = Counter.objects.filter(series=series, measure=measure)
        first = counters.order_by("at", "account_id", "key").first()
        assert first is not None
        for change in (1, -1):
            same = counters.filter(account_id=first.account_id, key=first.key, at__gte=first.at, at__lt=first.at + DAY)
            numbers = {counter.pk: counter.n for counter in same}
            for counter in same:
                Counter.objects.filter(pk=counter.pk).update(n=counter.n + change)
            texts = differences()
            assert len(texts) == len(owners)
            for text, owner in zip(texts, owners, strict=True):
                assert owner.format(first.account_id) in text
                assert f"{Measure(measure).label} are counted" in text
            for pk, number in numbers.items():
                Counter.objects.filter(pk=pk).update(n=number)
    assert differences() == []


@further
def test_accepted_messages_of_a_campaign_are_compared_as_a_whole(history: None) -> None:
    batch_id = Campaign.objects.get().launch.batch_id
    counters = Counter.objects.filter(series=Series.BATCH, key=str(batch_id), measure=Measure.ACCEPTED)
    assert counters.update(n=2)
    assert any(f"batch {batch_id}: 2 accepted are counted, 3 are stored" in text for text in differences())


@further
def test_a_check_goes_on_where_another_process_stopped(history: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "FIRST_STEP", 1)
    midnight = database_now().replace(hour=0, minute=0, second=0, microsecond=0)
    check = open_check(midnight - 8 * DAY, midnight + DAY)
    rounds = 0
    while not continue_check(check.pk, seconds=0):
        rounds += 1
    check.refresh_from_db()
    assert rounds > 5
    assert (check.differences, check.examples) == (0, [])
    assert continue_check(check.pk, seconds=0), "a finished check stays finished"


@further
def test_the_last_day_is_compared_once_when_it_is_over(alice: Account, clock: Clock, deliverer: Deliverer) -> None:
    accept_mail(alice, draft(10))
    deliverer.deliver_due(seconds=10)
    assert check_last_day() == 0
    CounterCheck.objects.all().delete()
    assert _counters().is_well
    CounterDelta.objects.filter(series=Series.ACCOUNT, measure=Measure.SENT).update(n=9)
    now = database_now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + DAY
    clock.advance(seconds=(midnight - now).total_seconds() + 60)
    assert check_last_day() == 0
    assert not CounterCheck.objects.filter(day=now.date()).exists(), "not within the first hour"
    clock.advance(hours=1)
    assert check_last_day() == 1
    assert check_last_day() == 0
    assert CounterCheck.objects.get(day=now.date()).differences == 1
    assert not _counters().is_well
    assert "9 sent are counted, 10 are stored" in _counters().says


def test_the_command_prints_differences_and_fails(
    alice: Account, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept_mail(alice, draft(10))
    deliverer.deliver_due(seconds=10)
    output = StringIO()
    call_command("check_counters", "--days", "0", "--today", stdout=output)
    assert "The counters equal the stored events" in output.getvalue()
    CounterDelta.objects.filter(series=Series.ACCOUNT, measure=Measure.SENT).update(n=11)
    monkeypatch.setattr(check_counters, "STEP_SECONDS", 0.0)
    monkeypatch.setattr(check_counters, "EXAMPLES", 0)
    with pytest.raises(SystemExit, match="1"):
        call_command("check_counters", "--today", stdout=output)
    assert "and 1 more" in output.getvalue()
    assert "11 sent are counted, 10 are stored" in output.getvalue()
    assert not CounterCheck.objects.exists()
    for options in (("--days", "0"), ("--days", "-1"), ("--days", "400")):
        with pytest.raises(CommandError):
            call_command("check_counters", *options, stdout=output)


@further
def test_figures_do_not_change_when_the_history_is_folded(history: None, alice: Account) -> None:
    midnight = database_now().replace(hour=0, minute=0, second=0, microsecond=0)

    def figures() -> list[object]:
        return [
            read_counters(series, alice.pk, span=86_400, since=midnight - 9 * DAY, until=midnight + DAY)
            for series in (Series.ACCOUNT, Series.CATEGORY)
        ]

    before = figures()
    list(fold_counters())
    assert figures() == before
