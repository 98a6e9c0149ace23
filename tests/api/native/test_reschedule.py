"""A batch or one message is moved to another time."""

from __future__ import annotations

import datetime as dt

import pytest

from accounts.models import Account
from batches.handles import create_batch, default_batch
from batches.models import Batch, Parcel, Receipt
from batches.states import BatchStatus, ParcelState
from foundation.clock import database_now
from mailer.models import Message
from mailer.pipeline.accept import accept_mail
from tests.api.conftest import ApiClient
from tests.api.native.bodies import NO_MESSAGE, NOT_FOUND, UNKNOWN_FIELD, WRONG_TIMES, counts, invalid, written_time
from tests.api.native.conftest import SEND_AT
from tests.drafts import draft

REQUIRED = "This field is required."


def path_of(target: Batch | int) -> str:
    kind, name = ("batches", target.public_id) if isinstance(target, Batch) else ("messages", str(target))
    return f"/sluice/v1/{kind}/{name}/reschedule"


def first_message() -> int:
    return Message.objects.order_by("pk").values_list("pk", flat=True)[0]


def tomorrow() -> dt.datetime:
    return (database_now() + dt.timedelta(days=1)).replace(microsecond=0)


def test_a_batch_is_rescheduled(client_of_alice: ApiClient, open_batch: Batch) -> None:
    send_at = tomorrow()
    body = {"send_at": send_at.astimezone(dt.timezone(dt.timedelta(hours=-5))).isoformat(), "reason": "storm"}
    answer = client_of_alice.post(path_of(open_batch), body)
    receipt = Receipt.objects.get()
    data = answer.json()["data"]
    assert (answer.status_code, answer["X-Sluice-Receipt"], data["id"]) == (200, receipt.public_id, receipt.public_id)
    assert (answer["X-Sluice-Settled"], answer["X-Sluice-Sent"]) == ("true", "0")
    assert (data["action"], data["reason"], data["affected"]) == ("reschedule", "storm", 3)
    assert (data["batch_id"], data["message_id"]) == (open_batch.public_id, None)
    assert {parcel.send_at for parcel in Parcel.objects.all()} == {send_at}


def test_a_time_that_has_passed_means_now(client_of_alice: ApiClient, open_batch: Batch) -> None:
    message_id = first_message()
    for target, scheduled in ((message_id, 2), (open_batch, 0)):
        assert client_of_alice.post(path_of(target), {"send_at": "0001-01-01T00:00:00Z"}).status_code == 200
        counted = client_of_alice.get(f"/sluice/v1/batches/{open_batch.public_id}").json()["data"]["counts"]
        assert counted == counts(scheduled=scheduled, due=3 - scheduled)
    waiting = Parcel.objects.exclude(state=ParcelState.DONE)
    assert {parcel.send_at <= database_now() for parcel in waiting} == {True}


def test_one_message_is_rescheduled_with_a_receipt(client_of_alice: ApiClient, open_batch: Batch) -> None:
    message_id, send_at = first_message(), tomorrow()
    answer = client_of_alice.post(path_of(message_id), {"send_at": written_time(send_at), "reason": "storm"})
    data = answer.json()["data"]
    assert (answer.status_code, answer["X-Sluice-Receipt"]) == (200, data["id"])
    assert (data["action"], data["reason"], data["affected"], data["settled"]) == ("reschedule", "storm", 1, True)
    assert (data["batch_id"], data["message_id"]) == (open_batch.public_id, str(message_id))
    messages = client_of_alice.get(f"/sluice/v1/batches/{open_batch.public_id}/messages").json()["data"]
    assert [(row["state"], row["send_at"]) for row in messages] == [
        ("scheduled", written_time(send_at)),
        *[("scheduled", written_time(SEND_AT))] * 2,
    ]


