"""Lanes deliver every event in order, and again until a receiver accepts it, under one id and with the same bytes."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from standardwebhooks import Webhook

from accounts.models import Account
from batches.models import PARCEL_SPAN
from events.log.publishing import publish_events
from events.log.reading import Position
from events.models import Delivery, DeliveryState, Dialect, Endpoint, Lane, LogEntry
from events.webhooks import bodies, lanes
from events.webhooks.client import Answer, Client
from events.webhooks.deliveries import read_body
from events.webhooks.editing import enable_again
from events.webhooks.endpoints import rotate_secret
from events.webhooks.hints import due_lanes
from events.webhooks.kinds import mask_of
from events.webhooks.schedule import wait_after
from events.webhooks.secrets import decrypt
from events.webhooks.signing import write_secret
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from tests.conftest import Clock
from tests.drafts import draft
from tests.events.deliveries import run_due
from tests.events.receiver import FINE, Behaviour, Receiver
from tests.peer import CountingPeer
from tests.waiting import someone_waits_for_us, wait_until


def send(account: Account, deliverer: Deliverer, *sizes: int, name: str = "to") -> None:
    """Send mails with these numbers of messages, and publish their events."""
    for number, size in enumerate(sizes):
        accept_mail(account, draft(size, name=f"{name}{number}x"))
    deliverer.deliver_due(seconds=10)
    publish_events()


def test_events_arrive_once_and_signed(
    alice: Account, charlie: Account, endpoint: Endpoint, receiver: Receiver, deliverer: Deliverer, peer: CountingPeer
) -> None:
    first = endpoint.secret
    text = rotate_secret(endpoint)
    peer.replies["to1x0@example.com"] = "550 5.1.1 unknown"
    send(alice, deliverer, 30, 1, 1, 1, 1)
    send(charlie, deliverer, 1, name="other")

    assert run_due() == 34
    assert due_lanes() == []
    assert Counter(event["kind"] for event in receiver.events) == {"sent": 33, "refused": 1}
    assert len({event["id"] for event in receiver.events}) == 34
    assert "other0x0@example.com" not in {event["recipient"] for event in receiver.events}
    assert first is not None
    for arrival in receiver.arrivals:
        for secret in (text, write_secret(decrypt(first))):
            content: Any = Webhook(secret).verify(arrival.body, arrival.headers)
            assert (content["type"], len(content["data"])) == ("events", len(arrival.events))
    stored = Delivery.objects.values_list("state", "attempts", "status_code", "body")
    assert set(stored) == {(DeliveryState.DELIVERED, 1, 200, None)}

    send(alice, deliverer, 2, name="later")
    assert run_due() == 2
    assert LogEntry.objects.exists()


def test_a_failed_body_comes_again_unchanged_at_the_times_of_the_schedule(
    alice: Account, endpoint: Endpoint, receiver: Receiver, deliverer: Deliverer, clock: Clock
) -> None:
    receiver.decide = lambda number, arrival: Behaviour(500, body=b"no\0t now")
    send(alice, deliverer, 3)
    assert run_due() == 0
    for failures, wait in enumerate((5, 60, 300, 1800, 7200, 18000, 36000, 36000), start=1):
        assert len(receiver.arrivals) == failures
        clock.advance(seconds=wait - 2)
        assert due_lanes() == []
        clock.advance(seconds=2)
        assert run_due() == 0
    delivery = Delivery.objects.get()
    assert (delivery.attempts, delivery.status_code, delivery.reply) == (9, 500, "not now")
    assert delivery.error == "the response was 500"

    send(alice, deliverer, 1, name="later")
    receiver.decide = lambda number, arrival: FINE
    clock.advance(hours=10)
    assert run_due() + run_due() == 4
    same = [arrival for arrival in receiver.arrivals if arrival.headers["webhook-id"] == str(delivery.public_id)]
    assert len(same) == 10
    assert {arrival.body for arrival in same} == {same[0].body}
    signed = {(arrival.headers["webhook-timestamp"], arrival.headers["webhook-signature"]) for arrival in same}
    assert len({signature for _, signature in signed}) == len({timestamp for timestamp, _ in signed})
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.failures, endpoint.retry_at) == (None, 0, None)


def test_an_endpoint_that_fails_for_three_days_is_disabled(
    alice: Account, endpoint: Endpoint, receiver: Receiver, deliverer: Deliverer, clock: Clock
) -> None:
    receiver.decide = lambda number, arrival: Behaviour(500)
    send(alice, deliverer, 3)
    for _ in range(8):
        run_due()
        endpoint.refresh_from_db()
        assert endpoint.is_enabled
        clock.advance(hours=10)
    run_due()
    endpoint.refresh_from_db()
    assert not endpoint.is_enabled
    assert endpoint.disabled_reason == "It has failed for 3 days. Last: the response was 500."
    assert due_lanes() == []
    assert Delivery.objects.get().state == DeliveryState.PENDING


def test_after_an_outage_all_lanes_continue_at_once(
    alice: Account, endpoint: Endpoint, receiver: Receiver, deliverer: Deliverer, clock: Clock
) -> None:
    receiver.decide = lambda number, arrival: Behaviour(500)
    send(alice, deliverer, *[1] * 12)
    for wait in (0, 5, 60, 300):
        clock.advance(seconds=wait)
        run_due()
    endpoint.refresh_from_db()
    assert endpoint.failures == 4
    receiver.decide = lambda number, arrival: FINE
    clock.advance(seconds=1800)
    Lane.objects.update(next_at=database_now() + dt.timedelta(hours=10))
    Lane.objects.filter(number=1).update(next_at=None)
    assert run_due() + run_due() == 12


def test_a_receiver_that_is_gone_gets_nothing_more(
    alice: Account, endpoint: Endpoint, receiver: Receiver, deliverer: Deliverer
) -> None:
    receiver.decide = lambda number, arrival: Behaviour(410)
    send(alice, deliverer, 3)
    run_due()
    endpoint.refresh_from_db()
    assert (endpoint.is_enabled, len(receiver.arrivals)) == (False, 1)
    assert "410" in endpoint.disabled_reason


def test_a_receiver_that_is_busy_is_given_the_time_that_it_asks_for(
    alice: Account, endpoint: Endpoint, receiver: Receiver, deliverer: Deliverer, clock: Clock
) -> None:
    later = (database_now() + dt.timedelta(seconds=200)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    never = "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"
    cases = ((429, "40", 40), (503, later, 150), (429, "soon", 300), (503, never, 1800), (400, "9999", 7200))
    for status, retry_after, seconds in cases:
        receiver.decide = lambda number, arrival, answer=(status, retry_after): Behaviour(
            answer[0], {"Retry-After": answer[1]}
        )
        if not receiver.arrivals:
            send(alice, deliverer, 3)
        run_due()
        clock.advance(seconds=seconds - 5)
        assert due_lanes() == [], status
        clock.advance(seconds=12)
        assert len(due_lanes()) == 1, status


def test_bad_answers_are_failures_with_a_reason(
    alice: Account, endpoint: Endpoint, receiver: Receiver, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = {"Location": receiver.url}
    send(alice, deliverer, 3)
    cases = {
        "redirects are not followed (302)": Behaviour(302, elsewhere),
        "the receiver gave no complete HTTP response": Behaviour(cuts=True, keeps=False),
    }
    late = [Behaviour(pause=0.5), Behaviour(body=b"x" * 100, drips=0.05)]
    for error, behaviour in [*cases.items(), *(("no response within 0.3 s", each) for each in late)]:
        if behaviour in late:
            monkeypatch.setattr(lanes, "Client", lambda: Client(timeout_seconds=0.3))
        receiver.decide = lambda number, arrival, behaviour=behaviour: behaviour
        Lane.objects.update(next_at=None)
        Endpoint.objects.update(retry_at=F("failing_since"))
        before = len(receiver.arrivals)
        assert run_due() == 0
        assert Delivery.objects.get().error == error
        # The thread of the receiver may be later than the end of the attempt.
        wait_until(lambda before=before: len(receiver.arrivals) > before, why="the body")
        assert len(receiver.arrivals) == before + 1


def test_a_host_inside_the_network_gets_nothing(
    alice: Account, endpoint: Endpoint, receiver: Receiver, deliverer: Deliverer, settings: Any
) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    send(alice, deliverer, 3)
    run_due()
    assert (Delivery.objects.get().error, receiver.arrivals) == ("the address of the host is not allowed", [])


class Killed(BaseException):
    """The end of a process, wherever it is."""


def test_a_process_that_dies_at_any_step_leads_to_the_same_body(
    alice: Account,
    endpoint: Endpoint,
    receiver: Receiver,
    deliverer: Deliverer,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bodies, "MOST_EVENTS", 7)
    send(alice, deliverer, 30)
    [lane_id] = due_lanes()[:1]
    [lane_id] = [lane.pk for lane in Lane.objects.all() if lane.number == LogEntry.objects.get().bases[0] % 4]

    def die(*_: object, **__: object) -> None:
        raise Killed

    for step in ("_prepare", "_attempt", "_post", "_settle"):
        with monkeypatch.context() as patched:
            patched.setattr(lanes.LaneRun, step, die)
            with pytest.raises(Killed):
                lanes.run_lane(lane_id)
        assert lanes.run_lane(lane_id) == 0, "the lease of the dead process is valid"
        clock.advance(seconds=61)
    assert lanes.run_lane(lane_id) == 30
    ids = Counter(event["id"] for event in receiver.events)
    assert len(ids) == 30
    first = [
        arrival
        for arrival in receiver.arrivals
        if arrival.headers["webhook-id"] == receiver.arrivals[0].headers["webhook-id"]
    ]
    assert (len(first), {arrival.body for arrival in first}) == (2, {receiver.arrivals[0].body})
    numbers = [len(arrival.events) for arrival in receiver.arrivals]
    assert numbers == [7, 7, 7, 7, 7, 2]


def test_a_process_without_its_lease_changes_nothing(
    alice: Account, endpoint: Endpoint, receiver: Receiver, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(alice, deliverer, 3)

    def post(self: Any, delivery: Delivery, body: bytes) -> Answer:
        Lane.objects.update(lease=uuid.uuid4())
        return Answer(200, "")

    monkeypatch.setattr(lanes.LaneRun, "_post", post)
    before = set(Lane.objects.values_list("number", "place", "offset"))
    assert run_due() == 0
    assert Delivery.objects.get().state == DeliveryState.PENDING
    moved = set(Lane.objects.values_list("number", "place", "offset")) - before
    assert len(moved) <= 3, "only lanes without an event have gone on"


def test_an_endpoint_gets_the_kinds_that_it_asks_for(
    alice: Account, endpoint: Endpoint, receiver: Receiver, deliverer: Deliverer, peer: CountingPeer
) -> None:
    Endpoint.objects.update(kinds=mask_of(Dialect.NATIVE, ["refused"]))
    peer.replies["to0x3@example.com"] = "550 5.1.1 unknown"
    send(alice, deliverer, 20)
    assert run_due() == 1
    assert [event["recipient"] for event in receiver.events] == ["to0x3@example.com"]
    assert due_lanes() == []
    assert set(Lane.objects.values_list("offset", flat=True)) == {None}


def test_a_large_body_is_cut_and_its_parts_are_in_order(
    alice: Account, endpoint: Endpoint, receiver: Receiver, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "MOST_BYTES", 2000)
    send(alice, deliverer, 60)
    assert run_due() == 60
    assert all(len(arrival.body) < 2200 for arrival in receiver.arrivals)
    numbers = [int(event["message"]) % PARCEL_SPAN for event in receiver.events]
    assert numbers == list(range(60))
    delivery = Delivery.objects.order_by("id")[2]
    assert read_body(delivery) == receiver.arrivals[2].body
    assert Position(delivery.after_place, delivery.after_offset) < Position(delivery.place, delivery.offset)


def test_whoever_enables_an_endpoint_waits_for_an_attempt_that_fails_at_this_moment(
    alice: Account, endpoint: Endpoint, receiver: Receiver, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both lock the lane before the endpoint, or else each of them could wait for the other one."""
    receiver.decide = lambda number, arrival: Behaviour(500)
    send(alice, deliverer, 3)
    fail = wait_after
    with ThreadPoolExecutor(1) as threads:
        enabling: list[Future[None]] = []

        def enable_now() -> None:
            try:
                enable_again(endpoint)
            finally:
                connection.close()

        def wait_after_and_meet(*arguments: Any) -> dt.timedelta:
            """Let somebody enable the endpoint while the lane is locked, and the endpoint is not."""
            if not enabling:
                enabling.append(threads.submit(enable_now))
                wait_until(someone_waits_for_us)
            return fail(*arguments)

        monkeypatch.setattr(lanes, "wait_after", wait_after_and_meet)
        run_due()
        enabling[0].result(timeout=10)
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.failures) == (None, 0)
    assert due_lanes() != []
