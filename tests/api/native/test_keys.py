"""Test the path /sluice/v1/keys: list the keys, and revoke one with everything that it scheduled."""

from __future__ import annotations

from typing import Any

from accounts.models import ApiKey
from batches.handles import create_batch
from batches.models import Receipt
from campaigns.models import Revocation
from mailer.pipeline.accept import accept_mail
from tests.api.conftest import ApiClient, NewClient
from tests.api.native.bodies import written_time
from tests.api.native.conftest import SEND_AT
from tests.drafts import draft

KEYS = "/sluice/v1/keys"
UNKNOWN = {"error": {"code": "RESOURCE_NOT_FOUND", "message": "Key not found."}}


def line(key: ApiKey) -> dict[str, Any]:
    key.refresh_from_db()
    return {
        "id": key.key_id,
        "name": key.name,
        "account": key.account.username,
        "created_at": written_time(key.created_at),
        "revoked_at": key.revoked_at and written_time(key.revoked_at),
    }


def test_a_key_is_revoked_with_or_without_what_it_scheduled(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, new_client: NewClient
) -> None:
    alice = client_of_alice.account
    leaked, other = new_client(alice).key, new_client(alice).key
    batch = create_batch(alice, key=leaked)
    accept_mail(alice, draft(3, batch_id=batch.public_id, send_at=SEND_AT), key=leaked)
    accept_mail(alice, draft(2, send_at=SEND_AT), key=leaked)
    assert client_of_alice.get(KEYS).json() == {
        "data": [line(client_of_alice.key), line(leaked), line(other)],
        "pagination": {"limit": 3, "next": None},
    }
    path, body = f"{KEYS}/{leaked.key_id}/revoke", {"stop_scheduled": True, "reason": "published"}
    for client in (client_of_charlie, client_of_alice):
        assert client.get(f"{KEYS}/{leaked.key_id}/revocation").status_code == 404
    assert client_of_charlie.post(path, body).json() == UNKNOWN
    assert client_of_alice.post(path, {**body, "dry_run": True}).json() == {
        "data": {"dry_run": True, **line(leaked), "campaigns": 0, "batches": 1, "messages": 5, "exact": True}
    }
    assert not Revocation.objects.exists()
    answer = client_of_alice.post(path, body).json()["data"]
    receipts = answer["stopped"].pop("receipts")
    assert answer == {
        **line(leaked),
        "stopped": {"settled": True, "campaigns": 0, "batches": 1, "messages": 2},
    }
    assert [receipt["batch_id"] for receipt in receipts] == [None, batch.public_id]
    assert [receipt["stopped"] for receipt in receipts] == [2, 3]
    assert {receipt.account for receipt in Receipt.objects.all()} == {alice}
    again = client_of_alice.get(f"{KEYS}/{leaked.key_id}/revocation").json()["data"]
    assert again["stopped"]["receipts"] == receipts
    plain = client_of_alice.post(f"{KEYS}/{other.key_id}/revoke").json()
    assert plain == {"data": {**line(other), "stopped": None}}
    assert other.revoked_at is not None
    assert client_of_alice.post(f"{KEYS}/{other.key_id}/revoke").json() == UNKNOWN
