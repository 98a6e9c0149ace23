"""Test the path /sluice/v1/receipts: who stopped what, when and why."""

from __future__ import annotations

from batches.handles import create_batch, default_batch
from batches.models import Batch, Receipt
from batches.states import BatchStatus
from batches.stop.control import resume_batch, stop_batch
from batches.stop.freeze import freeze_account, freeze_installation
from mailer.models import Message
from mailer.one_message import stop_message
from mailer.pipeline.accept import accept_mail
from tests.api.conftest import ApiClient
from tests.api.native.bodies import invalid, walk, written_time
from tests.api.native.conftest import SEND_AT
from tests.drafts import draft
from tests.examples import further

RECEIPTS = "/sluice/v1/receipts"
UNKNOWN = {"error": {"code": "RESOURCE_NOT_FOUND", "message": "Receipt not found."}}


def stop(client: ApiClient, batch: Batch) -> Receipt:
    return stop_batch(
        client.account, batch.public_id, BatchStatus.PAUSED, actor="operator olga", allowed_from=[BatchStatus.OPEN]
    )


def test_a_receipt_is_returned_with_its_current_counts(client_of_alice: ApiClient, open_batch: Batch) -> None:
    receipt = stop(client_of_alice, open_batch)
    Receipt.objects.update(settled_at=None, in_flight=7, in_doubt=2, doubtful_messages=[512, 2**60])
    line = {
        "id": receipt.public_id,
        "batch_id": open_batch.public_id,
        "label": "Hello",
        "message_id": None,
        "action": "pause",
        "actor": "operator olga",
        "reason": "",
        "created_at": written_time(Receipt.objects.get().created_at),
        "settled": False,
        "settled_at": None,
        "sent": 0,
        "stopped": 3,
        "in_flight": 7,
        "in_doubt": 2,
        "ended": 0,
        "ended_before": 0,
        "affected": 0,
    }
    answer = client_of_alice.get(f"{RECEIPTS}/{receipt.public_id}")
    assert answer.status_code == 200
    assert answer.json() == {"data": {**line, "doubtful_messages": ["512", str(2**60)]}}
    assert client_of_alice.get(RECEIPTS).json() == {"data": [line], "pagination": {"limit": 100, "next": None}}


def test_the_list_has_the_newest_first_and_can_be_of_one_batch(
    client_of_alice: ApiClient, client_of_charlie: ApiClient
) -> None:
    alice = client_of_alice.account
    first, second = create_batch(alice), create_batch(alice)
    made = []
    for batch in (first, second, first):
        made += [stop(client_of_alice, batch), resume_batch(alice, batch.public_id, actor="operator olga")]
    of_charlie = stop(client_of_charlie, create_batch(client_of_charlie.account))
    ids = [receipt.public_id for receipt in reversed(made)]
    for limit in (1, 2, 3, 6, 7):
        assert [row["id"] for row in walk(client_of_alice, RECEIPTS, limit=limit)] == ids
    for batch, expected in ((first, ids[:2] + ids[4:]), (second, ids[2:4])):
        assert [row["id"] for row in walk(client_of_alice, RECEIPTS, limit=1, batch_id=batch.public_id)] == expected
    assert [row["id"] for row in client_of_charlie.get(RECEIPTS).json()["data"]] == [of_charlie.public_id]


def test_charlie_sees_no_receipt_of_alices(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, open_batch: Batch
) -> None:
    receipt = stop(client_of_alice, open_batch)
    for receipt_id in (receipt.public_id, "unknown"):
        answer = client_of_charlie.get(f"{RECEIPTS}/{receipt_id}")
        assert (answer.status_code, answer.json()) == (404, UNKNOWN)
        answer = client_of_charlie.get(f"{RECEIPTS}?after={receipt_id}")
        assert (answer.status_code, answer.json()) == (422, invalid(after=["The list has no such id."]))
    for batch_id in (open_batch.public_id, "unknown"):
        assert client_of_charlie.get(f"{RECEIPTS}?batch_id={batch_id}").json()["data"] == []


@further
def test_the_list_can_be_of_one_action(client_of_alice: ApiClient, client_of_charlie: ApiClient) -> None:
    alice, batch = client_of_alice.account, create_batch(client_of_alice.account)
    paused = stop(client_of_alice, batch)
    resumed = resume_batch(alice, batch.public_id, actor="operator olga")
    frozen = freeze_account(alice, actor="operator olga")
    stop(client_of_charlie, create_batch(client_of_charlie.account))
    for action, expected in (("pause", [paused]), ("resume", [resumed]), ("freeze", [frozen]), ("purge", [])):
        rows = walk(client_of_alice, RECEIPTS, action=action)
        assert [row["id"] for row in rows] == [each.public_id for each in expected]
    assert walk(client_of_alice, RECEIPTS, action="freeze", batch_id=batch.public_id) == []
    answer = client_of_alice.get(f"{RECEIPTS}?action=stop")
    assert answer.json() == invalid(action=['"stop" is not a valid choice.'])


def test_the_hidden_batch_is_never_named(client_of_alice: ApiClient) -> None:
    alice = client_of_alice.account
    accept_mail(alice, draft(1, send_at=SEND_AT))
    message_id = Message.objects.get().pk
    receipt = stop_message(alice, message_id, actor="operator olga")
    hidden = default_batch(alice)
    assert receipt.batch == hidden
    (line,) = client_of_alice.get(RECEIPTS).json()["data"]
    assert (line["batch_id"], line["message_id"], line["stopped"]) == (None, str(message_id), 1)
    told_alone = client_of_alice.get(f"{RECEIPTS}/{receipt.public_id}")
    assert hidden.public_id not in told_alone.content.decode()
    assert client_of_alice.get(f"{RECEIPTS}?batch_id={hidden.public_id}").json()["data"] == []


def test_receipts_of_the_whole_installation_belong_to_no_account(client_of_alice: ApiClient) -> None:
    receipt = freeze_installation(actor="operator olga")
    assert client_of_alice.get(RECEIPTS).json()["data"] == []
    answer = client_of_alice.get(f"{RECEIPTS}/{receipt.public_id}")
    assert (answer.status_code, answer.json()) == (404, UNKNOWN)
    assert client_of_alice.get(f"{RECEIPTS}?after={receipt.public_id}").status_code == 422
