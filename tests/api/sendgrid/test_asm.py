"""Test unsubscribe groups, group suppressions and global unsubscribes."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from mailer.models import Suppression, SuppressionKind, UnsubscribeGroup
from tests.api.conftest import ApiClient, NewClient
from tests.examples import further

ANN, BOB = "ann@example.com", "bob@example.com"
NEWS = {"name": "News", "description": "Once a week", "is_default": False}


def new_group(client: ApiClient, **changes: Any) -> int:
    answer = client.post("/v3/asm/groups", NEWS | changes)
    assert answer.status_code == 201
    return int(answer.json()["id"])


def group_path(group_id: int, suffix: str = "") -> str:
    return f"/v3/asm/groups/{group_id}{suffix}"


def list_of(answer: Any) -> Any:
    """Return the list in an answer that is streamed as JSON."""
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    return json.loads(answer.getvalue())


def unsubscribe(client: ApiClient, group_id: int, *emails: str) -> None:
    answer = client.post(group_path(group_id, "/suppressions"), {"recipient_emails": list(emails)})
    assert (answer.status_code, answer.json()) == (201, {"recipient_emails": list(emails)})


def test_a_group_is_created_shown_changed_and_deleted(client_of_alice: ApiClient) -> None:
    ask = client_of_alice.ask
    answer = ask("POST", "/v3/asm/groups", {"name": "News", "description": "Once a week"})
    group_id = answer.json()["id"]
    assert (answer.status_code, answer.json()) == (201, {"id": group_id, **NEWS})
    assert list(answer.json()) == ["id", "name", "description", "is_default"]
    whole = {"id": group_id, **NEWS, "last_email_sent_at": None, "unsubscribes": 0}
    assert ask("GET", group_path(group_id)).json() == whole
    answer = ask("PATCH", group_path(group_id, "/"), {"name": "Letters"})
    assert (answer.status_code, answer.json()) == (201, whole | {"name": "Letters"})
    unsubscribe(client_of_alice, group_id, ANN, BOB)
    assert ask("GET", "/v3/asm/groups").json() == [whole | {"name": "Letters", "unsubscribes": 2}]
    answer = ask("DELETE", group_path(group_id))
    assert (answer.status_code, answer.content) == (204, b"")
    assert ask("GET", group_path(group_id)).status_code == 404
    assert ask("GET", "/v3/asm/groups").json() == []
    assert not Suppression.objects.exists(), "they went with it"
    new_group(client_of_alice, name="Letters")


def test_several_groups_are_read_at_once(client_of_alice: ApiClient) -> None:
    first, second, third = (new_group(client_of_alice, name=name) for name in ("One", "Two", "Three"))
    for query in (
        f"id={first}&id={third}",
        f"id={first},{third}",
        f"id={third}&id={first}&id=2147483648&id=99999999999",
    ):
        assert [each["id"] for each in client_of_alice.get(f"/v3/asm/groups?{query}").json()] == [first, third]
    assert client_of_alice.get(f"/v3/asm/groups?id={second}x").status_code == 400


def test_there_is_one_default_group(client_of_alice: ApiClient) -> None:
    first, second = new_group(client_of_alice, is_default=True), new_group(client_of_alice, name="Two", is_default=True)
    assert [each["is_default"] for each in client_of_alice.get("/v3/asm/groups").json()] == [False, True]
    client_of_alice.patch(group_path(first), {"is_default": True})
    assert [each["is_default"] for each in client_of_alice.get("/v3/asm/groups").json()] == [True, False]
    assert client_of_alice.delete(group_path(first)).status_code == 204
    assert client_of_alice.patch(group_path(second), {"is_default": True}).json()["is_default"]


def test_an_invalid_group_is_refused(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for changes, fields in [
        ({"name": ""}, ["name"]),
        ({"name": "  "}, ["name"]),
        ({"name": "x" * 31}, ["name"]),
        ({"name": 7}, ["name"]),
        ({"name": None}, ["name"]),
        ({"description": "x" * 101}, ["description"]),
        ({"is_default": "yes"}, ["is_default"]),
        ({"name": [], "description": {}, "is_default": 1}, ["name", "description", "is_default"]),
    ]:
        with subtests.test(changes=changes, fields=fields):
            answer = client_of_alice.post("/v3/asm/groups", NEWS | changes)
            assert answer.status_code == 400
            assert [each["field"] for each in answer.json()["errors"]] == fields
            assert not UnsubscribeGroup.objects.exists()


def test_a_name_is_taken_once_in_an_account(client_of_alice: ApiClient, client_of_charlie: ApiClient) -> None:
    first, second = new_group(client_of_alice), new_group(client_of_alice, name="Two")
    refusal = {"errors": [{"field": "name", "message": "a group with this name exists"}]}
    answer = client_of_alice.post("/v3/asm/groups", NEWS)
    assert (answer.status_code, answer.json()) == (400, refusal)
    answer = client_of_alice.patch(group_path(second), {"name": "News"})
    assert (answer.status_code, answer.json()) == (400, refusal)
    assert client_of_alice.patch(group_path(first), {"name": "News"}).status_code == 201
    new_group(client_of_charlie)


def test_the_groups_of_an_account_are_limited(client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailer.suppressions.groups.GROUPS_LIMIT", 2)
    first = new_group(client_of_alice)
    new_group(client_of_alice, name="Two")
    assert client_of_alice.post("/v3/asm/groups", NEWS | {"name": "Three"}).status_code == 400
    client_of_alice.delete(group_path(first))
    new_group(client_of_alice, name="Three")


def test_another_accounts_group_is_unknown(client_of_alice: ApiClient, client_of_charlie: ApiClient) -> None:
    group_id = new_group(client_of_alice)
    unsubscribe(client_of_alice, group_id, ANN)
    calls: list[tuple[str, str, Any]] = [
        ("GET", "", None),
        ("PATCH", "", {"name": "Mine"}),
        ("DELETE", "", None),
        ("GET", "/suppressions", None),
        ("POST", "/suppressions/search", {"recipient_emails": [ANN]}),
        ("DELETE", f"/suppressions/{ANN}", None),
    ]
    for method, suffix, body in calls:
        answer = client_of_charlie.ask(method, group_path(group_id, suffix), body)
        assert (answer.status_code, answer.json()) == (404, {"errors": [{"field": None, "message": "not found"}]})
    assert client_of_charlie.get(f"/v3/asm/groups?id={group_id}").json() == []
    assert list_of(client_of_charlie.get("/v3/asm/suppressions")) == []
    assert client_of_charlie.get(f"/v3/asm/suppressions/{ANN}").json() == {"suppressions": []}
    assert list_of(client_of_alice.get(group_path(group_id, "/suppressions"))) == [ANN]


def test_addresses_are_suppressed_for_a_group_and_removed_again(client_of_alice: ApiClient) -> None:
    group_id, other = new_group(client_of_alice), new_group(client_of_alice, name="Other")
    unsubscribe(client_of_alice, group_id, "Ann@Example.com", BOB, ANN)
    unsubscribe(client_of_alice, other, BOB)
    assert list_of(client_of_alice.get(group_path(group_id, "/suppressions"))) == [ANN, BOB]
    searched = {"recipient_emails": ["ANN@example.com", "nobody@example.com", "no address"]}
    answer = client_of_alice.post(group_path(group_id, "/suppressions/search"), searched)
    assert (answer.status_code, answer.json()) == (200, [ANN])
    listed = list_of(client_of_alice.get("/v3/asm/suppressions"))
    assert [(each["email"], each["group_id"], each["group_name"]) for each in listed] == [
        (ANN, group_id, "News"),
        (BOB, group_id, "News"),
        (BOB, other, "Other"),
    ]
    assert all(isinstance(each["created_at"], int) for each in listed)
    assert client_of_alice.get(f"/v3/asm/suppressions/{ANN}").json()["suppressions"] == [
        {"id": group_id, **NEWS, "suppressed": True},
        {"id": other, **NEWS, "name": "Other", "suppressed": False},
    ]
    assert client_of_alice.delete(group_path(group_id, f"/suppressions/{quote('Ann@example.com')}")).status_code == 204
    assert client_of_alice.delete(group_path(group_id, f"/suppressions/{ANN}")).status_code == 204, "nobody is there"
    assert list_of(client_of_alice.get(group_path(group_id, "/suppressions"))) == [BOB]


def test_a_long_list_is_returned_completely(client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailer.suppressions.lists.PAGE", 3)
    groups = [new_group(client_of_alice, name=name) for name in ("One", "Two")]
    emails = sorted(f"p{n}@example.com" for n in range(10))
    for group_id in groups:
        unsubscribe(client_of_alice, group_id, *emails)
    assert list_of(client_of_alice.get(group_path(groups[0], "/suppressions"))) == emails
    listed = list_of(client_of_alice.get("/v3/asm/suppressions"))
    assert [(each["email"], each["group_id"]) for each in listed] == [(e, g) for e in emails for g in groups]


def test_unsubscribing_from_a_deleted_group_is_global(client_of_alice: ApiClient) -> None:
    group_id = new_group(client_of_alice)
    client_of_alice.delete(group_path(group_id))
    unsubscribe(client_of_alice, group_id, ANN)
    assert client_of_alice.get(f"/v3/asm/suppressions/global/{ANN}").json() == {"recipient_email": ANN}


def test_a_group_of_another_account_cannot_be_unsubscribed_from(
    client_of_alice: ApiClient, client_of_charlie: ApiClient
) -> None:
    """Another account's group, deleted or not, gets the same answer as one that never existed."""
    others, deleted = new_group(client_of_charlie), new_group(client_of_charlie, name="Two")
    client_of_charlie.delete(group_path(deleted))
    for group_id in (others, deleted, 2_147_483_647, 9_999_999_999):
        answer = client_of_alice.post(group_path(group_id, "/suppressions"), {"recipient_emails": [ANN]})
        assert (answer.status_code, answer.json()) == (404, {"errors": [{"field": None, "message": "not found"}]})
    assert not Suppression.objects.exists()


