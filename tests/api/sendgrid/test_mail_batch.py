"""Test the path /v3/mail/batch: ids are created and validated."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from accounts.models import Account
from batches.handles import create_batch, default_batch
from batches.models import Batch
from foundation.clock import database_now
from tests.api.conftest import ApiClient, NewClient
from tests.api.sendgrid.bodies import mail_body

BATCH = "/v3/mail/batch"
INVALID = b'{"errors":[{"field":null,"message":"invalid batch id"}]}'


def test_a_batch_id_is_created_with_any_body(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for body in [None, b"{}", b"not even JSON"]:
        with subtests.test(body=body):
            answer = client_of_alice.post(BATCH, body)
            assert answer.status_code == 201
            assert list(answer.json()) == ["batch_id"]
            assert re.fullmatch(r"[\w-]+", answer.json()["batch_id"], re.ASCII)
            assert Batch.objects.get(public_id=answer.json()["batch_id"]).account == client_of_alice.account


def test_a_new_batch_id_is_valid_at_once(client_of_alice: ApiClient) -> None:
    made = client_of_alice.post(BATCH)
    answer = client_of_alice.get(f"{BATCH}/{made.json()['batch_id']}")
    assert (answer.status_code, answer.content) == (200, made.content)
    assert answer["Content-Type"] == "application/json"


def test_foreign_unknown_and_hidden_ids_are_invalid(client_of_alice: ApiClient, client_of_charlie: ApiClient) -> None:
    of_alice = create_batch(client_of_alice.account)
    hidden = default_batch(client_of_charlie.account)
    for batch_id in (of_alice.public_id, hidden.public_id, "unknown", "x" * 200, "%C3%BC", "%ff", "a%0Ab", "' or 1=1"):
        answer = client_of_charlie.get(f"{BATCH}/{batch_id}")
        assert (answer.status_code, answer.content) == (400, INVALID), batch_id


def test_old_id_is_invalid_unless_mail_of_it_waits(client_of_alice: ApiClient) -> None:
    empty, waiting = create_batch(client_of_alice.account), create_batch(client_of_alice.account)
    send_at = int(database_now().timestamp()) + 3600
    body = mail_body(batch_id=waiting.public_id, send_at=send_at)
    assert client_of_alice.post("/v3/mail/send", body).status_code == 202
    Batch.objects.update(created_at=database_now() - dt.timedelta(days=10, seconds=1))
    assert client_of_alice.get(f"{BATCH}/{empty.public_id}").status_code == 400
    assert client_of_alice.get(f"{BATCH}/{waiting.public_id}").status_code == 200


def test_on_behalf_of_makes_and_sees_the_subusers_batches(client_of_alice: ApiClient, subuser: Account) -> None:
    by_name = {"On-Behalf-Of": subuser.username}
    by_id = {"On-Behalf-Of": f"account-id {subuser.pk}"}
    batch_id = client_of_alice.post(BATCH, headers=by_name).json()["batch_id"]
    assert Batch.objects.get().account == subuser
    assert client_of_alice.get(f"{BATCH}/{batch_id}", headers=by_id).status_code == 200
    assert client_of_alice.get(f"{BATCH}/{batch_id}").status_code == 400


def test_nobody_acts_for_an_account_that_is_not_their_subuser(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, subuser: Account
) -> None:
    alice = client_of_alice.account
    for named in (subuser.username, f"account-id {subuser.pk}", alice.username, f"account-id {alice.pk}", "x\ty"):
        answer = client_of_charlie.post(BATCH, headers={"On-Behalf-Of": named})
        assert answer.status_code == 403
        assert answer.content == b'{"errors":[{"field":null,"message":"access forbidden"}]}'
    assert not Batch.objects.exists()


def test_scopes_are_needed(alice: Account, new_client: NewClient) -> None:
    reader, maker = new_client(alice, ["mail.batch.read"]), new_client(alice, ["mail.batch.create"])
    assert reader.post(BATCH).status_code == 403
    batch_id = maker.post(BATCH).json()["batch_id"]
    assert maker.get(f"{BATCH}/{batch_id}").status_code == 403
    assert reader.get(f"{BATCH}/{batch_id}").status_code == 200
