"""Every path below /v3 answers in JSON, with or without a trailing slash, and nothing redirects."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.urls import include, path

from api.sendgrid import endpoint as views
from tests.api.conftest import ApiClient
from tests.api.sendgrid.bodies import mail_body

NOT_FOUND = b'{"errors":[{"field":null,"message":"not found"}]}'


UNKNOWN_ROUTES = [
    *("/v3/", "/v3/nothing", "/v3/mail", "/v3/MAIL/SEND", "/v3/mail/send/x", "/v3/mail/send//", "/v3/../admin"),
    *("/v3/user/scheduled_sends/a/b", "/v3/a\nb", "/v3/%00", "/v3/api_keys/%00", "/v3/%ff"),
]


def test_unknown_route_is_a_json_404_for_everyone(database: None, subtests: pytest.Subtests) -> None:
    for route in UNKNOWN_ROUTES:
        for method in ["GET", "POST", "DELETE"]:
            with subtests.test(route=route, method=method):
                answer = Client().generic(method, route)
                assert (answer.status_code, answer.content) == (404, NOT_FOUND)
                assert answer["Content-Type"] == "application/json"


def test_trailing_slash_is_taken_everywhere(client_of_alice: ApiClient) -> None:
    ask = client_of_alice.ask
    assert ask("POST", "/v3/mail/send/", mail_body()).status_code == 202
    batch_id = ask("POST", "/v3/mail/batch/").json()["batch_id"]
    assert ask("GET", f"/v3/mail/batch/{batch_id}/").status_code == 200
    body = {"batch_id": batch_id, "status": "pause"}
    assert ask("POST", "/v3/user/scheduled_sends/", body).status_code == 201
    assert ask("GET", "/v3/user/scheduled_sends/").json() == [body]
    assert ask("GET", f"/v3/user/scheduled_sends/{batch_id}/").json() == [body]
    assert ask("PATCH", f"/v3/user/scheduled_sends/{batch_id}/", {"status": "cancel"}).status_code == 204
    assert ask("DELETE", f"/v3/user/scheduled_sends/{batch_id}/").status_code == 204
    assert ask("GET", "/v3/api_keys/").status_code == 200
    assert ask("GET", f"/v3/api_keys/{client_of_alice.key.key_id}/").status_code == 200
    assert ask("GET", "/v3/scopes/").status_code == 200


def test_other_methods_are_405(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for method, route in [
        ("GET", "/v3/mail/batch"),
        ("TRACE", "/v3/mail/batch"),
        ("POST", "/v3/mail/batch/x"),
        ("PUT", "/v3/user/scheduled_sends"),
        ("POST", "/v3/user/scheduled_sends/x"),
        ("DELETE", "/v3/api_keys"),
        ("POST", "/v3/scopes"),
        ("BREW", "/v3/scopes"),
    ]:
        with subtests.test(method=method, route=route):
            answer = client_of_alice.ask(method, route)
            assert answer.status_code == 405
            assert answer.content == b'{"errors":[{"field":null,"message":"method not allowed"}]}'


def test_without_a_key_every_call_but_mail_send_answers_authorization_required(
    database: None, subtests: pytest.Subtests
) -> None:
    for route in ["mail/batch", "user/scheduled_sends", "api_keys", "scopes", "api_keys/x"]:
        with subtests.test(route=route):
            for headers in ({}, {"Authorization": "Bearer SG.unknown"}, {"Authorization": "Basic YTpi"}):
                answer = Client().get(f"/v3/{route}", headers=headers)
                assert answer.status_code == 401
                assert answer.content == b'{"errors":[{"field":null,"message":"authorization required"}]}'


def test_accept_header_changes_nothing(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for accept in ["text/html", "application/xml", "nonsense", "*/*;q=0"]:
        with subtests.test(accept=accept):
            answer = client_of_alice.get("/v3/scopes?format=html", headers={"Accept": accept})
            assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")


def test_sticky_content_type_of_a_get_without_a_body_does_no_harm(client_of_alice: ApiClient) -> None:
    assert client_of_alice.get("/v3/api_keys", content_type="application/json").status_code == 200


def test_head_is_a_get_without_its_body(client_of_alice: ApiClient) -> None:
    answer = client_of_alice.ask("HEAD", "/v3/scopes")
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_fault_of_ours_is_a_json_500(
    client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.ROOT_URLCONF = __name__
    for name in ("mail.views.accept_mail", "batches.views.create_batch"):
        monkeypatch.setattr(f"api.sendgrid.{name}", raise_zero_division)
    client_of_alice.http.raise_request_exception = False
    for route, body in (("/v3/mail/send", mail_body()), ("/v3/mail/batch", None)):
        answer = client_of_alice.post(route, body)
        assert (answer.status_code, answer["Content-Type"]) == (500, "application/json")
        assert answer.content == b'{"errors":[{"field":null,"message":"internal server error"}]}'


def test_site_level_refusals_are_json() -> None:
    request = RequestFactory().get("/v3/x")
    answers = [handler(request, ValueError()) for handler in (views.bad_request, views.not_found)]
    assert [answer.status_code for answer in answers] == [400, 404]
    assert all(answer["Content-Type"] == "application/json" for answer in answers)


def raise_zero_division(*args: object) -> None:
    raise ZeroDivisionError


# A site that has the dialect's handlers, for the tests above.
handler500 = views.server_error
urlpatterns = [path("v3/", include("api.sendgrid.urls"))]
