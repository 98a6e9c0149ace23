"""No input causes a 500, and a refused request stores nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batches.models import Batch, Parcel, Receipt
from mailer.models import Mail, Message
from tests.api.conftest import ApiClient
from tests.api.fuzzed_bodies import FUZZ, WHOLE_BODY, mutated_bodies, values
from tests.examples import few_rows_by_default


def rows() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Mail, Message, Parcel, Receipt))


def assert_is_fine(client: ApiClient, method: str, path: str, body: bytes) -> None:
    before = rows()
    answer = client.ask(method, path, body)
    assert answer.status_code < 500
    if answer.status_code >= 400:
        assert answer["Content-Type"] == "application/json"
        assert all("message" in error for error in json.loads(answer.content)["errors"])
        assert rows() == before


def test_the_complete_body_is_accepted_before_it_is_mutated(client_of_alice: ApiClient) -> None:
    assert client_of_alice.post("/v3/mail/send", WHOLE_BODY).status_code == 202


@FUZZ
@given(body=mutated_bodies())
def test_mutated_mail_is_sent_or_refused(body: dict[str, Any], client_of_alice: ApiClient) -> None:
    assert_is_fine(client_of_alice, "POST", "/v3/mail/send", json.dumps(body).encode())


CALLS = [
    ("POST", "/v3/mail/send"),
    ("POST", "/v3/mail/batch"),
    ("POST", "/v3/user/scheduled_sends"),
    ("PATCH", "/v3/user/scheduled_sends/x"),
    ("POST", "/v3/api_keys"),
    ("PUT", "/v3/api_keys/x"),
    ("PATCH", "/v3/api_keys/x"),
]


@FUZZ
@given(body=st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode()))
@pytest.mark.parametrize(("method", "path"), few_rows_by_default(CALLS, *CALLS[::3]))
def test_any_body_is_answered(method: str, path: str, body: bytes, client_of_alice: ApiClient) -> None:
    assert_is_fine(client_of_alice, method, path, body)


@FUZZ
@given(batch_id=values, status=values, name=values, scopes=values)
def test_any_values_of_the_small_bodies_are_answered(
    batch_id: Any, status: Any, name: Any, scopes: Any, client_of_alice: ApiClient
) -> None:
    stop = json.dumps({"batch_id": batch_id, "status": status}).encode()
    key = json.dumps({"name": name, "scopes": scopes}).encode()
    assert_is_fine(client_of_alice, "POST", "/v3/user/scheduled_sends", stop)
    assert_is_fine(client_of_alice, "POST", "/v3/api_keys", key)
    assert not Batch.objects.exists()
