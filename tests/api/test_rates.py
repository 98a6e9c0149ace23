"""Rates by key: every answer has them, a refusal has the API's form, and no request is refused without Redis."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from accounts import rates
from accounts.keys import create_key
from accounts.models import Account
from foundation.redis_client import client_for
from mailer.models import Mail
from tests.api.conftest import ApiClient, NewClient
from tests.api.sendgrid.bodies import mail_body

SEND, SCOPES, ACCOUNT = "/v3/mail/send", "/v3/scopes", "/sluice/v1/account"
LIMIT, REMAINING, RESET = "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"
MINUTE = 1_800_000_000 // 60 * 60


@pytest.fixture(autouse=True)
def fresh_client(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Use a new Redis client, and keep the minute from ending during the test."""
    monkeypatch.setattr(rates, "_away_until", 0.0)
    monkeypatch.setattr(rates.time, "time", lambda: MINUTE + 20.0)
    rates._client.cache_clear()
    yield
    rates._client().close()
    rates._client.cache_clear()


def test_the_rest_of_the_rate_is_returned_and_requests_beyond_it_are_refused(
    settings: Any, alice: Account, client_of_alice: ApiClient, new_client: NewClient
) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 2
    answers = [client_of_alice.get(path) for path in (SCOPES, ACCOUNT)]
    assert [(each.status_code, each[LIMIT], each[REMAINING]) for each in answers] == [(200, "2", "1"), (200, "2", "0")]
    assert {each[RESET] for each in answers} == {str(MINUTE + 60)}
    refused = client_of_alice.get(SCOPES)
    assert (refused.status_code, refused[REMAINING], refused["Retry-After"]) == (429, "0", "40")
    assert refused.json() == {"errors": [{"field": None, "message": "too many requests"}]}
    refused = client_of_alice.post("/sluice/v1/account/freeze")
    assert (refused.status_code, refused[LIMIT], refused["Retry-After"]) == (429, "2", "40")
    assert refused.json() == {"error": {"code": "RATE_LIMITED", "message": "Too many requests."}}
    alice.refresh_from_db()
    assert alice.frozen_at is None
    assert new_client(alice).get(SCOPES).status_code == 200


def test_a_new_minute_starts_a_new_count(
    settings: Any, client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 1
    assert [client_of_alice.get(SCOPES).status_code for _ in range(2)] == [200, 429]
    monkeypatch.setattr(rates.time, "time", lambda: MINUTE + 60.0)
    assert client_of_alice.get(SCOPES).status_code == 200


def test_refusals_have_rate_headers_and_count(settings: Any, alice: Account, new_client: NewClient) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 2
    client = new_client(alice, ["mail.send"])
    answer = client.get("/v3/api_keys")
    assert (answer.status_code, answer[REMAINING]) == (403, "1")
    answer = client.get(SCOPES)
    assert (answer.status_code, answer[REMAINING]) == (200, "0")


def test_mail_send_has_a_separate_rate_and_no_headers(settings: Any, client_of_alice: ApiClient) -> None:
    settings.RATE_LIMIT_PER_MINUTE, settings.MAIL_SEND_RATE_LIMIT_PER_MINUTE = 1, 2
    answers = [client_of_alice.post(SEND, mail_body()) for _ in range(3)]
    assert [each.status_code for each in answers] == [202, 202, 429]
    assert answers[2].json() == {"errors": [{"message": "too many requests", "field": None, "help": None}]}
    assert not any(LIMIT in each for each in answers)
    assert Mail.objects.count() == 2
    assert client_of_alice.get(SCOPES).status_code == 200


def test_without_a_limit_redis_is_not_used(
    settings: Any, client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RATE_LIMIT_PER_MINUTE = settings.MAIL_SEND_RATE_LIMIT_PER_MINUTE = 0
    with monkeypatch.context() as patch:
        patch.setattr(rates, "_client", lambda: pytest.fail("asked"))
        assert LIMIT not in client_of_alice.get(SCOPES)
        assert client_of_alice.post(SEND, mail_body()).status_code == 202


def test_a_redis_that_never_replies_is_tried_only_now_and_then(
    settings: Any, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "client_for", client_for)
    key, _ = create_key(alice, "a test's key")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(0)
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        started = time.monotonic()
        assert rates.count_request(key, kind="api", limit=1) is None
        assert time.monotonic() - started < 10 * rates.TIMEOUT_SECONDS
        silent.accept()[0].close()
        for _ in range(3):
            assert rates.count_request(key, kind="api", limit=1) is None
        with pytest.raises(BlockingIOError):
            silent.accept()
        monkeypatch.setattr(rates, "_away_until", 0.0)
        rates.count_request(key, kind="api", limit=1)
        silent.accept()[0].close()