def test_addresses_are_suppressed_globally_and_removed_again(
    client_of_alice: ApiClient, client_of_charlie: ApiClient
) -> None:
    answer = client_of_alice.post("/v3/asm/suppressions/global", {"recipient_emails": ["Ann@example.com"]})
    assert (answer.status_code, answer.json()) == (201, {"recipient_emails": ["Ann@example.com"]})
    path = "/v3/asm/suppressions/global/"
    for spelling in ("ann@example.com", "ann%40example.com", "ANN@example.com/"):
        assert client_of_alice.get(path + spelling).json() == {"recipient_email": ANN}
    assert client_of_charlie.get(path + ANN).json() == {}
    assert client_of_charlie.delete(path + ANN).status_code == 204
    assert client_of_alice.get(path + ANN).json() == {"recipient_email": ANN}
    assert client_of_alice.delete(path + ANN).status_code == 204
    assert client_of_alice.get(path + ANN).json() == {}


def test_a_local_part_may_have_a_slash(client_of_alice: ApiClient) -> None:
    client_of_alice.post("/v3/asm/suppressions/global", {"recipient_emails": ["a/b@example.com"]})
    for spelling in ("a/b@example.com", "a%2Fb%40example.com"):
        answer = client_of_alice.get(f"/v3/asm/suppressions/global/{spelling}")
        assert answer.json() == {"recipient_email": "a/b@example.com"}


