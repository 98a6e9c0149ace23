"""Test designs in SendGrid's API: statuses, shapes, lists, errors, and their way into Single Sends."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from accounts.models import Account
from content.models import Design
from tests.api.conftest import ApiClient, NewClient
from tests.examples import further

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


def test_a_design_is_created_changed_and_deleted(client_of_alice: ApiClient) -> None:
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


SENDS = "/v3/marketing/singlesends"


def new_send(client: ApiClient, **config: Any) -> Any:
    answer = client.post(SENDS, {"name": "May", "email_config": config})
    assert answer.status_code == 201, answer.content
    return answer.json()


@further
def test_a_single_send_has_a_copy_of_its_design_with_inlined_css(client_of_alice: ApiClient) -> None:
    design = new_design(client_of_alice, subject="Hello", editor="design")
    send = new_send(client_of_alice, design_id=design["id"])
    config = send["email_config"]
    assert (config["design_id"], config["subject"], config["editor"]) == (design["id"], "Hello", "design")
    assert '<p style="margin: 0;">Hi {{first_name}}</p>' in config["html_content"]
    assert config["plain_content"] == "Hi {{first_name}}"
    assert client_of_alice.get(f"{PATH}/{design['id']}").json()["html_content"] == HTML

    # What happens to the design later does not matter.
    client_of_alice.patch(f"{PATH}/{design['id']}", {"subject": "Other"})
    client_of_alice.delete(f"{PATH}/{design['id']}")
    path = f"{SENDS}/{send['id']}"
    assert client_of_alice.get(path).json()["email_config"] == config
    assert client_of_alice.post(path).json()["email_config"] == config
    assert client_of_alice.patch(path, {"name": "June"}).json()["email_config"] == config
    changed = client_of_alice.patch(path, {"email_config": {"subject": "Mine"}}).json()["email_config"]
    assert (changed["design_id"], changed["html_content"]) == (None, config["html_content"])


def test_a_draft_can_get_a_design_and_lose_it(client_of_alice: ApiClient) -> None:
    design = new_design(client_of_alice, plain_content="own", generate_plain_content=False)
    path = f"{SENDS}/{new_send(client_of_alice, subject='Mine', html_content='<p>x</p>')['id']}"
    changed = client_of_alice.patch(path, {"email_config": {"design_id": design["id"]}}).json()["email_config"]
    assert (changed["design_id"], changed["subject"], changed["plain_content"]) == (design["id"], "", "own")
    changed = client_of_alice.patch(path, {"email_config": {"design_id": None}}).json()["email_config"]
    assert (changed["design_id"], changed["plain_content"]) == (None, "own")


@further
def test_designs_that_a_single_send_cannot_have_are_refused(
    client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("content.css.SECONDS", 0.5)
    design = new_design(client_of_alice)["id"]
    long = new_design(client_of_alice, subject="x" * 999, html_content="<p>x</p>")["id"]
    # Nested too deeply for the parser.
    deep = new_design(client_of_alice, html_content="<style>p { a: b }</style>" + "<div>" * 100_000)["id"]
    field = "email_config.design_id"
    cases: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
        (
            {"design_id": design, "subject": "x", "plain_content": "y"},
            [
                ("email_config.subject", "subject can't be given with design_id"),
                ("email_config.plain_content", "plain_content can't be given with design_id"),
            ],
        ),
        ({"design_id": str(uuid4())}, [(field, "design_id does not exist")]),
        ({"design_id": "x"}, [(field, "design_id must be a UUID")]),
        ({"design_id": long}, [(field, "the subject of the design is too long (maximum is 998 characters)")]),
        ({"design_id": deep}, [(field, "the CSS is malformed, too large or nested too deeply to be inlined")]),
    ]
    for config, problems in cases:
        assert errors_of(client_of_alice.post(SENDS, {"name": "May", "email_config": config})) == problems
