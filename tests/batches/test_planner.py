"""Test planning: one ETA task per wave, two minutes ahead, in the real broker; and without the broker."""

from __future__ import annotations

import ast
import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest
from celery import current_app
from django_celery_beat.models import PeriodicTask

from accounts.models import Account
from batches import hints
from batches.handles import create_batch
from batches.models import Node
from batches.planner import plan_ahead
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from tests.conftest import Clock
from tests.drafts import draft

QUEUES = ("eta", "transactional", "bulk")
MINUTE = dt.timedelta(minutes=1)


class Broker:
    """The Redis database of the test."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def clear(self) -> None:
        self.client.delete(*QUEUES)

    def tasks(self, queue: str) -> list[tuple[str, list[Any], str | None]]:
        """Return name, arguments and ETA of each task in a queue."""
        headers = [json.loads(raw)["headers"] for raw in self.client.lrange(queue, 0, -1)]
        return [(each["task"], list(ast.literal_eval(each["argsrepr"])), each["eta"]) for each in headers]


@pytest.fixture
def broker(database: None) -> Iterator[Broker]:
    """Return the broker with empty queues."""
    with current_app.connection_for_write() as connection:
        channel: Any = connection.default_channel
        queues = Broker(channel.client)
        queues.clear()
        yield queues
        queues.clear()


def test_a_wave_inside_the_horizon_is_planned_when_it_is_accepted(alice: Account, broker: Broker) -> None:
    batch = create_batch(alice)
    send_at = database_now() + MINUTE
    accept_mail(alice, draft(1200, batch_id=batch.public_id, send_at=send_at))
    assert broker.tasks("eta") == [(hints.FIRE_WAVE, [batch.pk, send_at.isoformat()], send_at.isoformat())]


def test_a_wave_beyond_the_horizon_waits_in_postgresql_until_it_is_near(
    alice: Account, broker: Broker, clock: Clock
) -> None:
    plan_ahead()
    batch = create_batch(alice)
    send_at = database_now() + 10 * MINUTE
    accept_mail(alice, draft(3, batch_id=batch.public_id, send_at=send_at))
    assert plan_ahead() == 0
    assert broker.tasks("eta") == []
    clock.advance(seconds=9 * 60)
    assert plan_ahead() == 1
    assert plan_ahead() == 0, "once is enough"
    assert [eta for _, _, eta in broker.tasks("eta")] == [send_at.isoformat()]


def test_mail_for_now_publishes_a_token_without_an_id(alice: Account, broker: Broker) -> None:
    accept_mail(alice, draft(1))
    assert broker.tasks("transactional") == [(hints.DELIVER, [], None)]
    assert broker.tasks("eta") == []


def test_there_are_never_more_tokens_than_the_fleet_can_use(alice: Account, broker: Broker) -> None:
    Node.objects.create(name="one", concurrency=2)
    Node.objects.create(name="two", concurrency=1)
    accept_mail(alice, draft(1000))
    assert len(broker.tasks("bulk")) == 2
    accept_mail(alice, draft(1000))
    assert len(broker.tasks("bulk")) == 3
    hints.hint_due(hints.Lane.BULK, 1000)
    assert len(broker.tasks("bulk")) == 3, "those that wait are taken first, and see everything"
    broker.clear()
    hints.hint_due(hints.Lane.BULK, 1000)
    assert len(broker.tasks("bulk")) == 3


@pytest.mark.parametrize("door", ["producer_or_acquire", "send_task"])
def test_an_unreachable_broker_fails_no_request(
    alice: Account, broker: Broker, monkeypatch: pytest.MonkeyPatch, door: str
) -> None:
    def away(*_: object, **__: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(hints, "_broker_is_away_until", 0.0)
    monkeypatch.setattr(current_app, door, away)
    assert accept_mail(alice, draft(1)).messages == 1
    assert hints.is_broker_away()
    monkeypatch.undo()


def test_the_migration_has_installed_beats_duty(database: None) -> None:
    duty = PeriodicTask.objects.get(name="sweep")
    assert duty.enabled
    assert (duty.task, duty.interval.every, duty.interval.period) == ("mailer.tasks.sweep", 1, "seconds")
    assert duty.expire_seconds is not None, "missed rounds expire instead of piling up"
