"""Test pause, cancel and resume, for real and as a dry run."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from accounts.models import Account
from batches.handles import create_batch, default_batch
from batches.models import Batch, Receipt
from batches.states import BatchStatus
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from tests.api.conftest import ApiClient
from tests.api.native.bodies import NOT_FOUND, counts, invalid, written_time
from tests.drafts import draft

TARGETS = {"pause": BatchStatus.PAUSED, "cancel": BatchStatus.CANCELLED, "resume": BatchStatus.OPEN}


def path_of(batch: Batch, action: str) -> str:
    return f"/sluice/v1/batches/{batch.public_id}/{action}"


def put_into(batch: Batch, status: BatchStatus) -> None:
    stopped_at = None if status == BatchStatus.OPEN else database_now()
    Batch.objects.filter(pk=batch.pk).update(status=status, stopped_at=stopped_at)


def status_of(batch: Batch) -> int:
    return Batch.objects.get(pk=batch.pk).status


def test_a_stop_answers_with_its_receipt(client_of_alice: ApiClient, due_batch: Batch, deliverer: Deliverer) -> None:
    deliverer.deliver_due(seconds=5)
    accept_mail(client_of_alice.account, draft(2, batch_id=due_batch.public_id))
    answer = client_of_alice.post(path_of(due_batch, "cancel"), {"reason": "wrong price"})
    receipt = Receipt.objects.get()
    assert answer.status_code == 200
    assert answer.json() == {
        "data": {
            "id": receipt.public_id,
            "batch_id": due_batch.public_id,
            "label": "Hello",
            "message_id": None,
            "action": "cancel",
            "actor": f"key {client_of_alice.key.key_id} (a test's key)",
            "reason": "wrong price",
            "created_at": written_time(receipt.created_at),
            "settled": True,
            "settled_at": written_time(receipt.settled_at),
            "sent": 3,
            "stopped": 2,
            "in_flight": 0,
            "in_doubt": 0,
            "ended": 0,
            "ended_before": 0,
            "affected": 0,
            "doubtful_messages": [],
        }
    }
    assert answer["X-Sluice-Settled"] == "true"
    assert answer["X-Sluice-Sent"] == "3"
    assert answer["X-Sluice-Receipt"] == receipt.public_id
    assert status_of(due_batch) == BatchStatus.CANCELLED


def test_every_move_is_allowed_from_the_other_two_statuses_only(
    client_of_alice: ApiClient, open_batch: Batch, step: int
) -> None:
    for action, status in list(product(TARGETS, BatchStatus))[::step]:
        for is_dry_run in (True, False):
            put_into(open_batch, status)
            answer = client_of_alice.post(path_of(open_batch, action), {"dry_run": is_dry_run})
            if status == TARGETS[action]:
                assert answer.status_code == 409
                assert answer.json() == {
                    "error": {
                        "code": "BATCH_STATUS_CONFLICT",
                        "message": f"This cannot be done now: the batch is {status.label}.",
                    }
                }
            else:
                assert (answer.status_code, answer.json()["data"]["action"]) == (200, action)
                assert status_of(open_batch) == (status if is_dry_run else TARGETS[action])


def test_a_dry_run_returns_the_counts_and_changes_nothing(client_of_alice: ApiClient, open_batch: Batch) -> None:
    before = Batch.objects.values().get(pk=open_batch.pk)
    answer = client_of_alice.post(path_of(open_batch, "pause"), {"reason": "a try", "dry_run": True})
    assert answer.status_code == 200
    assert answer.json() == {
        "data": {
            "dry_run": True,
            "action": "pause",
            "batch_id": open_batch.public_id,
            "status": "open",
            "affected": 3,
            "messages": 3,
            "counts": counts(scheduled=3),
        }
    }
    assert "X-Sluice-Receipt" not in answer
    assert Batch.objects.values().get(pk=open_batch.pk) == before
    assert not Receipt.objects.exists()


def test_neither_the_cut_off_nor_the_ten_places_count_here(client_of_alice: ApiClient, settings: Any) -> None:
    settings.STOP_CUTOFF_SECONDS, settings.STOPPED_BATCHES_LIMIT = 600, 1
    for _ in range(2):
        batch = create_batch(client_of_alice.account)
        accept_mail(client_of_alice.account, draft(1, batch_id=batch.public_id, send_at=database_now()))
        assert client_of_alice.post(path_of(batch, "pause")).status_code == 200


def test_an_unsettled_stop_is_reported(
    client_of_alice: ApiClient, open_batch: Batch, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr("batches.stop.exact.settle_if_idle", lambda receipt: False)
    settings.STOP_WAIT_SECONDS = 0
    answer = client_of_alice.post(path_of(open_batch, "pause"))
    assert answer["X-Sluice-Settled"] == "false"
    assert (answer.json()["data"]["settled"], answer.json()["data"]["settled_at"]) == (False, None)


def test_charlie_cannot_stop_or_resume_alices_batch(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, open_batch: Batch
) -> None:
    hidden = default_batch(client_of_alice.account)
    for action, is_dry_run in product(TARGETS, (True, False)):
        put_into(open_batch, BatchStatus.PAUSED if action == "resume" else BatchStatus.OPEN)
        before = Batch.objects.values().get(pk=open_batch.pk)
        for client, batch in ((client_of_charlie, open_batch), (client_of_alice, hidden)):
            answer = client.post(path_of(batch, action), {"dry_run": is_dry_run})
            assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
        assert Batch.objects.values().get(pk=open_batch.pk) == before
    assert not Receipt.objects.exists()


def test_on_behalf_of_stops_the_subusers_batch(client_of_alice: ApiClient, subuser: Account) -> None:
    batch = create_batch(subuser)
    assert client_of_alice.post(path_of(batch, "pause")).status_code == 404
    answer = client_of_alice.post(path_of(batch, "pause"), headers={"On-Behalf-Of": f"account-id {subuser.pk}"})
    assert answer.status_code == 200
    assert Receipt.objects.get().account == subuser


def test_a_request_with_unknown_fields_stops_nothing(client_of_alice: ApiClient, open_batch: Batch) -> None:
    unknown = ["This call does not have this field."]
    cases: list[tuple[str, Any, dict[str, list[str]]]] = [
        ("", {"dryrun": True}, {"dryrun": unknown}),
        ("?dry_run=true", None, {"dry_run": unknown}),
        ("", {"reason": "x" * 501}, {"reason": ["Ensure this field has no more than 500 characters."]}),
        ("", {"reason": None}, {"reason": ["This field may not be null."]}),
        (
            "",
            {"reason": ["x"], "dry_run": 2},
            {"reason": ["Not a valid string."], "dry_run": ["Must be a valid boolean."]},
        ),
        ("", {"x" * 200: 1}, {"x" * 100: unknown}),
    ]
    for query, body, details in cases:
        answer = client_of_alice.post(path_of(open_batch, "cancel") + query, body)
        assert (answer.status_code, answer.json()) == (422, invalid(**details))
    assert status_of(open_batch) == BatchStatus.OPEN


def test_a_body_that_is_no_json_object_is_a_400(client_of_alice: ApiClient, open_batch: Batch) -> None:
    for body in (b"{", b"[]", b'"x"', b"null", b'{"reason":"a\\u0000"}', b'{"reason":"\xff"}'):
        answer = client_of_alice.post(path_of(open_batch, "pause"), body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BAD_REQUEST")
    assert status_of(open_batch) == BatchStatus.OPEN


def test_other_types_and_sizes_are_refused(client_of_alice: ApiClient, open_batch: Batch, settings: Any) -> None:
    path = path_of(open_batch, "pause")
    answer = client_of_alice.post(path, {"reason": "x"}, content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    settings.MAX_BODY_BYTES = 10
    answer = client_of_alice.post(path, {"reason": "x" * 20})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert status_of(open_batch) == BatchStatus.OPEN