NO_ADDRESSES = [
    *(None, "ann@example.com", {}, [1], [None], [[]], ["not an address"], ["a@b", "a b@c"], [""]),
    *(["a@b\r\nBcc: x"], ["a" * 400 + "@example.com"], ["x" * 10_000_000], ["a@example.com"] * 10_001),
]


@further
def test_a_malformed_list_of_addresses_is_refused(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for path in ["/v3/asm/suppressions/global", "/v3/asm/groups/1/suppressions"]:
        for emails in NO_ADDRESSES:
            with subtests.test(path=path, emails=emails):
                answer = client_of_alice.post(path, {"recipient_emails": emails})
                assert answer.status_code == 400
                assert answer.json()["errors"][0]["field"] == "recipient_emails"
                assert not Suppression.objects.exists()


def test_a_malformed_body_is_refused(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for body in [b'{"recipient_emails":["a\\u0000@example.com"]}', b"[]", b"", b"{", b"\xff"]:
        with subtests.test(body=body):
            for path in ("/v3/asm/suppressions/global", "/v3/asm/groups/1/suppressions", "/v3/asm/groups"):
                assert client_of_alice.post(path, body).status_code == (415 if body == b"\xff" else 400)
            assert not Suppression.objects.exists()


@further
def test_a_path_that_has_no_address_is_unknown(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for email in ["%00", "a%00@example.com", "x" * 5000, "a@b/c/d"]:
        with subtests.test(email=email):
            for path in ("/v3/asm/suppressions/global/", "/v3/asm/suppressions/", "/v3/suppression/bounces/"):
                assert client_of_alice.get(path + email).status_code == 404


@further
def test_a_list_of_ten_thousand_is_taken(client_of_alice: ApiClient) -> None:
    emails = [f"p{n}@example.com" for n in range(10_000)]
    answer = client_of_alice.post("/v3/asm/suppressions/global", {"recipient_emails": emails})
    assert answer.status_code == 201
    assert Suppression.objects.filter(kind=SuppressionKind.GLOBAL).count() == 10_000


def test_each_call_needs_its_scope(new_client: NewClient, client_of_alice: ApiClient) -> None:
    group_id = new_group(client_of_alice)
    emails = {"recipient_emails": [ANN]}
    calls: list[tuple[str, str, str, Any]] = [
        ("asm.groups.create", "POST", "/v3/asm/groups", NEWS | {"name": "Two"}),
        ("asm.groups.read", "GET", "/v3/asm/groups", None),
        ("asm.groups.read", "GET", group_path(group_id), None),
        ("asm.groups.update", "PATCH", group_path(group_id), {}),
        ("asm.groups.suppressions.create", "POST", group_path(group_id, "/suppressions"), emails),
        ("asm.groups.suppressions.read", "GET", group_path(group_id, "/suppressions"), None),
        ("asm.groups.suppressions.read", "POST", group_path(group_id, "/suppressions/search"), emails),
        ("asm.groups.suppressions.delete", "DELETE", group_path(group_id, f"/suppressions/{ANN}"), None),
        ("asm.groups.suppressions.read", "GET", "/v3/asm/suppressions", None),
        ("asm.groups.suppressions.read", "GET", f"/v3/asm/suppressions/{ANN}", None),
        ("asm.suppressions.global.create", "POST", "/v3/asm/suppressions/global", emails),
        ("asm.suppressions.global.read", "GET", f"/v3/asm/suppressions/global/{ANN}", None),
        ("asm.suppressions.global.delete", "DELETE", f"/v3/asm/suppressions/global/{ANN}", None),
        ("asm.groups.delete", "DELETE", group_path(group_id), None),
    ]
    scopes = {scope for scope, *_ in calls}
    for scope, method, path, body in calls:
        others = new_client(client_of_alice.account, sorted(scopes - {scope}))
        assert others.ask(method, path, body).status_code == 403, (method, path)
        own = new_client(client_of_alice.account, [scope])
        assert own.ask(method, path, body).status_code < 300, (method, path)
