"""A documented path is never matched as another path with an id or an address in its place."""

from __future__ import annotations

from django.test import Client
from django.urls import resolve

from api.sendgrid import endpoint as views
from tests.api.conftest import ApiClient
from tests.api.sendgrid.official_routes import ROUTES
from tests.examples import for_each

VALUES = (["11", "12"], ["one", "two"], ["ann@example.com", "bob@example.com"], ["Spam Content", "a b"])
"""The kinds of values in a path: ids of both kinds, addresses and names."""


@for_each("values", VALUES, ids=str)
def test_no_documented_path_is_answered_by_another_one_s_view(values: list[str]) -> None:
    served = []
    for route in ROUTES:
        parameters = values[: route.count("{}")]
        match = resolve("/v3/" + route.format(*parameters))
        if match.func is not views.not_found:
            assert list(match.kwargs.values()) == parameters, route
            served.append(route)
    assert {"suppression/bounces", "suppression/bounces/{}", "marketing/contacts/count"} <= set(served)


def test_classifications_are_no_addresses(client_of_alice: ApiClient) -> None:
    for path, status in (("", 405), ("/", 405), ("/Content", 405), ("/a@example.com", 405), ("/Content/x", 404)):
        answer = client_of_alice.delete(f"/v3/suppression/bounces/classifications{path}")
        assert answer.status_code == status, path
    answer = Client().get("/v3/suppression/bounces/classifications/Content/x")
    assert answer.json() == {"errors": [{"field": None, "message": "not found"}]}


def test_an_address_may_begin_like_a_documented_path(client_of_alice: ApiClient) -> None:
    for address in ("classifications@example.com", "classifications2", "x/classifications@example.com"):
        assert client_of_alice.get(f"/v3/suppression/bounces/{address}").json() == []
