"""The forecast counts the mail that waits for its first try by hour and account, and marks what will not be sent."""

from __future__ import annotations

import datetime as dt

import pytest

from accounts.models import Account
from audience.models import Audience
from batches.handles import create_batch
from batches.models import Batch
from batches.states import BatchStatus
from batches.stop.control import stop_batch
from batches.stop.freeze import freeze_account
from batches.wave_counts import fold_waves
from campaigns.lifecycle import schedule_campaign
from campaigns.models import Campaign
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from monitoring import forecast
from monitoring.forecast import Forecast, Planned, read_forecast
from monitoring.scope import EVERYTHING, Scope, scope_of
from tests.campaigns.building import ready_campaign
from tests.conftest import Clock
from tests.drafts import draft

HOUR = dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def same_hour(clock: Clock) -> None:
    """Keep the hour from ending during the test."""
    clock.stop()


def accept(account: Account, batch: Batch | None, number: int, at: dt.datetime) -> None:
    accept_mail(account, draft(number, batch_id=batch and batch.public_id, send_at=at))


def foresee(scope: Scope) -> Forecast:
    return read_forecast(scope, database_now())


def next_hour() -> dt.datetime:
    return database_now().replace(minute=0, second=0, microsecond=0) + HOUR


def test_the_forecast_tells_accounts_hours_and_closed_gates_apart(alice: Account, charlie: Account) -> None:
    hour = next_hour()
    batch = create_batch(alice)
    accept(alice, None, 3, hour + dt.timedelta(minutes=1))
    accept(alice, batch, 4, hour + dt.timedelta(minutes=59))
    accept(alice, batch, 5, hour + 70 * HOUR)
    accept(charlie, None, 2, hour)
    accept(charlie, None, 9, hour + 80 * HOUR)
    for _ in range(2):
        assert foresee(EVERYTHING).messages == {
            ("alice", True): {hour: 7, hour + 70 * HOUR: 5},
            ("charlie", True): {hour: 2},
        }
        assert foresee(scope_of(charlie)).names == ["charlie"]
        fold_waves()
    stop_batch(alice, batch.public_id, BatchStatus.PAUSED, actor="test", allowed_from={BatchStatus.OPEN})
    freeze_account(charlie, actor="test")
    foreseen = foresee(EVERYTHING)
    assert foreseen.messages == {
        ("alice", True): {hour: 3},
        ("alice", False): {hour: 4, hour + 70 * HOUR: 5},
        ("charlie", False): {hour: 2},
    }
    assert (foreseen.total(is_open=True), foreseen.total(is_open=False)) == (3, 11)
    assert len(foreseen.hours) == 73


def test_small_accounts_are_added_up_and_many_waves_are_not_read(
    alice: Account, charlie: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour = next_hour()
    accept(alice, None, 2, hour)
    accept(charlie, None, 1, hour + HOUR)
    monkeypatch.setattr(forecast, "LARGEST", 1)
    foreseen = foresee(EVERYTHING)
    assert foreseen.messages == {("alice", True): {hour: 2}, (None, True): {hour + HOUR: 1}}
    assert foreseen.names == ["alice", None]
    assert foreseen.complete_until is None
    fold_waves()
    monkeypatch.setattr(forecast, "WAVES_READ", 2)
    foreseen = foresee(EVERYTHING)
    assert foreseen.complete_until == hour + HOUR
    assert foreseen.messages == {("alice", True): {hour: 2}}


def test_campaigns_without_messages_count_with_their_lists_and_segments(alice: Account) -> None:
    campaign = ready_campaign(alice, recipients=3)
    hour = next_hour() + 5 * HOUR
    schedule_campaign(alice, campaign.pk, hour)
    assert foresee(EVERYTHING).planned == {hour: Planned(campaigns=1, recipients=3)}
    Campaign.objects.update(is_to_all=True)
    assert foresee(scope_of(alice)).planned == {hour: Planned(campaigns=1)}
    Audience.objects.create(account=alice, contacts=3)
    assert foresee(scope_of(alice)).planned[hour].recipients == 3
