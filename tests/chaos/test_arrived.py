"""Chaos detects an invented fault of each kind in the events that arrived at the receivers of webhooks."""

from __future__ import annotations

import dataclasses
import json
import zlib
from typing import Any

import pytest

from chaos.arrived import ComparedEvents, compare_bodies
from chaos.receiver import NATIVE, SENDGRID, Body, Keys
from events.webhooks.signing import new_key_pair, new_secret, sign_with_key, sign_with_secrets, write_secret

ADA, BOB = "ada@example.com", "bob@example.com"
DEFERRED = ("10-0", 512, 5, False, ADA, "m1")
DECISION = ("11-0", 512, 5, True, ADA, "m1")
SENT = ("12-0", 512, 1, False, ADA, "m1")
STOPPED = ("13-1", 513, 4, False, BOB, "m1")
ROWS: list[Any] = [DEFERRED, DECISION, SENT, STOPPED]
"""The stored events: one message was deferred, sent again by a decision, and sent; another one was stopped."""
SECRET = new_secret()
PRIVATE_KEY, PUBLIC_KEY = new_key_pair()
KEYS = Keys(write_secret(SECRET), PUBLIC_KEY)


def native(id: str, *events: tuple[str, str, str]) -> Body:
    """Return a body of the native endpoint with events of an id, a kind and a recipient."""
    fields = [{"id": id, "kind": kind, "recipient": to, "x_message_id": "m1"} for id, kind, to in events]
    data = json.dumps({"type": "events", "data": fields}).encode()
    return body(NATIVE, data, sign_with_secrets([SECRET], id, 1_800_000_000, data))


def sendgrid(*events: tuple[str, str, str]) -> Body:
    """Return a body in SendGrid's dialect."""
    fields = [
        {"sg_event_id": id, "event": name, "email": to, "sg_message_id": "m1.sluice.512.0"} for id, name, to in events
    ]
    data = json.dumps(fields).encode()
    return body(SENDGRID, data, sign_with_key(PRIVATE_KEY, 1_800_000_000, data))


def body(endpoint: str, data: bytes, headers: dict[str, str]) -> Body:
    lower = {name.lower(): value for name, value in headers.items()}
    return Body(endpoint, lower, zlib.compress(data), is_accepted=True)


class Story:
    """Two bodies at each endpoint, which have all events."""

    def __init__(self) -> None:
        self.bodies = {
            NATIVE: [
                native("a", ("10-0", "deferred", ADA), ("11-0", "deferred", ADA)),
                native("b", ("12-0", "sent", ADA), ("13-1", "stopped", BOB)),
            ],
            SENDGRID: [
                sendgrid(("512-0-processed", "processed", ADA), ("10-0", "deferred", ADA)),
                sendgrid(("12-0", "delivered", ADA), ("13-1", "stopped", BOB)),
            ],
        }
        self.strays: list[str] = []

    def change(self, endpoint: str, number: int, **fields: object) -> None:
        """Change fields of a body."""
        self.bodies[endpoint][number] = dataclasses.replace(self.bodies[endpoint][number], **fields)  # type: ignore[arg-type]

    def compare(self) -> ComparedEvents:
        return compare_bodies(ROWS, self.bodies, KEYS, self.strays)


@pytest.fixture
def story() -> Story:
    """Return a story without any fault."""
    return Story()


def test_all_events_that_arrived_once_are_counted(story: Story) -> None:
    compared = story.compare()
    assert (compared.lost, compared.wrong, compared.repeated) == ([], [], 0)
    assert compared.compared == 8
    assert compared.kinds == {"deferred": 2, "sent": 1, "stopped": 1}


@pytest.mark.parametrize("endpoint", [NATIVE, SENDGRID])
def test_a_repeat_is_counted_and_is_no_fault(story: Story, endpoint: str) -> None:
    story.bodies[endpoint] *= 2
    compared = story.compare()
    assert (compared.lost, compared.wrong, compared.repeated) == ([], [], 4)


@pytest.mark.parametrize("endpoint", [NATIVE, SENDGRID])
def test_a_body_that_was_not_accepted_is_lost(story: Story, endpoint: str) -> None:
    story.change(endpoint, 1, is_accepted=False)
    compared = story.compare()
    assert len(compared.lost) == 2
    assert "12-0" in compared.lost[0]


def test_an_event_that_is_not_stored_is_wrong(story: Story) -> None:
    story.bodies[NATIVE].append(native("c", ("14-0", "sent", ADA)))
    assert "14-0" in story.compare().wrong[0]


@pytest.mark.parametrize("event", [("12-0", "refused", ADA), ("12-0", "sent", "eve@example.com")])
def test_an_event_with_another_field_is_wrong(story: Story, event: tuple[str, str, str]) -> None:
    story.bodies[NATIVE][1] = native("b", event, ("13-1", "stopped", BOB))
    compared = story.compare()
    assert "is not stored" in compared.wrong[0]


def test_the_wrong_order_of_a_messages_events_is_detected(story: Story) -> None:
    story.bodies[NATIVE].reverse()
    compared = story.compare()
    assert compared.lost == []
    assert ["wrong order" in each for each in compared.wrong] == [True]


def test_processed_behind_the_first_outcome_is_detected(story: Story) -> None:
    story.bodies[SENDGRID][0] = sendgrid(("10-0", "deferred", ADA), ("512-0-processed", "processed", ADA))
    assert ["wrong order" in each for each in story.compare().wrong] == [True]


@pytest.mark.parametrize("is_accepted", [True, False])
def test_a_repeat_with_other_bytes_is_wrong(story: Story, is_accepted: bool) -> None:
    story.bodies[NATIVE].insert(0, native("a", ("10-0", "deferred", ADA)))
    story.change(NATIVE, 0, is_accepted=is_accepted)
    assert story.compare().wrong == ["native: a repeat of the body a has other bytes"]


def test_an_event_in_two_bodies_is_wrong(story: Story) -> None:
    story.bodies[NATIVE].append(native("c", ("12-0", "sent", ADA)))
    compared = story.compare()
    assert compared.repeated == 1
    assert ["is in the bodies b and c" in each for each in compared.wrong] == [True]


def test_an_event_twice_in_one_body_is_wrong(story: Story) -> None:
    story.bodies[NATIVE][1] = native("b", ("12-0", "sent", ADA), ("13-1", "stopped", BOB), ("13-1", "stopped", BOB))
    assert story.compare().wrong == ["native: the body b has an event twice"]


@pytest.mark.parametrize("endpoint", [NATIVE, SENDGRID])
def test_a_signature_of_other_bytes_is_wrong(story: Story, endpoint: str) -> None:
    story.change(endpoint, 0, headers=story.bodies[endpoint][1].headers)
    assert "the signature of" in story.compare().wrong[0]


@pytest.mark.parametrize("endpoint", [NATIVE, SENDGRID])
def test_a_body_without_a_signature_is_wrong(story: Story, endpoint: str) -> None:
    name = "webhook-signature" if endpoint == NATIVE else "x-twilio-email-event-webhook-signature"
    story.change(
        endpoint, 0, headers={key: each for key, each in story.bodies[endpoint][0].headers.items() if key != name}
    )
    assert "the signature of" in story.compare().wrong[0]


def test_a_request_that_no_endpoint_makes_is_wrong(story: Story) -> None:
    story.strays.append("POST /redirected")
    assert story.compare().wrong == ["POST /redirected was requested, which no endpoint does"]
