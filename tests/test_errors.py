"""An error page is answered in the form of the API or page that was called."""

from __future__ import annotations

import pytest
from django.test import Client


@pytest.mark.parametrize("path", ["/v3", "/v3/", "/v3/nothing/here", "/v3/mail"])
def test_an_unknown_route_of_the_api_is_a_json_404(database: None, path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 404
    assert answer.json() == {"errors": [{"field": None, "message": "not found"}]}


@pytest.mark.parametrize("path", ["/sluice", "/sluice/", "/sluice/v1/nothing/here"])
def test_an_unknown_route_of_the_native_api_is_a_json_404_of_its_own(database: None, path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 404
    assert answer.json() == {"error": {"code": "RESOURCE_NOT_FOUND", "message": "There is nothing here."}}


def test_a_host_that_is_not_allowed_is_a_json_400_for_programs(database: None) -> None:
    for path in ("/v3/scopes", "/sluice/v1/account"):
        answer = Client(HTTP_HOST="elsewhere.example").get(path)
        assert answer.status_code == 400
        assert answer["Content-Type"] == "application/json"


def test_elsewhere_an_unknown_route_is_a_page(database: None) -> None:
    answer = Client().get("/nowhere")
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")


def test_the_web_reports_its_health(database: None) -> None:
    assert Client().get("/healthz").json() == {"status": "ok"}
