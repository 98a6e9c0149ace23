"""Lanes that are moved back deliver everything since a time again, also if somebody works on them meanwhile."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import pytest

from accounts.models import Account
from events.log.publishing import publish_events
from events.models import Delivery, DeliveryState, Endpoint, Lane, LogEntry
from events.webhooks import lanes
from events.webhooks.client import Answer
from events.webhooks.rewind import replay_since
from foundation.clock import database_now
from mailer.models import Event
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from tests.conftest import Clock
from tests.drafts import draft
from tests.events.deliveries import run_due
from tests.events.receiver import FINE, Behaviour, Receiver

DAY = dt.timedelta(days=1)


def send(account: Account, deliverer: Deliverer, name: str) -> None:
    """Send two mails, and publish their events."""
    for number in range(2):
        accept_mail(account, draft(3, name=f"{name}{number}x"))
    deliverer.deliver_due(seconds=10)
    publish_events()


def recipients(receiver: Receiver) -> Counter[str]:
    """Return how often each mail's events were accepted, by the first letters of the recipients."""
    return Counter(event["recipient"][:3] for event in receiver.events)


def test_everything_since_a_time_comes_again_with_the_same_ids(
    alice: Account, charlie: Account, endpoint: Endpoint, receiver: Receiver, deliverer: Deliverer, clock: Clock
) -> None:
    send(alice, deliverer, "old")
    send(charlie, deliverer, "his")
    run_due()
    clock.advance(hours=2)
    since = database_now()
    send(alice, deliverer, "new")
    run_due()
    events = list(Event.objects.order_by("pk").values())
    assert replay_since(endpoint, since) >= 1
    assert run_due() == 6
    assert recipients(receiver) == {"old": 6, "new": 12}
    assert len({event["id"] for event in receiver.events}) == 12
    assert len({arrival.headers["webhook-id"] for arrival in receiver.arrivals}) == len(receiver.arrivals)

    assert replay_since(endpoint, since - DAY) == 4
    assert run_due() == 12
    assert recipients(receiver) == {"old": 12, "new": 18}
    places = list(Lane.objects.order_by("pk").values_list("place", flat=True))
    assert replay_since(endpoint, database_now() + DAY) == 0
    assert list(Lane.objects.order_by("pk").values_list("place", flat=True)) == places
    assert list(Event.objects.order_by("pk").values()) == events


def test_a_pending_body_is_replaced_and_a_lane_that_is_not_so_far_stays(
    alice: Account, endpoint: Endpoint, receiver: Receiver, deliverer: Deliverer, clock: Clock
) -> None:
    send(alice, deliverer, "old")
    run_due()
    clock.advance(hours=2)
    receiver.decide = lambda number, arrival: Behaviour(500)
    since = database_now()
    send(alice, deliverer, "new")
    run_due()
    pending = set(Delivery.objects.filter(state=DeliveryState.PENDING).values_list("public_id", flat=True))
    assert pending
    before = set(Lane.objects.values_list("number", "place", "next_at"))
    waiting = {lane.number for lane in Lane.objects.exclude(next_at=None)}
    replay_since(endpoint, since)
    waiting_rows = {row for row in before if row[0] in waiting}
    assert waiting_rows <= set(Lane.objects.values_list("number", "place", "next_at")), (
        "a lane that waits is not so far"
    )
    assert set(Delivery.objects.filter(state=DeliveryState.PENDING).values_list("public_id", flat=True)) == pending

    replay_since(endpoint, since - DAY)
    assert not Delivery.objects.filter(state=DeliveryState.PENDING).exists()
    receiver.decide = lambda number, arrival: FINE
    clock.advance(seconds=10)
    while run_due():
        pass
    assert recipients(receiver) == {"old": 12, "new": 6}


def test_a_run_that_is_under_way_changes_nothing_afterwards(
    alice: Account, endpoint: Endpoint, receiver: Receiver, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(alice, deliverer, "old")
    since = database_now() - DAY

    def post(self: Any, delivery: Delivery, body: bytes) -> Answer:
        Lane.objects.update(place=LogEntry.objects.latest("place").place)
        replay_since(endpoint, since)
        return Answer(200, "")

    with monkeypatch.context() as patched:
        patched.setattr(lanes.LaneRun, "_post", post)
        assert run_due() == 0
    assert not Delivery.objects.exists()
    assert run_due() == 6
    assert recipients(receiver) == {"old": 6}
