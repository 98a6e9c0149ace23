"""Test the path /sluice/v1/account: its settings, freeze, thaw and purge."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Account
from batches.counts import count_batch
from batches.handles import create_batch
from batches.models import Batch, Receipt
from mailer.pipeline.accept import accept_mail
from tests.api.conftest import ApiClient
from tests.api.native.bodies import UNKNOWN_FIELD, counts, invalid, written_time
from tests.api.native.conftest import SEND_AT
from tests.drafts import draft

ACCOUNT = "/sluice/v1/account"


def frozen(account: Account) -> bool:
    return Account.objects.get(pk=account.pk).frozen_at is not None


def conflict(message: str) -> dict[str, dict[str, str]]:
    return {"error": {"code": "ACCOUNT_STATUS_CONFLICT", "message": f"This cannot be done now: {message}."}}


def test_the_account_is_returned(client_of_alice: ApiClient, subuser: Account) -> None:
    new = {"frozen_at": None, "email": "", "doubt_policy": "hold", "lateness_limit_seconds": None}
    assert client_of_alice.get(ACCOUNT).json() == {"data": {"username": "alice", "parent": None, **new}}
    answer = client_of_alice.get(ACCOUNT, headers={"On-Behalf-Of": subuser.username})
    assert answer.json() == {"data": {"username": "alice-shop", "parent": "alice", **new}}


def test_freeze_and_thaw_answer_with_their_receipts(client_of_alice: ApiClient, charlie: Account) -> None:
    answer = client_of_alice.post(f"{ACCOUNT}/freeze", {"reason": "stolen key"})
    receipt = Receipt.objects.get()
    assert answer.status_code == 200
    assert answer.json() == {
        "data": {
            "id": receipt.public_id,
            "batch_id": None,
            "label": None,
            "message_id": None,
            "action": "freeze",
            "actor": f"key {client_of_alice.key.key_id} (a test's key)",
            "reason": "stolen key",
            "created_at": written_time(receipt.created_at),
            "settled": True,
            "settled_at": written_time(receipt.settled_at),
            "sent": 0,
            "stopped": 0,
            "in_flight": 0,
            "in_doubt": 0,
            "ended": 0,
            "ended_before": 0,
            "affected": 0,
            "doubtful_messages": [],
        }
    }
    assert answer["X-Sluice-Receipt"] == receipt.public_id
    account = Account.objects.get(pk=client_of_alice.account.pk)
    assert account.frozen_at
    assert client_of_alice.get(ACCOUNT).json()["data"]["frozen_at"] == written_time(account.frozen_at)
    again = client_of_alice.post(f"{ACCOUNT}/freeze")
    assert (again.status_code, again.json()) == (409, conflict("the account is already frozen"))
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
        account=["This call does not have this field."]
    )
    assert not Receipt.objects.exists()
    assert client_of_charlie.post(f"{ACCOUNT}/freeze").status_code == 200
    assert not frozen(alice)


def policies(client: ApiClient, **options: Any) -> tuple[str, int | None]:
    data = client.get(ACCOUNT, **options).json()["data"]
    return data["doubt_policy"], data["lateness_limit_seconds"]


def test_only_the_policies_that_are_named_change(client_of_alice: ApiClient, client_of_charlie: ApiClient) -> None:
    steps: list[tuple[dict[str, Any], tuple[str, int | None]]] = [
        ({"lateness_limit_seconds": 31_536_000}, ("hold", 31_536_000)),
        ({"doubt_policy": "resend"}, ("resend", 31_536_000)),
        ({}, ("resend", 31_536_000)),
        ({"doubt_policy": "hold", "lateness_limit_seconds": 1}, ("hold", 1)),
        ({"lateness_limit_seconds": None}, ("hold", None)),
    ]
    for body, expected in steps:
        answer = client_of_alice.patch(ACCOUNT, body)
        assert answer.status_code == 200
        assert answer.json() == client_of_alice.get(ACCOUNT).json()
        assert policies(client_of_alice) == expected
        assert policies(client_of_charlie) == ("hold", None)


def test_a_parent_changes_the_policies_of_its_subuser_alone(client_of_alice: ApiClient, subuser: Account) -> None:
    for_subuser = {"On-Behalf-Of": subuser.username}
    answer = client_of_alice.patch(ACCOUNT, {"doubt_policy": "resend"}, headers=for_subuser)
    assert (answer.json()["data"]["username"], answer.json()["data"]["parent"]) == ("alice-shop", "alice")
    assert policies(client_of_alice, headers=for_subuser) == ("resend", None)
    assert policies(client_of_alice) == ("hold", None)


def test_the_contact_address_is_changed_and_removed(client_of_alice: ApiClient, client_of_charlie: ApiClient) -> None:
    for email in ("ops@example.com", "", "ops@bücher.example"):
        assert client_of_alice.patch(ACCOUNT, {"email": email}).json()["data"]["email"] == email
        assert client_of_alice.get(ACCOUNT).json()["data"]["email"] == email
        assert client_of_charlie.get(ACCOUNT).json()["data"]["email"] == ""
    client_of_alice.patch(ACCOUNT, {"doubt_policy": "resend"})
    assert Account.objects.get(username="alice").email == "ops@bücher.example"


SENSELESS = [
    ("", {"email": None}, {"email": ["This field may not be null."]}),
    ("", {"email": "ops"}, {"email": ["Mail cannot be sent to this address."]}),
    ("", {"email": "ops@example.com, a@example.com"}, {"email": ["Mail cannot be sent to this address."]}),
    ("", {"doubt_policy": "drop"}, {"doubt_policy": ['"drop" is not a valid choice.']}),
    ("", {"doubt_policy": None}, {"doubt_policy": ["This field may not be null."]}),
    ("", {"doubt_policy": 1}, {"doubt_policy": ['"1" is not a valid choice.']}),
    *(
        ("", {"lateness_limit_seconds": wrong}, {"lateness_limit_seconds": [text]})
        for wrong, text in (
            (0, "Ensure this value is greater than or equal to 1."),
            (31_536_001, "Ensure this value is less than or equal to 31536000."),
            (10**400, "Ensure this value is less than or equal to 31536000."),
            (True, "A valid integer is required."),
            ("1h", "A valid integer is required."),
        )
    ),
    ("", {"lateness_limit": 5}, {"lateness_limit": [UNKNOWN_FIELD]}),
    ("", {"frozen_at": None}, {"frozen_at": [UNKNOWN_FIELD]}),
    ("?doubt_policy=resend", {}, {"doubt_policy": [UNKNOWN_FIELD]}),
]


def test_invalid_policies_change_nothing(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for query, body, details in SENSELESS:
        with subtests.test(query=query, body=body, details=details):
            answer = client_of_alice.patch(
                ACCOUNT + query, {"doubt_policy": "resend", "lateness_limit_seconds": 5} | body
            )
            assert (answer.status_code, answer.json()) == (422, invalid(**details))
            assert policies(client_of_alice) == ("hold", None)


def test_a_purge_discards_the_unsent_mail_of_a_frozen_account(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, open_batch: Batch
) -> None:
    of_charlie = create_batch(client_of_charlie.account)
    accept_mail(client_of_charlie.account, draft(2, batch_id=of_charlie.public_id, send_at=SEND_AT))
    for is_dry_run in (True, False):
        refused = client_of_alice.post(f"{ACCOUNT}/purge", {"dry_run": is_dry_run})
        assert (refused.status_code, refused.json()) == (409, conflict("the account is not frozen"))
    assert count_batch(open_batch.pk).scheduled == 3
    client_of_alice.post(f"{ACCOUNT}/freeze")
    answer = client_of_alice.post(f"{ACCOUNT}/purge", {"reason": "stolen key"})
    data = answer.json()["data"]
    assert (answer.status_code, answer["X-Sluice-Receipt"], answer["X-Sluice-Sent"]) == (200, data["id"], "0")
    assert (data["action"], data["affected"], data["ended"], data["batch_id"]) == ("purge", 3, 3, None)
    assert count_batch(open_batch.pk).discarded == 3
    assert count_batch(of_charlie.pk).scheduled == 2
    assert frozen(client_of_alice.account)


def test_a_dry_run_of_an_account_action_changes_nothing(
    client_of_alice: ApiClient, open_batch: Batch, subuser: Account
) -> None:
    accept_mail(subuser, draft(1, send_at=SEND_AT))
    for freeze_first, actions in ((False, ["freeze"]), (True, ["thaw", "purge"])):
        if freeze_first:
            client_of_alice.post(f"{ACCOUNT}/freeze")
        before = list(Account.objects.values()), Receipt.objects.count()
        for action in actions:
            answer = client_of_alice.post(f"{ACCOUNT}/{action}", {"dry_run": True})
            assert answer.json() == {
                "data": {
                    "dry_run": True,
                    "action": action,
                    "batch_id": None,
                    "status": None,
                    "affected": 4,
                    "messages": 4,
                    "counts": counts(scheduled=4),
                }
            }
            assert "X-Sluice-Receipt" not in answer
        assert (list(Account.objects.values()), Receipt.objects.count()) == before
        message = "the account is already frozen" if freeze_first else "the account is not frozen"
        refused = client_of_alice.post(f"{ACCOUNT}/{'freeze' if freeze_first else 'thaw'}", {"dry_run": True})
        assert (refused.status_code, refused.json()) == (409, conflict(message))
