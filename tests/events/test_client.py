"""The client keeps the name of the host for TLS, and gets access tokens."""

from __future__ import annotations

import json
import socket
import ssl
from typing import Any

import pytest
import trustme

from accounts.models import Account
from events.models import Dialect
from events.webhooks import client, oauth
from events.webhooks.client import Client
from events.webhooks.endpoints import create_endpoint
from events.webhooks.oauth import BadToken, forget_token, token_for
from events.webhooks.secrets import encrypt
from tests.events.receiver import FINE, Arrival, Behaviour, Receiver


@pytest.fixture
def secure(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the receiver speak TLS as hook.example, a name of this machine, and provide its port."""
    authority = trustme.CA()
    server, context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("hook.example").configure_cert(server)
    authority.configure_trust(context)
    receiver.use_tls(server)
    monkeypatch.setattr(client, "ssl_context", lambda: context)
    look_up = socket.getaddrinfo

    def resolve(host: Any, *arguments: Any, **options: Any) -> Any:
        return look_up("127.0.0.1" if str(host).endswith(".example") else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return receiver.url.split(":")[2].split("/")[0]


def test_the_certificate_has_to_be_that_of_the_name(receiver: Receiver, secure: str) -> None:
    with Client() as connection:
        assert connection.post(f"https://hook.example:{secure}/a%20b?c=d", b"{}", {}).is_success
        assert connection.post(f"https://hook.example:{secure}/", b"{}", {}).is_success
    assert receiver.arrivals[0].headers["host"] == f"hook.example:{secure}"
    assert (receiver.arrivals[0].path, receiver.connections) == ("/a%20b?c=d", 1)
    with Client() as connection:
        other = connection.post(f"https://other.example:{secure}/", b"{}", {})
    assert other.error.startswith("the certificate is not valid: Hostname mismatch")
    assert len(receiver.arrivals) == 2


def test_an_invalid_url_is_an_answer(loopback: None) -> None:
    urls = {
        "ftp://127.0.0.1/": "this is not the URL of an endpoint",
        "http:///": "this is not the URL of an endpoint",
        "http://[::1/": "this is not the URL of an endpoint",
        "http://a b/": "the name of the host cannot be resolved",
        "http://nowhere.invalid/": "the name of the host cannot be resolved",
        "http://127.0.0.1:1/": "the connection has failed: Connection refused",
    }
    with Client() as connection:
        assert {url: connection.post(url, b"{}", {}).error for url in urls} == urls


def test_a_user_in_the_url_is_sent_as_basic_authorization(receiver: Receiver) -> None:
    with Client() as connection:
        connection.post(receiver.url.replace("//", "//a%40b:c%3Ad@"), b"{}", {})
    assert receiver.arrivals[0].headers["authorization"] == "Basic YUBiOmM6ZA=="


def test_a_large_answer_is_read_in_part(receiver: Receiver) -> None:
    receiver.decide = lambda number, arrival: Behaviour(body=b"x" * 1_000_000)
    with Client() as connection:
        answer = connection.post(receiver.url, b"{}", {})
    assert (answer.is_success, len(answer.body), len(answer.reply)) == (True, 64 * 1024, 1024)


NO_TOKENS = [
    b"[]",
    b"{",
    b"[" * 60_000,
    *(b'{"access_token": %b}' % value for value in (b"1", b'""', b'"a\\nb"', b'"a "')),
    b'{"access_token": "a", "expires_in": %b}' % (b"9" * 400),
]


def test_a_token_is_fetched_once_and_again_when_it_was_refused(alice: Account, receiver: Receiver) -> None:
    def decide(number: int, arrival: Arrival) -> Behaviour:
        token = {"access_token": f"token{number}", "token_type": "Bearer", "expires_in": 3600}
        return Behaviour(body=json.dumps(token).encode()) if b"grant_type" in arrival.body else FINE

    receiver.decide = decide
    endpoint = create_endpoint(
        alice,
        Dialect.SENDGRID,
        receiver.url,
        oauth_client_id="me",
        oauth_client_secret=encrypt(b"secret"),
        oauth_token_url=receiver.url,
    )
    oauth._tokens.clear()
    with Client() as connection:
        assert token_for(endpoint, connection) == {"Authorization": "Bearer token1"}
        assert token_for(endpoint, connection) == {"Authorization": "Bearer token1"}
        forget_token(endpoint)
        assert token_for(endpoint, connection) == {"Authorization": "Bearer token2"}
        forget_token(endpoint)
        for body in NO_TOKENS:
            receiver.decide = lambda number, arrival, body=body: Behaviour(body=body)
            with pytest.raises(BadToken):
                token_for(endpoint, connection)
        receiver.decide = lambda number, arrival: Behaviour(body=b'{"access_token": "last", "expires_in": null}')
        assert token_for(endpoint, connection) == {"Authorization": "Bearer last"}
    assert receiver.arrivals[0].headers["authorization"] == "Basic bWU6c2VjcmV0"
    assert receiver.arrivals[0].body == b"grant_type=client_credentials"
