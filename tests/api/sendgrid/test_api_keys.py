"""Test the paths /v3/api_keys and /v3/scopes."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.keys import ALL_SCOPES, FULL_ACCESS, create_key, find_key, get_key, living_keys
from accounts.models import Account
from tests.accounts.official_scopes import SCOPES
from tests.api.conftest import ApiClient, NewClient

KEYS = "/v3/api_keys"


def problem(field: str | None, message: str) -> dict[str, Any]:
    return {"errors": [{"field": field, "message": message}]}


def test_a_key_is_created_shown_once_and_valid(client_of_alice: ApiClient) -> None:
    answer = client_of_alice.post(KEYS, {"name": "My key", "scopes": ["mail.send", "mail.batch.create"]})
    assert answer.status_code == 201
    made = answer.json()
    assert list(made) == ["api_key", "api_key_id", "name", "scopes"]
    assert (made["name"], made["scopes"]) == ("My key", ["mail.send", "mail.batch.create"])
    key = find_key(made["api_key"])
    assert key is not None
    assert (key.key_id, key.account) == (made["api_key_id"], client_of_alice.account)
    for path in (KEYS, f"{KEYS}/{key.key_id}"):
        assert made["api_key"].split(".")[2] not in client_of_alice.get(path).content.decode()


def test_key_without_scopes_has_full_access(client_of_alice: ApiClient) -> None:
    made = client_of_alice.post(KEYS, {"name": "all"}).json()
    assert made["scopes"] == list(ALL_SCOPES)
    assert get_key(client_of_alice.account, made["api_key_id"]).scopes == [FULL_ACCESS]


def test_a_key_without_scopes_has_those_of_its_creator(alice: Account, new_client: NewClient) -> None:
    maker = new_client(alice, ["api_keys.create", "mail.send"])
    made = maker.post(KEYS, {"name": "all"}).json()
    assert made["scopes"] == ["api_keys.create", "mail.send"]


def test_scopes_that_the_creator_does_not_have_are_refused(
    alice: Account, new_client: NewClient, subtests: pytest.Subtests
) -> None:
    maker = new_client(alice, ["api_keys.create", "api_keys.update", "mail.send"])
    for scopes in [["stats.read"], ["mail.send", "stats.read"], ["*"], ["no.such"], ["a\nb"]]:
        with subtests.test(wanted=scopes):
            refused = [scope for scope in scopes if scope != "mail.send"]
            posted = maker.post(KEYS, {"name": "more", "scopes": scopes})
            put = maker.put(f"{KEYS}/{maker.key.key_id}", {"name": "more", "scopes": scopes})
            for answer in (posted, put):
                assert (answer.status_code, answer.json()) == (
                    403,
                    problem(None, f"unauthorized scopes: [{refused[0]}]"),
                )
            assert living_keys(alice).get() == maker.key
            assert get_key(alice, maker.key.key_id).scopes == maker.key.scopes


def test_every_scope_of_the_official_list_is_granted_and_kept(client_of_alice: ApiClient, alice: Account) -> None:
    """Scopes of calls that do not exist here can be granted, too; they permit nothing."""
    made = client_of_alice.post(KEYS, {"name": "all of them", "scopes": SCOPES})
    assert (made.status_code, made.json()["scopes"]) == (201, SCOPES)
    path = f"{KEYS}/{made.json()['api_key_id']}"
    profile = {"name": "Profiles", "scopes": ["user.profile.read", "user.profile.update"]}
    assert client_of_alice.put(path, profile).json()["scopes"] == profile["scopes"]
    holder = ApiClient(alice, get_key(alice, made.json()["api_key_id"]), made.json()["api_key"])
    assert holder.get("/v3/scopes").json() == {"scopes": profile["scopes"]}
    assert holder.get(KEYS).status_code == 403


def test_name_is_required(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for name in [None, "", "  ", 7, ["x"]]:
        with subtests.test(name=name):
            path = f"{KEYS}/{client_of_alice.key.key_id}"
            posted = client_of_alice.post(KEYS, {"name": name})
            assert (posted.status_code, posted.json()) == (400, problem("name", "missing required argument"))
            for answer in (client_of_alice.patch(path, {"name": name}), client_of_alice.put(path, {"name": name})):
                expected = problem(None, "expected JSON request body with 'name' property")
                assert (answer.status_code, answer.json()) == (400, expected)
            assert get_key(client_of_alice.account, client_of_alice.key.key_id).name == "a test's key"


def test_long_name_and_odd_scopes_are_refused(client_of_alice: ApiClient) -> None:
    answer = client_of_alice.post(KEYS, {"name": "x" * 101, "scopes": "mail.send"})
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["name", "scopes"]


def test_limit_of_keys_is_403_with_the_configured_number(client_of_alice: ApiClient, settings: Any) -> None:
    settings.API_KEYS_LIMIT = 2
    assert client_of_alice.post(KEYS, {"name": "second"}).status_code == 201
    answer = client_of_alice.post(KEYS, {"name": "third"})
    assert (answer.status_code, answer.json()) == (403, problem(None, "Cannot create more than 2 API Keys"))


def test_keys_are_listed(client_of_alice: ApiClient) -> None:
    second, _ = create_key(client_of_alice.account, "second")
    lines = [
        {"name": "a test's key", "api_key_id": client_of_alice.key.key_id},
        {"name": "second", "api_key_id": second.key_id},
    ]
    assert client_of_alice.get(KEYS).json() == {"result": lines}
    assert client_of_alice.get(f"{KEYS}?limit=1").json() == {"result": lines[:1]}


def test_odd_limit_is_refused(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for limit in ["0", "-1", "x", "", "1.5", "99999999999999999999", "%00", "٣"]:
        with subtests.test(limit=limit):
            answer = client_of_alice.get(f"{KEYS}?limit={limit}")
            assert (answer.status_code, answer.json()) == (400, problem("limit", "limit must be a positive integer"))


def test_one_key_is_shown_bare(client_of_alice: ApiClient) -> None:
    key, _ = create_key(client_of_alice.account, "second", ["mail.send"])
    answer = client_of_alice.get(f"{KEYS}/{key.key_id}")
    assert answer.status_code == 200
    assert answer.json() == {"api_key_id": key.key_id, "name": "second", "scopes": ["mail.send"]}


def test_key_is_renamed_and_its_scopes_are_kept(client_of_alice: ApiClient) -> None:
    key, _ = create_key(client_of_alice.account, "second", ["mail.send"])
    answer = client_of_alice.patch(f"{KEYS}/{key.key_id}", {"name": "new name", "scopes": ["stats.read"]})
    assert (answer.status_code, answer.json()) == (200, {"api_key_id": key.key_id, "name": "new name"})
    assert get_key(client_of_alice.account, key.key_id).scopes == ["mail.send"]


def test_put_replaces_name_and_scopes_at_once(client_of_alice: ApiClient, alice: Account) -> None:
    key, text = create_key(alice, "second", ["mail.send"])
    other = ApiClient(alice, key, text)
    assert other.get("/v3/scopes").json() == {"scopes": ["mail.send"]}
    answer = client_of_alice.put(f"{KEYS}/{key.key_id}", {"name": "n", "scopes": ["stats.read"]})
    assert answer.status_code == 200
    assert answer.json() == {"api_key_id": key.key_id, "name": "n", "scopes": ["stats.read"]}
    assert other.get("/v3/scopes").json() == {"scopes": ["stats.read"]}


def test_put_needs_scopes(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for scopes in [None, []]:
        with subtests.test(scopes=scopes):
            answer = client_of_alice.put(f"{KEYS}/{client_of_alice.key.key_id}", {"name": "n", "scopes": scopes})
            assert (answer.status_code, answer.json()) == (400, problem("scopes", "missing required argument"))


def test_deleted_key_is_dead_at_the_very_next_request(client_of_alice: ApiClient, alice: Account) -> None:
    key, text = create_key(alice, "runaway")
    runaway = ApiClient(alice, key, text)
    assert runaway.get("/v3/scopes").status_code == 200
    answer = client_of_alice.delete(f"{KEYS}/{key.key_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    refused = runaway.get("/v3/scopes")
    assert (refused.status_code, refused.json()) == (401, problem(None, "authorization required"))
    assert refused["WWW-Authenticate"] == "Bearer"


def test_unknown_keys_have_a_text_for_each_method(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for key_id in ["unknown", "%ff", "x" * 200, "' or 1=1"]:
        with subtests.test(key_id=key_id):
            path = f"{KEYS}/{key_id}"
            body = {"name": "n", "scopes": ["mail.send"]}
            messages = {
                "GET": "unable to find API Key",
                "PATCH": "unable to find API Key",
                "PUT": "unable to find API Key to update",
                "DELETE": "unable to find API Key for deletion",
            }
            for method, message in messages.items():
                answer = client_of_alice.ask(method, path, None if method in {"GET", "DELETE"} else body)
                assert (answer.status_code, answer.json()) == (404, problem(None, message))


def test_charlie_neither_sees_nor_changes_alices_keys(client_of_alice: ApiClient, client_of_charlie: ApiClient) -> None:
    path = f"{KEYS}/{client_of_alice.key.key_id}"
    body = {"name": "mine", "scopes": ["mail.send"]}
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        assert client_of_charlie.ask(method, path, None if method == "GET" else body).status_code == 404
    listed = client_of_charlie.get(KEYS).json()["result"]
    assert [line["api_key_id"] for line in listed] == [client_of_charlie.key.key_id]
    assert client_of_alice.get("/v3/scopes").status_code == 200
    assert get_key(client_of_alice.account, client_of_alice.key.key_id).name == "a test's key"


def test_parent_makes_and_revokes_a_subusers_key(client_of_alice: ApiClient, subuser: Account) -> None:
    for_subuser = {"On-Behalf-Of": subuser.username}
    made = client_of_alice.post(KEYS, {"name": "shop"}, headers=for_subuser).json()
    key = get_key(subuser, made["api_key_id"])
    of_subuser = ApiClient(subuser, key, made["api_key"])
    assert of_subuser.get(KEYS, headers={"On-Behalf-Of": "alice"}).status_code == 403
    assert client_of_alice.get(f"{KEYS}/{key.key_id}").status_code == 404
    assert client_of_alice.delete(f"{KEYS}/{key.key_id}", headers=for_subuser).status_code == 204
    assert of_subuser.get(KEYS).status_code == 401


def test_scopes_are_those_of_the_calling_key(alice: Account, new_client: NewClient) -> None:
    answer = new_client(alice, ["mail.send"]).get("/v3/scopes")
    assert (answer.status_code, answer.content) == (200, b'{"scopes":["mail.send"]}')
    assert new_client(alice).get("/v3/scopes").json() == {"scopes": list(ALL_SCOPES)}
    assert new_client(alice, []).get("/v3/scopes").json() == {"scopes": []}


def test_each_call_needs_its_scope(alice: Account, new_client: NewClient, subtests: pytest.Subtests) -> None:
    for scope, method, path, status in [
        ("create", "POST", KEYS, 400),
        ("read", "GET", KEYS, 200),
        ("read", "GET", f"{KEYS}/x", 404),
        ("update", "PUT", f"{KEYS}/x", 400),
        ("update", "PATCH", f"{KEYS}/x", 400),
        ("delete", "DELETE", f"{KEYS}/x", 404),
    ]:
        with subtests.test(scope=scope, method=method, path=path, status=status):
            others = [f"api_keys.{each}" for each in ("create", "read", "update", "delete") if each != scope]
            refused = new_client(alice, others).ask(method, path, {})
            assert (refused.status_code, refused.json()) == (403, problem(None, "access forbidden"))
            assert new_client(alice, [f"api_keys.{scope}"]).ask(method, path, {}).status_code == status
