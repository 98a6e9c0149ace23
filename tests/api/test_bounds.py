"""Requests have bounds, and an error names the one that was exceeded."""

from __future__ import annotations

from typing import Any

import pytest

from api.caller import MAX_QUERY_BYTES
from api.http import MAX_DEPTH
from api.sendgrid.keys import inputs
from api.sendgrid.mail import headers, types
from api.sendgrid.values import MAX_LINE_LENGTH
from mailer import checking
from mailer.checking import _Counts
from mailer.models import Mail
from tests.api.conftest import ApiClient
from tests.api.sendgrid.bodies import mail_body, personalized

SEND = "/v3/mail/send"
P = "personalizations.0"


def numbered(names: int, *, value: str = "1") -> dict[str, str]:
    return {f"X-{n}": value for n in range(names)}


def in_headers_of(size: int) -> dict[str, str]:
    """Return a header of this size in bytes."""
    return {"X-A": "x" * (size - 3)}


def files(count: int) -> list[dict[str, str]]:
    return [{"content": "aGk=", "filename": "a.txt"}] * count


def contents(count: int) -> list[dict[str, str]]:
    return [{"type": "text/x", "value": "x"}] * count


LINE = "x" * MAX_LINE_LENGTH
ALLOWED = {
    "headers": mail_body(headers=numbered(headers.MAX_HEADERS)),
    "a personalization's headers": personalized(headers=numbered(headers.MAX_HEADERS)),
    "a header's name": mail_body(headers={"x" * headers.MAX_NAME_LENGTH: "1"}),
    "headers' size": mail_body(headers=in_headers_of(headers.MAX_SIZE)),
    "subject": mail_body(subject=LINE),
    "name": personalized(to=[{"email": "a@b.c", "name": LINE}]),
    "attachments": mail_body(attachments=files(types.MAX_ATTACHMENTS)),
    "content": mail_body(content=contents(types.MAX_CONTENTS)),
}
REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "headers": (
        mail_body(headers=numbered(101)),
        "headers",
        "There is a limit of 100 headers. You provided 101 headers.",
    ),
    "a personalization's headers": (
        personalized(headers=numbered(101)),
        f"{P}.headers",
        "There is a limit of 100 headers. You provided 101 headers.",
    ),
    "a header's name": (
        mail_body(headers={"x" * 201: "1"}),
        "headers",
        "Each header key must not be longer than 200 characters.",
    ),
    "headers' size": (
        personalized(headers=in_headers_of(20_001)),
        f"{P}.headers",
        "The combined size of the headers may not exceed 20,000 bytes.",
    ),
    "headers' size in UTF-8": (
        mail_body(headers={"X-A": "é" * 10_000}),
        "headers",
        "The combined size of the headers may not exceed 20,000 bytes.",
    ),
    "subject": (
        mail_body(subject=LINE + "x"),
        "subject",
        "The subject exceeds the maximum total length of 998 characters",
    ),
    "name": (
        personalized(to=[{"email": "a@b.c", "name": LINE + "x"}]),
        f"{P}.to.0.name",
        "The name exceeds the maximum total length of 998 characters",
    ),
    "filename": (
        mail_body(attachments=[{"content": "aGk=", "filename": LINE + "x"}]),
        "attachments.0.filename",
        "The filename exceeds the maximum total length of 998 characters",
    ),
    "attachments": (
        mail_body(attachments=files(1001)),
        "attachments",
        "There is a limit of 1000 attachments for each email that is sent.",
    ),
    "content": (
        mail_body(content=contents(101)),
        "content",
        "There is a limit of 100 content blocks for each email that is sent.",
    ),
    "batch_id": (mail_body(batch_id="x" * 201), "batch_id", "invalid batch id"),
    "an echo": (
        mail_body(template_id="x" * 10_000),
        "template_id",
        f"The template_id must be a valid GUID, you provided '{'x' * 300}…'.",
    ),
}


def test_as_much_as_is_allowed_is_accepted(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for name in ALLOWED:
        with subtests.test(name=name):
            answer = client_of_alice.post(SEND, ALLOWED[name])
            assert answer.status_code == 202, answer.content


def test_more_is_refused_with_the_bound(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for name in REFUSED:
        with subtests.test(name=name):
            body, field, text = REFUSED[name]
            answer = client_of_alice.post(SEND, body)
            assert answer.status_code == 400
            assert [(each["field"], each["message"]) for each in answer.json()["errors"]] == [(field, text)]
            assert not Mail.objects.exists()


def test_deep_json_is_called_deep_in_every_dialect(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for body in [b'{"a":' * (MAX_DEPTH + 1), b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"]:
        with subtests.test(body=body):
            message = "The request body is nested more than 201 levels deep."
            answer = client_of_alice.post(SEND, body)
            assert (answer.status_code, answer.json()["errors"][0]["message"]) == (400, message)
            answer = client_of_alice.post("/v3/user/scheduled_sends", body)
            assert (answer.status_code, answer.json()["errors"][0]["message"]) == (400, message)
            answer = client_of_alice.post("/sluice/v1/batches", body)
            assert (answer.status_code, answer.json()["error"]) == (400, {"code": "BAD_REQUEST", "message": message})


def test_a_query_has_a_bound(client_of_alice: ApiClient) -> None:
    query = "x" * (MAX_QUERY_BYTES + 1)
    answer = client_of_alice.get(f"/v3/scopes?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (414, "query string too long")
    answer = client_of_alice.get(f"/sluice/v1/batches?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (414, "URI_TOO_LONG")
    assert client_of_alice.get(f"/v3/scopes?{query[1:]}").status_code == 200


def test_a_long_path_is_unknown(client_of_alice: ApiClient) -> None:
    assert client_of_alice.get(f"/v3/mail/batch/{'x' * 201}").status_code == 404
    assert client_of_alice.get(f"/sluice/v1/batches/{'x' * 65}").status_code == 404


def test_small_requests_have_bounds_too(client_of_alice: ApiClient) -> None:
    answer = client_of_alice.post("/v3/user/scheduled_sends", {"batch_id": "x" * 201, "status": "pause"})
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (400, "invalid batch id")
    for scopes in (["mail.send"] * (inputs.MAX_SCOPES + 1), ["x" * (inputs.SCOPE_LENGTH + 1)]):
        answer = client_of_alice.post("/v3/api_keys", {"name": "x", "scopes": scopes})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "scopes")
        assert "limit of 500 scopes" in answer.json()["errors"][0]["message"]


def test_a_full_queue_is_too_many_requests(
    settings: Any, client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAX_PENDING_MESSAGES = 1
    monkeypatch.setattr(checking, "_counts", _Counts({client_of_alice.account.pk: 1}, until=float("inf")))
    answer = client_of_alice.post(SEND, mail_body())
    assert answer.status_code == 429
    message = "too many requests: 1 messages of the account are waiting already"
    assert answer.json() == {"errors": [{"message": message, "field": None, "help": None}]}
    assert not Mail.objects.exists()
