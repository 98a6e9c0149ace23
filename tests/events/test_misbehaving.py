"""Whatever receivers do and however workers die, every event arrives, and once if repeats are dropped by id."""

from __future__ import annotations

import datetime as dt
import random
import time
from collections import Counter, defaultdict
from functools import partial
from ipaddress import ip_network
from typing import Any

import pytest
from django.conf import settings as django_settings

from accounts.models import Account
from events.log.publishing import publish_events
from events.log.reading import Position, Reader
from events.models import Delivery, DeliveryState, Dialect, Endpoint, Lane
from events.webhooks import bodies, client, lanes
from events.webhooks.addresses import ForbiddenAddress, resolve
from events.webhooks.client import Client
from events.webhooks.endpoints import create_endpoint, enable
from events.webhooks.hints import due_lanes
from foundation.clock import Now, database_now
from mailer.models import EventKind, LogNotice, Measure, Series
from mailer.outcomes.counters import DAY, read_counters
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.sweep import sweep
from tests.conftest import Clock
from tests.drafts import draft
from tests.events.receiver import FINE, Arrival, Behaviour, Receiver
from tests.forked import forked
from tests.peer import CountingPeer

TIMEOUT_SECONDS = 0.4
ROUNDS = 60
SENDGRID_NAMES = {"delivered": EventKind.SENT, "bounce": EventKind.REFUSED, "deferred": EventKind.DEFERRED}


def work(seed: int) -> None:
    """Run the lanes that are due, as a worker does, until killed. Now and then a name has a private address."""
    choice = random.Random(seed)
    django_settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    bodies.MOST_EVENTS = 9  # type: ignore[misc]
    lanes.Client = partial(Client, timeout_seconds=TIMEOUT_SECONDS)  # type: ignore[misc, assignment]

    def resolve_to_anything(host: str, port: int) -> list[str]:
        if choice.random() < 0.1:
            raise ForbiddenAddress
        return resolve(host, port)

    client.resolve = resolve_to_anything
    while True:
        for lane_id in due_lanes():
            lanes.run_lane(lane_id)


def work_for_a_while(seed: int, receiver: Receiver, *, requests: int) -> None:
    """Let a worker post a few requests, or all that are due, and kill it in the middle of one or of what follows."""
    target, until = len(receiver.arrivals) + requests, time.monotonic() + 2
    abandoned = leased_lanes()
    with forked(work, seed) as worker:
        while len(receiver.arrivals) < target and time.monotonic() < until:
            if not (due_lanes() or leased_lanes() - abandoned):
                break
            time.sleep(0.01)
        time.sleep(random.Random(seed).choice([0, 0.01, 0.1]))
        worker.kill()


def leased_lanes() -> set[int]:
    """Return the ids of the lanes that a worker has, or that it had when it was killed less than a lease ago."""
    return set(Lane.objects.filter(leased_until__gt=Now()).values_list("pk", flat=True))


BEHAVIOURS = {
    "fine": FINE,
    "error": Behaviour(500),
    "busy": Behaviour(429, {"Retry-After": "3600"}),
    "away": Behaviour(503, {"Retry-After": "soon"}),
    "gone": Behaviour(410),
    "redirect": Behaviour(302, {"Location": "http://127.0.0.1:1/"}),
    "hangs": Behaviour(pause=2 * TIMEOUT_SECONDS),
    "drips": Behaviour(body=b"x" * 50, drips=0.05),
    "delays": Behaviour(pause=0.1),
    "killed before it stores": Behaviour(cuts=True, keeps=False),
    "killed after it has stored": Behaviour(cuts=True, keeps=True),
}
"""The behaviours of the receiver."""
DECK = [*BEHAVIOURS, *["fine"] * 20, "error", "error", *["killed after it has stored"] * 2]
random.Random(20).shuffle(DECK)


def misbehave(number: int, arrival: Arrival) -> Behaviour:
    """Choose what the receiver does with a request."""
    return BEHAVIOURS[DECK[number % len(DECK)]]


@pytest.mark.large
def test_every_event_arrives_whatever_happens(
    alice: Account, receiver: Receiver, deliverer: Deliverer, peer: CountingPeer, clock: Clock
) -> None:
    choice = random.Random(19)
    receiver.decide = misbehave
    for dialect in Dialect:
        create_endpoint(alice, dialect, receiver.url.replace("hook", dialect))
    for number in range(ROUNDS):
        if number < ROUNDS // 2:
            name = f"n{number}x"
            size = choice.choice([1, 1, 5, 20, 60])
            if choice.random() < 0.5:
                peer.replies[f"{name}0@example.com"] = choice.choice(["550 5.1.1 unknown", "451 4.3.0 later"])
            accept_mail(alice, draft(size, name=name))
            deliverer.deliver_due(seconds=2)
        elif number == ROUNDS // 2:
            peer.replies.clear()
        sweep()
        deliverer.deliver_due(seconds=1)
        publish_events()
        if due_lanes():
            work_for_a_while(number, receiver, requests=choice.randint(1, 6))
        clock.advance(hours=choice.choice([0, 1, 10]))
        for endpoint in Endpoint.objects.filter(is_enabled=False):
            enable(endpoint)
    assert len(receiver.arrivals) > len(DECK), "every misbehaviour was seen"
    receiver.decide = lambda number, arrival: FINE
    for _ in range(10):
        clock.advance(hours=11)
        while due := due_lanes():
            for lane_id in due:
                lanes.run_lane(lane_id)
    assert not LogNotice.objects.exists()
    assert not Delivery.objects.filter(state=DeliveryState.PENDING).exists()

    written = [event for _, events in Reader(alice.pk).read_after(Position(0)) for event in events]
    counted = Counter({kind: number for kind in EventKind if (number := count(alice, kind))})
    assert Counter(EventKind(event.kind) for event in written) == counted

    native = arrived(receiver, Dialect.NATIVE)
    assert set(native) == {event.id for event in written}
    assert Counter(EventKind[event["kind"].upper()] for event in native.values()) == counted
    sendgrid = arrived(receiver, Dialect.SENDGRID)
    named = Counter(SENDGRID_NAMES[event["event"]] for event in sendgrid.values() if event["event"] in SENDGRID_NAMES)
    assert named == Counter({kind: n for kind, n in counted.items() if kind in SENDGRID_NAMES.values()})
    assert sum(event["event"] == "processed" for event in sendgrid.values()) == len(
        {event.message_id for event in written}
    )

    way: defaultdict[str, list[str]] = defaultdict(list)
    for event in native.values():
        way[event["message"]].append(event["id"])
    expected: defaultdict[str, list[str]] = defaultdict(list)
    for each in written:
        expected[str(each.message_id)].append(each.id)
    assert way == expected, "the events of a message arrive in order"


def count(account: Account, kind: EventKind) -> int:
    """Return how many events of a kind the counters have."""
    now, days = database_now(), dt.timedelta(days=40)
    counts = read_counters(
        Series.ACCOUNT, account.pk, span=DAY, since=now - days, until=now + days, measures=[Measure(kind)]
    )
    return sum(each.n for each in counts)


def arrived(receiver: Receiver, dialect: str) -> dict[str, dict[str, Any]]:
    """Return the events that a receiver has accepted, by id, in the order of their first arrival.

    The same id always comes with the same content.
    """
    events: dict[str, dict[str, Any]] = {}
    for arrival in receiver.accepted:
        if arrival.path.startswith(f"/{dialect}"):
            for event in arrival.events:
                id = event.get("sg_event_id") or event["id"]
                assert events.setdefault(id, event) == event
    return events