def test_a_dry_run_returns_the_pending_counts_and_changes_nothing(
    client_of_alice: ApiClient, open_batch: Batch
) -> None:
    accept_mail(client_of_alice.account, draft(2, batch_id=open_batch.public_id))
    # A worker has claimed it and would send it.
    in_hand = Parcel.objects.get(state=ParcelState.DUE)
    Parcel.objects.filter(pk=in_hand.pk).update(state=ParcelState.CLAIMED, worker_id=1)
    before = list(Parcel.objects.order_by("pk").values())
    answer = client_of_alice.post(path_of(open_batch), {"send_at": written_time(tomorrow()), "dry_run": True})
    assert answer.json() == {
        "data": {
            "dry_run": True,
            "action": "reschedule",
            "batch_id": open_batch.public_id,
            "status": "open",
            "affected": 3,
            "messages": 5,
            "counts": counts(scheduled=3, claimed=2),
        }
    }
    assert "X-Sluice-Receipt" not in answer
    assert list(Parcel.objects.order_by("pk").values()) == before
    assert not Receipt.objects.exists()


def test_a_cancelled_batch_is_not_rescheduled(client_of_alice: ApiClient, open_batch: Batch) -> None:
    Batch.objects.update(status=BatchStatus.CANCELLED, stopped_at=database_now())
    bodies = [{"send_at": written_time(tomorrow())}, {"send_at": written_time(tomorrow()), "dry_run": True}]
    for target, body in ((open_batch, bodies[0]), (open_batch, bodies[1]), (first_message(), bodies[0])):
        answer = client_of_alice.post(path_of(target), body)
        message = "This cannot be done now: the batch is cancelled."
        assert (answer.status_code, answer.json()) == (
            409,
            {"error": {"code": "BATCH_STATUS_CONFLICT", "message": message}},
        )
    assert not Receipt.objects.exists()


def test_a_message_in_a_final_state_is_not_rescheduled(client_of_alice: ApiClient, doubtful_batch: Batch) -> None:
    sent = first_message()
    for message_id, state in ((sent, "sent"), (sent + 1, "in doubt")):
        answer = client_of_alice.post(path_of(message_id), {"send_at": written_time(tomorrow())})
        message = f"This cannot be done now: the message is {state}."
        assert (answer.status_code, answer.json()) == (409, {"error": {"code": "MESSAGE_ENDED", "message": message}})
    assert not Receipt.objects.exists()


@pytest.mark.parametrize("is_batch", [True, False])
def test_an_invalid_time_changes_nothing(is_batch: bool, client_of_alice: ApiClient, open_batch: Batch) -> None:
    path, when = path_of(open_batch if is_batch else first_message()), written_time(tomorrow())
    for wrong, text in [*WRONG_TIMES, (None, "This field may not be null.")]:
        answer = client_of_alice.post(path, {"send_at": wrong})
        assert (answer.status_code, answer.json()) == (422, invalid(send_at=[text])), wrong
    assert client_of_alice.post(path).json() == invalid(send_at=[REQUIRED])
    assert client_of_alice.post(path, {"sendat": when}).json() == invalid(send_at=[REQUIRED], sendat=[UNKNOWN_FIELD])
    assert client_of_alice.post(f"{path}?dry_run=1", {"send_at": when}).json() == invalid(dry_run=[UNKNOWN_FIELD])
    if not is_batch:
        answer = client_of_alice.post(path, {"send_at": when, "dry_run": True})
        assert answer.json() == invalid(dry_run=[UNKNOWN_FIELD])
    assert {parcel.send_at for parcel in Parcel.objects.all()} == {SEND_AT}
    assert not Receipt.objects.exists()


def test_charlie_cannot_reschedule_alices_mail(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, open_batch: Batch, subuser: Account
) -> None:
    hidden, of_subuser = default_batch(client_of_alice.account), create_batch(subuser)
    body = {"send_at": written_time(tomorrow())}
    for client, batch in (
        *((client_of_charlie, each) for each in (open_batch, of_subuser)),
        *((client_of_alice, each) for each in (hidden, of_subuser)),
    ):
        for variant in (body, body | {"dry_run": True}):
            answer = client.post(path_of(batch), variant)
            assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    answer = client_of_charlie.post(path_of(first_message()), body)
    assert (answer.status_code, answer.json()) == (404, NO_MESSAGE)
    assert client_of_alice.post(path_of(of_subuser), body, headers={"On-Behalf-Of": "alice-shop"}).status_code == 200
    assert {parcel.send_at for parcel in Parcel.objects.all()} == {SEND_AT}
