"""A key that was looked up a moment ago is cached: this saves a query and has no visible effect."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from accounts import keys
from accounts.keys import create_key, replace_scopes, revoke_key
from accounts.models import Account
from batches.handles import create_batch
from batches.models import Batch, Parcel
from foundation.clock import database_now
from mailer.models import Mail
from tests.api.conftest import ApiClient, NewClient
from tests.api.sendgrid.bodies import mail_body

SEND = "/v3/mail/send"
BAD = mail_body(subject=None)
SANDBOXED = mail_body(mail_settings={"sandbox_mode": {"enable": True}})


@pytest.fixture
def warm(client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch) -> ApiClient:
    """Return a client that has sent a mail, with a key that stays in the cache for the whole test."""
    monkeypatch.setattr(keys, "RECALL_SECONDS", 60.0)
    assert client_of_alice.post(SEND, mail_body()).status_code == 202
    return client_of_alice


def fail(*_: object) -> Any:
    raise AssertionError("the key was asked for")


def message(answer: Any) -> str:
    text: str = answer.json()["errors"][0]["message"]
    return text


@pytest.mark.parametrize("people", [1, 3])
def test_a_key_that_was_found_is_not_read_again(warm: ApiClient, people: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "find_key", fail)
    body = mail_body(personalizations=[{"to": [{"email": f"to{n}@example.com"}]} for n in range(people)])
    assert warm.post(SEND, body).status_code == 202
    assert Mail.objects.count() == 2
    assert {mail.account for mail in Mail.objects.all()} == {warm.account}


def test_a_cached_key_is_forgotten_after_a_second(client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert keys.RECALL_SECONDS == 1
    keys.find_key(client_of_alice.key_text)
    at, key = keys._remembered[keys.digest(client_of_alice.key_text)]
    monkeypatch.setitem(keys._remembered, keys.digest(client_of_alice.key_text), (at - 1, key))
    assert keys.recall_key(client_of_alice.key_text) is None


@pytest.mark.parametrize("body", [mail_body(), BAD, SANDBOXED, b"no JSON", mail_body(batch_id="unknown")])
def test_a_revoked_key_is_refused_from_the_next_request_on(warm: ApiClient, body: Any) -> None:
    revoke_key(warm.account, warm.key.key_id)
    answer = warm.post(SEND, body)
    assert (answer.status_code, message(answer)) == (
        401,
        "The provided authorization grant is invalid, expired, or revoked",
    )
    assert Mail.objects.count() == 1


def test_a_key_that_has_lost_its_scope_sends_no_more(warm: ApiClient) -> None:
    replace_scopes(warm.account, warm.key.key_id, "reader", ["stats.read"])
    answer = warm.post(SEND, mail_body())
    assert (answer.status_code, message(answer)) == (401, "Authenticated user is not authorized to send mail")
    assert Mail.objects.count() == 1


def test_a_key_with_the_scope_by_name_sends(
    alice: Account, new_client: NewClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = new_client(alice, scopes=["mail.send"])
    assert client.post(SEND, mail_body()).status_code == 202
    monkeypatch.setattr(keys, "find_key", fail)
    assert client.post(SEND, mail_body()).status_code == 202


def test_another_key_is_not_taken_from_the_cache(warm: ApiClient, charlie: Account) -> None:
    _, text = create_key(charlie, "another's")
    assert keys.recall_key(text) is None
    assert keys.recall_key(f"{warm.key_text[:-1]}{'A' if warm.key_text[-1] != 'A' else 'B'}") is None


def test_an_invalid_mail_gets_the_usual_errors(warm: ApiClient, charlie: Account) -> None:
    others = create_batch(charlie)
    assert message(warm.post(SEND, BAD)).startswith("The subject is required")
    assert warm.post(SEND, b"no JSON").status_code == 400
    assert message(warm.post(SEND, mail_body(batch_id=others.public_id))) == "invalid batch id"
    assert warm.post(SEND, SANDBOXED).status_code == 200
    assert Mail.objects.count() == 1


def test_the_first_mail_without_a_batch_makes_the_hidden_one(
    client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "RECALL_SECONDS", 60.0)
    batch = create_batch(client_of_alice.account)
    assert client_of_alice.post(SEND, mail_body(batch_id=batch.public_id)).status_code == 202
    assert client_of_alice.post(SEND, mail_body()).status_code == 202
    assert Batch.objects.filter(is_default=True).count() == 1


@pytest.mark.parametrize("hours", [71, 73])
def test_its_now_is_the_databases(warm: ApiClient, hours: int) -> None:
    send_at = int((database_now() + dt.timedelta(hours=hours)).timestamp())
    assert warm.post(SEND, mail_body(send_at=send_at)).status_code == (202 if hours < 72 else 400)


def end_by_the_server() -> None:
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])
    other.close()


def close_here() -> None:
    connection.connection.close()


@pytest.mark.parametrize("end", [end_by_the_server, close_here])
def test_a_session_that_ended_since_the_last_request_is_noticed_before_anything_is_stored(
    warm: ApiClient, end: Callable[[], None]
) -> None:
    end()
    assert warm.post(SEND, mail_body()).status_code == 202
    assert Mail.objects.count() == Parcel.objects.count() == 2


def test_a_session_that_ends_in_the_statement_is_503_and_nothing_is_tried_twice(
    warm: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.sendgrid.mail.views.check_connection", end_by_the_server)
    assert warm.post(SEND, mail_body()).status_code == 503
    connection.close()
    assert Mail.objects.count() == 1
