"""The receiver of webhooks in a chaos run does what its manner says, and notes every body."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import pytest

from chaos.receiver import NATIVE, SENDGRID, Manner, Receiver
from tests.waiting import wait_until


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def post(receiver: Receiver, endpoint: str, *, timeout: float = 10) -> http.client.HTTPResponse:
    """Post a body, and return the complete response."""
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=timeout)
    try:
        connection.request("POST", f"/{endpoint}", b"[1]", {"Webhook-Id": "a"})
        response = connection.getresponse()
        response.read()
        return response
    finally:
        connection.close()


def test_it_accepts_bodies_and_keeps_them(receiver: Receiver) -> None:
    assert post(receiver, NATIVE).status == 200
    (body,) = receiver.bodies
    assert (body.endpoint, body.data, body.is_accepted) == (NATIVE, b"[1]", True)
    assert body.headers == {"webhook-id": "a"}
    assert (receiver.ill_treated, receiver.strays) == (0, [])


def test_one_connection_takes_several_bodies(receiver: Receiver) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=10)
    for _ in range(2):
        connection.request("POST", f"/{SENDGRID}", b"[]")
        assert connection.getresponse().read() == b"thanks"
    connection.close()
    assert len(receiver.bodies) == 2


def test_it_refuses_with_the_headers_of_its_manner(receiver: Receiver) -> None:
    receiver.manner = Manner(503, {"Retry-After": "9"}, endpoints=(NATIVE,))
    response = post(receiver, NATIVE)
    assert (response.status, response.headers["Retry-After"]) == (503, "9")
    assert post(receiver, SENDGRID).status == 200
    assert [body.is_accepted for body in receiver.bodies] == [False, True]
    assert receiver.ill_treated == 1


def test_it_resets_a_connection_in_the_middle_of_an_answer(receiver: Receiver) -> None:
    receiver.manner = Manner(cuts=True)
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
        post(receiver, NATIVE)
    assert receiver.bodies[0].is_accepted


def test_it_hangs_until_the_sender_gives_up(receiver: Receiver) -> None:
    receiver.manner = Manner(hangs=True)
    with pytest.raises(TimeoutError):
        post(receiver, NATIVE, timeout=0.05)
    wait_until(lambda: receiver.given_up == 1)
    assert not receiver.bodies[0].is_accepted


def test_another_path_and_another_method_are_noted(receiver: Receiver) -> None:
    post(receiver, "redirected")
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=10)
    connection.request("GET", f"/{NATIVE}")
    connection.getresponse().read()
    connection.close()
    assert receiver.strays == ["POST /redirected", f"GET /{NATIVE}"]
