"""Test the conventions of all calls: authentication, envelopes, rates, and answers to unknown paths."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from accounts import rates
from accounts.models import Account
from api.easymail.views import campaigns
from tests.api.conftest import ApiClient, NewClient
from tests.api.easymail.calls import CAMPAIGNS, NOBODY, ROOT, data, made, path_of, refused

LIMIT, REMAINING = "X-RateLimit-Limit", "X-RateLimit-Remaining"
MINUTE = 1_800_000_000 // 60 * 60


@pytest.fixture
def frozen_minute(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Use a new Redis client, and keep the minute from ending during the test."""
    monkeypatch.setattr(rates, "_away_until", 0.0)
    monkeypatch.setattr(rates.time, "time", lambda: MINUTE + 20.0)
    rates._client.cache_clear()
    yield
    rates._client().close()
    rates._client.cache_clear()


def test_a_caller_without_a_valid_key_is_refused(database: None, subtests: pytest.Subtests) -> None:
    for headers in [{}, {"Authorization": "Bearer SG.x.y"}, {"Authorization": "Basic x"}]:
        with subtests.test(headers=headers):
            for path in (CAMPAIGNS, f"{ROOT}/contacts"):
                answer = Client().get(path, headers=headers)
                refused(answer, 401, "UNAUTHORIZED")
                assert answer[LIMIT] == "6000"


def test_a_key_without_the_scope_is_refused(alice: Account, new_client: NewClient) -> None:
    reader = new_client(alice, ["marketing.read"])
    assert data(reader.get(CAMPAIGNS)) == []
    refused(reader.post(CAMPAIGNS, {"name": "x"}), 403, "FORBIDDEN")
    refused(new_client(alice, ["mail.send"]).get(CAMPAIGNS), 403, "FORBIDDEN")


def test_an_unknown_path_is_reported(client_of_alice: ApiClient) -> None:
    for path in (ROOT, f"{ROOT}/", f"{ROOT}/nothing", f"{CAMPAIGNS}/x/y", f"{CAMPAIGNS}/{NOBODY}/pause"):
        answer = client_of_alice.get(path)
        refused(answer, 404, "RESOURCE_NOT_FOUND")
        assert answer[LIMIT] == "6000"
    for method, path in (("PUT", CAMPAIGNS), ("DELETE", CAMPAIGNS), ("GET", path_of(NOBODY, "/send"))):
        answer = client_of_alice.ask(method, path)
        refused(answer, 405, "METHOD_NOT_ALLOWED")
        assert answer[LIMIT] == "6000"


def test_a_host_that_is_not_allowed_is_a_400_of_this_api(database: None) -> None:
    refused(Client(HTTP_HOST="elsewhere.example").get(CAMPAIGNS), 400, "BAD_REQUEST")


def test_an_internal_error_is_a_500_of_this_api(client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(campaigns, "list_campaigns", fail)
    client_of_alice.http.raise_request_exception = False
    answer = client_of_alice.get(CAMPAIGNS)
    refused(answer, 500, "INTERNAL_ERROR")
    assert answer[LIMIT] == "6000"


@pytest.mark.usefixtures("frozen_minute")
def test_all_rate_headers_are_sent_only_when_the_rate_is_exceeded(settings: Any, client_of_alice: ApiClient) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 2
    for answer in (client_of_alice.get(CAMPAIGNS), client_of_alice.get(path_of(NOBODY))):
        assert answer[LIMIT] == "2"
        assert not {REMAINING, "Retry-After", "X-RateLimit-Reset"} & set(answer.headers)
    answer = client_of_alice.get(CAMPAIGNS)
    assert (answer[LIMIT], answer[REMAINING], answer["Retry-After"]) == ("2", "0", "40")
    error = refused(answer, 429, "RATE_LIMITED")
    assert error["message"] == "Too many requests. Please retry after 40 seconds."


def test_a_trailing_slash_changes_nothing(client_of_alice: ApiClient) -> None:
    campaign = made(client_of_alice)
    assert data(client_of_alice.get(f"{path_of(campaign['uuid'])}/")) == campaign
    assert client_of_alice.post(f"{CAMPAIGNS}/", {"name": "x"}).status_code == 201


def test_a_body_that_is_no_json_object_is_refused(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for body in [b"{", b"[]", b'"x"', b"\xff", b'{"name": "a\\u0000"}', b"[" * 500]:
        with subtests.test(body=body):
            refused(client_of_alice.post(CAMPAIGNS, body), 400, "BAD_REQUEST")


def test_a_body_is_json_whatever_its_content_type(client_of_alice: ApiClient) -> None:
    body = json.dumps({"name": "x"}).encode()
    assert client_of_alice.post(CAMPAIGNS, body, content_type="text/plain").status_code == 201


def test_a_key_acts_for_its_subusers(subuser: Account, client_of_alice: ApiClient) -> None:
    headers = {"On-Behalf-Of": subuser.username}
    client_of_alice.post(CAMPAIGNS, {"name": "theirs"}, headers=headers)
    assert [row["name"] for row in data(client_of_alice.get(CAMPAIGNS, headers=headers))] == ["theirs"]
    assert data(client_of_alice.get(CAMPAIGNS)) == []
    refused(client_of_alice.get(CAMPAIGNS, headers={"On-Behalf-Of": "charlie"}), 403, "FORBIDDEN")
