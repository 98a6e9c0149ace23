"""/sluice/v1/account: what it is, freeze and thaw."""

from __future__ import annotations

from accounts.models import Account
from batches.models import Receipt
from tests.api.conftest import ApiClient
from tests.api.native.bodies import invalid, told

ACCOUNT = "/sluice/v1/account"


def frozen(account: Account) -> bool:
    return Account.objects.get(pk=account.pk).frozen_at is not None


def conflict(said: str) -> dict[str, dict[str, str]]:
    return {"error": {"code": "ACCOUNT_STATUS_CONFLICT", "message": f"This cannot be done now: {said}."}}


def test_the_account_is_told(client_of_alice: ApiClient, subuser: Account) -> None:
    assert client_of_alice.get(ACCOUNT).json() == {"data": {"username": "alice", "parent": None, "frozen_at": None}}
    answer = client_of_alice.get(ACCOUNT, headers={"On-Behalf-Of": subuser.username})
    assert answer.json() == {"data": {"username": "alice-shop", "parent": "alice", "frozen_at": None}}


def test_freeze_and_thaw_answer_with_their_receipts(client_of_alice: ApiClient, charlie: Account) -> None:
    answer = client_of_alice.post(f"{ACCOUNT}/freeze", {"reason": "stolen key"})
    receipt = Receipt.objects.get()
    assert answer.status_code == 200
    assert answer.json() == {
        "data": {
            "id": receipt.public_id,
            "batch_id": None,
            "action": "freeze",
            "actor": f"key {client_of_alice.key.key_id} (a test's key)",
            "reason": "stolen key",
            "created_at": told(receipt.created_at),
            "settled": True,
            "settled_at": told(receipt.settled_at),
            "sent": 0,
            "stopped": 0,
            "in_flight": 0,
            "in_doubt": 0,
            "ended": 0,
            "doubtful_messages": [],
        }
    }
    assert answer["X-Sluice-Receipt"] == receipt.public_id
    account = Account.objects.get(pk=client_of_alice.account.pk)
    assert account.frozen_at
    assert client_of_alice.get(ACCOUNT).json()["data"]["frozen_at"] == told(account.frozen_at)
    again = client_of_alice.post(f"{ACCOUNT}/freeze")
    assert (again.status_code, again.json()) == (409, conflict("the account is frozen already"))
    thawed = client_of_alice.post(f"{ACCOUNT}/thaw")
    assert (thawed.status_code, thawed.json()["data"]["action"]) == (200, "thaw")
    again = client_of_alice.post(f"{ACCOUNT}/thaw")
    assert (again.status_code, again.json()) == (409, conflict("the account is not frozen"))
    assert not frozen(account)
    assert not frozen(charlie)


def test_a_parent_freezes_its_subuser_alone(client_of_alice: ApiClient, subuser: Account) -> None:
    for_subuser = {"On-Behalf-Of": subuser.username}
    assert client_of_alice.post(f"{ACCOUNT}/freeze", headers=for_subuser).status_code == 200
    assert frozen(subuser)
    assert not frozen(client_of_alice.account)


def test_charlie_freezes_only_himself(client_of_charlie: ApiClient, alice: Account) -> None:
    answer = client_of_charlie.post(f"{ACCOUNT}/freeze", headers={"On-Behalf-Of": "alice"})
    assert answer.status_code == 403
    assert client_of_charlie.post(f"{ACCOUNT}/freeze", {"account": "alice"}).json() == invalid(
        account=["This field is not known here."]
    )
    assert not Receipt.objects.exists()
    assert client_of_charlie.post(f"{ACCOUNT}/freeze").status_code == 200
    assert not frozen(alice)
