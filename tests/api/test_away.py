"""While the database is away, every call of every API answers 503 with the advice to retry."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from batches.models import Batch
from mailer.models import Mail
from tests.api.conftest import ApiClient
from tests.api.sendgrid.bodies import mail_body

UNAVAILABLE = {"errors": [{"field": None, "message": "service unavailable"}]}


CALLS = [
    ("POST", "/v3/mail/batch", None),
    ("GET", "/v3/mail/batch/x", None),
    ("GET", "/v3/user/scheduled_sends", None),
    ("POST", "/v3/user/scheduled_sends", {"batch_id": "x", "status": "pause"}),
    ("PATCH", "/v3/user/scheduled_sends/x", {"status": "cancel"}),
    ("DELETE", "/v3/user/scheduled_sends/x", None),
    ("GET", "/v3/api_keys", None),
    ("POST", "/v3/api_keys", {"name": "x"}),
    ("GET", "/v3/scopes", None),
    ("POST", "/v3/campaigns/1/schedules/now", None),
    ("DELETE", "/v3/campaigns/1", None),
]


def test_sendgrids_endpoints_answer_503(
    client_of_alice: ApiClient, database_away: None, subtests: pytest.Subtests
) -> None:
    for method, path, body in CALLS:
        with subtests.test(method=method, path=path, body=body):
            answer = client_of_alice.ask(method, path, body)
            assert (answer.status_code, answer.json()) == (503, UNAVAILABLE)


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "key-1"}])
def test_mail_send_answers_503(headers: dict[str, str], client_of_alice: ApiClient, database_away: None) -> None:
    answer = client_of_alice.post("/v3/mail/send", mail_body(), headers=headers)
    assert answer.status_code == 503
    assert answer.json() == {"errors": [{"message": "service unavailable", "field": None, "help": None}]}


def test_the_native_api_answers_503(client_of_alice: ApiClient, database_away: None) -> None:
    for method, path in (("GET", "/sluice/v1/account"), ("POST", "/sluice/v1/batches")):
        answer = client_of_alice.ask(method, path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "UNAVAILABLE")


@pytest.mark.parametrize("path", ["/v3/mail/send", "/v3/mail/batch", "/sluice/v1/batches"])
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "key-1"}])
def test_a_database_that_fails_during_a_request_causes_a_503(
    path: str, headers: dict[str, str], client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session ends after the key was looked up."""

    def end_session(*args: Any, **options: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("select pg_terminate_backend(pg_backend_pid())")

    for view in ("api.sendgrid.batches.views", "api.native.views.batches"):
        monkeypatch.setattr(f"{view}.create_batch", end_session)
    monkeypatch.setattr("api.sendgrid.mail.views.accept_mail", end_session)
    answer = client_of_alice.post(path, mail_body() if "send" in path else None, headers=headers)
    connection.close()
    assert answer.status_code == 503
    assert answer["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", ["/v3/mail/send", "/v3/mail/batch", "/sluice/v1/batches"])
def test_a_session_that_ended_between_requests_causes_no_error(path: str, client_of_alice: ApiClient) -> None:
    """This happens after a restart of PostgreSQL: the first statement fails and is executed again."""
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])
    other.close()
    answer = client_of_alice.post(path, mail_body() if "send" in path else None)
    assert answer.status_code == (202 if path == "/v3/mail/send" else 201)
    assert Mail.objects.count() + Batch.objects.filter(is_default=False).count() == 1
