"""An error page is answered in the form of the API or page that was called."""

from __future__ import annotations

import datetime as dt
from unittest.mock import Mock

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpResponse
from django.test import Client, RequestFactory

from batches.admin.batches import BatchAdmin
from config import errors
from tests.operators import logged_in


@pytest.mark.parametrize("path", ["/v3", "/v3/", "/v3/nothing/here", "/v3/mail"])
def test_an_unknown_route_of_the_api_is_a_json_404(database: None, path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 404
    assert answer.json() == {"errors": [{"field": None, "message": "not found"}]}


@pytest.mark.parametrize("path", ["/sluice", "/sluice/", "/sluice/v1/nothing/here"])
def test_an_unknown_route_of_the_native_api_is_a_json_404_in_its_form(database: None, path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 404
    assert answer.json() == {"error": {"code": "RESOURCE_NOT_FOUND", "message": "This path does not exist."}}


def test_a_host_that_is_not_allowed_is_a_json_400_for_programs(database: None) -> None:
    for path in ("/v3/scopes", "/sluice/v1/account"):
        answer = Client(HTTP_HOST="elsewhere.example").get(path)
        assert answer.status_code == 400
        assert answer["Content-Type"] == "application/json"


def test_elsewhere_errors_are_pages_with_a_way_back_that_need_no_database() -> None:
    # Without the fixture `database`, a query would fail.
    request = RequestFactory().get("/nowhere")
    pages = {
        400: errors.bad_request(request, SuspiciousOperation()),
        403: errors.forbidden(request, PermissionDenied()),
        404: Client().get("/nowhere"),
        500: errors.server_error(request),
    }
    for status, page in pages.items():
        assert isinstance(page, HttpResponse)
        assert page.status_code == status
        assert page["Content-Type"].startswith("text/html")
        assert 'href="/admin/"' in page.text, status
        assert "style-src" in page["Content-Security-Policy"], status


def test_a_view_that_fails_or_refuses_is_answered_by_these_pages(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator.raise_request_exception = False
    monkeypatch.setattr(BatchAdmin, "get_queryset", Mock(side_effect=RuntimeError("a secret of the program")))
    page = operator.get("/admin/batches/batch/")
    assert (page.status_code, "Something went wrong" in page.text) == (500, True)
    assert "secret" not in page.text
    assert f"Time of the error: {dt.datetime.now(dt.UTC):%Y-%m-%d}" in page.text
    with logged_in("nora", may=()) as stranger:
        page = stranger.get("/admin/batches/batch/")
    assert (page.status_code, "You do not have the permission" in page.text) == (403, True)


def test_a_form_without_its_token_changes_nothing_and_says_what_to_do(database: None) -> None:
    client = Client(enforce_csrf_checks=True)
    page = client.post("/admin/login/", {"username": "olga", "password": "secret"})
    assert (page.status_code, "reload the page" in page.text) == (403, True)


def test_the_web_reports_its_health(database: None) -> None:
    assert Client().get("/healthz").json() == {"status": "ok"}
