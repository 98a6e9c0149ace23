"""One message is stopped."""

from __future__ import annotations

from typing import Any

from batches.claims import Claimer
from batches.models import Batch, Receipt
from batches.states import Lane
from mailer.models import Message
from tests.api.conftest import ApiClient
from tests.api.native.bodies import NO_MESSAGE, UNKNOWN_FIELD, invalid, written_time


def path_of(message_id: int) -> str:
    return f"/sluice/v1/messages/{message_id}/cancel"


def ids() -> list[int]:
    return list(Message.objects.order_by("pk").values_list("pk", flat=True))


def state_of(client: ApiClient, message_id: int) -> str:
    return str(client.get(f"/sluice/v1/messages/{message_id}").json()["data"]["state"])


def test_one_message_is_stopped(client_of_alice: ApiClient, open_batch: Batch) -> None:
    first, second, _ = ids()
    answer = client_of_alice.post(path_of(first), {"reason": "wrong address"})
    receipt = Receipt.objects.get()
    assert answer.status_code == 200
    assert answer.json() == {
        "data": {
            "id": receipt.public_id,
            "batch_id": open_batch.public_id,
            "label": "Hello",
            "message_id": str(first),
            "action": "cancel",
            "actor": f"key {client_of_alice.key.key_id} (a test's key)",
            "reason": "wrong address",
            "created_at": written_time(receipt.created_at),
            "settled": True,
            "settled_at": written_time(receipt.settled_at),
            "sent": 0,
            "stopped": 1,
            "ended_before": 0,
            "in_flight": 0,
            "in_doubt": 0,
            "ended": 0,
            "affected": 0,
            "doubtful_messages": [],
        }
    }
    headers = [answer[f"X-Sluice-{name}"] for name in ("Settled", "Sent", "Receipt")]
    assert headers == ["true", "0", receipt.public_id]
    assert (state_of(client_of_alice, first), state_of(client_of_alice, second)) == ("stopped", "scheduled")


def test_stopping_a_sent_or_doubtful_message_reports_it(client_of_alice: ApiClient, doubtful_batch: Batch) -> None:
    sent, doubtful, _ = ids()
    answer = client_of_alice.post(path_of(sent))
    data = answer.json()["data"]
    assert (answer.status_code, answer["X-Sluice-Sent"]) == (200, "1")
    assert (data["sent"], data["stopped"], data["in_doubt"]) == (1, 0, 0)
    data = client_of_alice.post(path_of(doubtful)).json()["data"]
    assert (data["sent"], data["in_doubt"], data["doubtful_messages"]) == (0, 1, [str(doubtful)])


def test_a_message_that_was_stopped_has_ended(client_of_alice: ApiClient, open_batch: Batch) -> None:
    for stopped, ended in ((1, 0), (0, 1)):
        answer = client_of_alice.post(path_of(ids()[0]))
        data = answer.json()["data"]
        assert (answer.status_code, data["stopped"], data["ended"]) == (200, stopped, ended)


def test_a_worker_that_keeps_the_parcel_causes_a_conflict(
    client_of_alice: ApiClient, due_batch: Batch, settings: Any
) -> None:
    Claimer().claim_next(Lane.TRANSACTIONAL)
    settings.STOP_WAIT_SECONDS = 0
    for action, body in (("cancel", None), ("reschedule", {"send_at": "2020-01-01T00:00:00Z"})):
        answer = client_of_alice.post(f"/sluice/v1/messages/{ids()[0]}/{action}", body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "MESSAGE_IN_FLIGHT")
    assert not Receipt.objects.exists()


def test_stopping_an_unknown_batch_is_an_error(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, open_batch: Batch
) -> None:
    first = ids()[0]
    for client, message_id in (
        (client_of_charlie, first),
        *((client_of_alice, each) for each in (0, first + 3, first + 511, 10**18 - 1)),
    ):
        answer = client.post(path_of(message_id))
        assert (answer.status_code, answer.json()) == (404, NO_MESSAGE), message_id
    for query, body, field in (("", {"dry_run": True}, "dry_run"), ("?reason=x", None, "reason")):
        answer = client_of_alice.post(path_of(first) + query, body)
        assert (answer.status_code, answer.json()) == (422, invalid(**{field: [UNKNOWN_FIELD]}))
    assert not Receipt.objects.exists()
    assert state_of(client_of_alice, first) == "scheduled"
