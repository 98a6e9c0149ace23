"""Designs in SendGrid's API: statuses, shapes, lists, errors, and their way into Single Sends."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from accounts.models import Account
from content.models import Design
from tests.api.conftest import ApiClient, NewClient

PATH = "/v3/designs"
HTML = "<style>p { margin: 0 }</style><p>Hi {{first_name}}</p>"
LINE = {"id", "name", "generate_plain_content", "thumbnail_url", "subject", "created_at", "updated_at", "editor"} | {
    "categories"
}
TEXTS = {"html_content", "plain_content"}


def new_design(client: ApiClient, **fields: Any) -> Any:
    answer = client.post(PATH, {"html_content": HTML, **fields})
    assert answer.status_code == 201, answer.content
    return answer.json()


def errors_of(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 400, answer.content
    return [(error["field"], error["message"]) for error in answer.json()["errors"]]


def test_design_from_its_creation_to_its_deletion(client_of_alice: ApiClient) -> None:
    design = new_design(client_of_alice, name="News", subject="Hello", categories=["a"], editor="design")
    assert set(design) == LINE | TEXTS
    assert (design["html_content"], design["plain_content"]) == (HTML, "Hi {{first_name}}")
    path = f"{PATH}/{design['id']}"
    assert client_of_alice.get(path).json() == design
    changed = client_of_alice.patch(path, {"plain_content": "own", "name": None})
    assert changed.status_code == 200
    assert (changed.json()["plain_content"], changed.json()["name"]) == ("own", "News")
    assert changed.json()["generate_plain_content"] is False
    copied = client_of_alice.post(path)
    assert (copied.status_code, copied.json()["name"], copied.json()["editor"]) == (201, "Duplicate: News", "design")
    assert copied.json()["id"] != design["id"]
    copied = client_of_alice.post(path, {"name": "Other", "editor": "code"}).json()
    assert (copied["name"], copied["editor"], copied["plain_content"]) == ("Other", "code", "own")
    deleted = client_of_alice.delete(path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert client_of_alice.get(path).status_code == 404
    assert new_design(client_of_alice)["name"] == "My Design"


def test_lists_are_short_unless_they_show_contents(client_of_alice: ApiClient, monkeypatch: Any) -> None:
    ids = [new_design(client_of_alice, name=f"News {n}")["id"] for n in range(3)][::-1]
    first = client_of_alice.get(f"{PATH}?page_size=2").json()
    second = client_of_alice.get(first["_metadata"]["next"]).json()
    assert [each["id"] for each in first["result"] + second["result"]] == ids
    assert {frozenset(each) for each in first["result"]} == {frozenset(LINE)}
    assert first["_metadata"]["count"] == 3
    monkeypatch.setattr("api.sendgrid.designs.inputs.WHOLE_PAGE", 1)
    whole = client_of_alice.get(f"{PATH}?summary=false").json()
    assert [set(each) for each in whole["result"]] == [LINE | TEXTS]
    assert "page_token" in whole["_metadata"]["next"]
    for query in ("page_size=0", "page_size=101", "page_token=x", "summary=x"):
        assert errors_of(client_of_alice.get(f"{PATH}?{query}"))[0][0] == query.partition("=")[0]


def test_there_are_no_pre_built_designs(client_of_alice: ApiClient) -> None:
    listed = client_of_alice.get(f"{PATH}/pre-builts").json()
    assert (listed["result"], listed["_metadata"]["count"]) == ([], 0)
    own = new_design(client_of_alice)["id"]
    for method in ("GET", "POST"):
        assert client_of_alice.ask(method, f"{PATH}/pre-builts/{own}").status_code == 404


def test_wrong_fields_are_refused_by_name(client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    cases: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
        ({}, [("html_content", "html_content is required")]),
        ({"html_content": "é" * 2**20}, [("html_content", "html_content exceeds the 1MB limit")]),
        ({"html_content": "", "name": "x" * 101}, [("name", "name is too long (maximum is 100 characters)")]),
        (
            {"html_content": "", "subject": "a\nb", "categories": ["a", "a"]},
            [
                ("subject", "subject can't contain line breaks or control characters"),
                ("categories", "categories must be unique"),
            ],
        ),
    ]
    for body, problems in cases:
        assert errors_of(client_of_alice.post(PATH, body)) == problems, body
    assert not Design.objects.exists()
    monkeypatch.setattr("content.designs.DESIGNS", 1)
    own = new_design(client_of_alice)["id"]
    for path in (PATH, f"{PATH}/{own}"):
        answer = client_of_alice.post(path, {"html_content": "x"})
        assert errors_of(answer) == [(None, "An account may have at most 1000 designs.")]
    for design in ("x", str(uuid4())):
        assert client_of_alice.get(f"{PATH}/{design}").status_code == 404


def test_each_call_needs_a_scope_of_designs_or_campaigns(
    alice: Account, client_of_alice: ApiClient, new_client: NewClient
) -> None:
    own = f"{PATH}/{new_design(client_of_alice)['id']}"
    calls = [("POST", PATH, "create"), ("GET", PATH, "read"), ("GET", f"{PATH}/pre-builts", "read")]
    calls += [("GET", own, "read"), ("POST", own, "create"), ("PATCH", own, "update"), ("DELETE", own, "delete")]
    every = {f"design_library.{verb}" for verb in ("create", "read", "update", "delete")}
    for method, path, verb in calls:
        body = {"html_content": "x"} if method in {"POST", "PATCH"} else None
        assert new_client(alice, sorted(every - {f"design_library.{verb}"})).ask(method, path, body).status_code == 403
        assert new_client(alice, [f"design_library.{verb}"]).ask(method, path, body).status_code < 300
    assert new_client(alice, ["marketing.read"]).get(PATH).status_code == 200
