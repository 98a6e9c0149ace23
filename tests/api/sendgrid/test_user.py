"""The account as a user, with whose calls clients check a key."""

from __future__ import annotations

from typing import Any

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


def test_each_call_has_its_scope_and_nothing_can_be_changed(alice: Account, new_client: NewClient) -> None:
    for name in ("account", "profile", "email", "username"):
        reader, other = new_client(alice, [f"user.{name}.read"]), new_client(alice, ["mail.send"])
        assert [client.get(f"/v3/user/{name}").status_code for client in (reader, other)] == [200, 403], name
        assert [reader.ask(method, f"/v3/user/{name}", {}).status_code for method in ("PUT", "PATCH")] == [405] * 2
