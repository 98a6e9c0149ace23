"""Test the account as a user, with whose calls clients check a key."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from accounts.models import Account
from tests.api.conftest import ApiClient, NewClient
from tests.campaigns.building import add_sender


def test_the_account_is_shown_without_anything_personal(
    alice: Account, client_of_alice: ApiClient, client_of_charlie: ApiClient, settings: Any
) -> None:
    settings.SYSTEM_FROM = "sluice@example.com"

    def read(name: str, client: ApiClient = client_of_alice) -> Any:
        answer = client.get(f"/v3/user/{name}")
        assert answer.status_code == 200
        return answer.json()

    assert read("account") == {"type": "paid", "reputation": 100}
    assert read("username") == {"username": "alice", "user_id": alice.pk}
    assert (len(read("profile")), set(read("profile").values())) == (11, {""})
    add_sender(alice, is_verified=False)
    assert read("email") == {"email": "sluice@example.com"}
    add_sender(alice)
    assert read("email") == {"email": "news@example.com"}
    assert read("email", client_of_charlie) == {"email": "sluice@example.com"}


def test_the_contact_address_is_changed(
    alice: Account, subuser: Account, client_of_alice: ApiClient, client_of_charlie: ApiClient
) -> None:
    path, set_by_alice = "/v3/user/email", {"email": "Ops@Example.com"}
    add_sender(alice)
    for _ in range(2):
        answer = client_of_alice.put(path, set_by_alice)
        assert (answer.status_code, answer.json()) == (200, set_by_alice)
    assert client_of_alice.get(path).json() == set_by_alice
    of_subuser = client_of_alice.put(path, {"email": "shop@example.com"}, headers={"On-Behalf-Of": subuser.username})
    assert of_subuser.json() == {"email": "shop@example.com"}
    assert client_of_alice.get(path).json() == set_by_alice
    assert client_of_charlie.get(path).json() == {"email": settings.SYSTEM_FROM}
    # An address of few octets, because its domain is composed before it is encoded.
    label = "e\u0301" * 30
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "email is required"),
        ({"email": None}, "email must be a string"),
        ({"email": ""}, "email must be an email address"),
        ({"email": "ops@localhost"}, "email must be an email address"),
        ({"email": "ops@example.com\r\nBcc: x@example.com"}, "email must be an email address"),
        ({"email": f"ops@{label}.{label}.{label}.{label}.example"}, "email is too long (maximum is 254 characters)"),
    ]
    for body, text in wrong:
        answer = client_of_alice.put(path, body)
        ((field, message),) = [each.values() for each in answer.json()["errors"]]
        assert (answer.status_code, field) == (400, "email"), body
        assert message.startswith(text), body
    assert client_of_alice.get(path).json() == set_by_alice


def test_each_call_has_its_scope_and_the_rest_cannot_be_changed(alice: Account, new_client: NewClient) -> None:
    for name in ("account", "profile", "email", "username"):
        reader, other = new_client(alice, [f"user.{name}.read"]), new_client(alice, ["mail.send"])
        assert [client.get(f"/v3/user/{name}").status_code for client in (reader, other)] == [200, 403], name
        refused = [reader.ask(method, f"/v3/user/{name}", {}).status_code for method in ("PUT", "PATCH")]
        assert refused == [403 if name == "email" else 405, 405]
    writer = new_client(alice, ["user.email.update"])
    assert writer.put("/v3/user/email", {"email": "ops@example.com"}).status_code == 200
