"""Every path below /sluice answers in JSON, with or without a trailing slash, and nothing redirects."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.urls import include, path

from api.native import views
from batches.models import Batch
from foundation.clock import database_now
from mailer.models import Message
from tests.api.conftest import ApiClient
from tests.api.native.bodies import NO_ROUTE, written_time
from tests.examples import further

V1 = "/sluice/v1"
NOT_ALLOWED = {"error": {"code": "METHOD_NOT_ALLOWED", "message": "This path does not allow the method."}}


def test_unknown_route_is_a_json_404_for_everyone(database: None) -> None:
    routes = [
        *("/sluice", "/sluice/", "/sluice/v1", "/sluice/v2/batches", f"{V1}/BATCHES", f"{V1}/batches//"),
        *(f"{V1}/batches/%00", f"{V1}/batches/%ff", f"{V1}/batches/{'x' * 65}", f"{V1}/batches/a%0A/pause"),
        *(f"{V1}/messages/x", f"{V1}/messages/{'9' * 19}", f"{V1}/messages/%D9%A1", f"{V1}/account/purge/x"),
    ]
    for route in routes:
        answer = Client().generic("POST", route)
        assert (answer.status_code, answer.json()) == (404, NO_ROUTE), route
        assert answer["Content-Type"] == "application/json"


def test_other_methods_are_405(client_of_alice: ApiClient) -> None:
    for method, route in [
        *(("DELETE", "batches"), ("TRACE", "batches"), ("PATCH", "batches/x"), ("POST", "batches/x/messages")),
        *(
            ("GET", "batches/x/pause"),
            ("POST", "messages/1"),
            ("GET", "messages/drop"),
            ("POST", "receipts"),
            ("DELETE", "receipts/x"),
        ),
        *(("PUT", "account"), ("GET", "account/freeze"), ("BREW", "account/thaw"), ("GET", "account/purge")),
        *(("POST", "messages"), ("GET", "messages/1/cancel"), ("GET", "batches/x/reschedule")),
    ]:
        answer = client_of_alice.ask(method, f"{V1}/{route}")
        assert (answer.status_code, answer.json()) == (405, NOT_ALLOWED), route


def test_without_a_key_nothing_is_shown(database: None) -> None:
    lists = ("batches", "batches/x/messages", "messages", "receipts")
    for route in (*lists, "batches/x", "messages/1", "receipts/x", "account"):
        for headers in ({}, {"Authorization": "Bearer SG.unknown"}):
            answer = Client().get(f"{V1}/{route}", headers=headers)
            assert answer.status_code == 401
            assert answer["WWW-Authenticate"] == "Bearer"
            assert answer.json() == {"error": {"code": "UNAUTHORIZED", "message": "A valid API key is required."}}


@further
def test_trailing_slash_is_taken_everywhere(client_of_alice: ApiClient, open_batch: Batch) -> None:
    batch = f"batches/{open_batch.public_id}"
    message = f"messages/{Message.objects.order_by('pk')[0].pk}"
    reschedule, every = {"send_at": written_time(database_now())}, {"state": "held", "all": True}
    bodies = {f"{batch}/reschedule/": reschedule, f"{message}/reschedule/": reschedule} | dict.fromkeys(
        ("messages/replay/", "messages/drop/"), every
    )
    stops = (f"{batch}/pause/", f"{batch}/cancel/", f"{batch}/resume/", f"{message}/cancel/")
    for route in (*bodies, *stops, "account/freeze/", "account/purge/", "account/thaw/"):
        answer = client_of_alice.post(f"{V1}/{route}", bodies.get(route))
        assert answer.status_code == 200, route
    receipt = answer["X-Sluice-Receipt"]
    for route in (
        "batches/",
        f"{batch}/",
        f"{batch}/messages/",
        "receipts/",
        f"receipts/{receipt}/",
        "account/",
        f"{message}/",
    ):
        assert client_of_alice.get(f"{V1}/{route}").status_code == 200, route


def test_a_fault_of_ours_is_a_json_500(
    client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    def fail(*args: object) -> None:
        raise ZeroDivisionError

    settings.ROOT_URLCONF = __name__
    monkeypatch.setattr("api.native.views.batches.create_batch", fail)
    client_of_alice.http.raise_request_exception = False
    answer = client_of_alice.post(f"{V1}/batches")
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/json")
    assert answer.json() == {
        "error": {
            "code": "INTERNAL_ERROR",
            "message": "An internal error occurred. The log of the server has the details.",
        }
    }


def test_site_level_refusals_are_json() -> None:
    request = RequestFactory().get("/sluice/x")
    answers = [handler(request, ValueError()) for handler in (views.bad_request, views.not_found)]
    assert [answer.status_code for answer in answers] == [400, 404]
    assert all(answer["Content-Type"] == "application/json" for answer in answers)


# A site that has the dialect's handlers, for the tests above.
handler500 = views.server_error
urlpatterns = [path("sluice/", include("api.native.urls"))]
