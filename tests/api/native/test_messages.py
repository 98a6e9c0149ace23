"""Test the messages of a batch: by page, by state, and one by one."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from batches.handles import create_batch
from batches.models import PARCEL_SPAN, Batch, Parcel
from batches.states import BatchStatus
from batches.stop.control import stop_batch
from foundation.clock import database_now
from mailer import queries
from mailer.models import Event, EventKind, Mail, Message
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.sweep import sweep
from tests.api.conftest import ApiClient
from tests.api.native.bodies import STATES, invalid, walk, written_time
from tests.api.native.conftest import SEND_AT
from tests.drafts import draft
from tests.examples import further
from tests.peer import CountingPeer

MESSAGES = "/sluice/v1/messages"
UNKNOWN = {"error": {"code": "RESOURCE_NOT_FOUND", "message": "Message not found."}}


def messages_of(batch: Batch) -> str:
    return f"/sluice/v1/batches/{batch.public_id}/messages"


@pytest.fixture
def varied_batch(alice: Account, charlie: Account, deliverer: Deliverer, peer: CountingPeer) -> Batch:
    """Create a batch of Alice with messages in many states, in parcels between those of other batches.

    The messages are sent, refused, deferred, retained and scheduled.
    """
    batch, other = create_batch(alice), create_batch(charlie)
    peer.replies = {"now1@example.com": "550 no such user", "now2@example.com": "450 later"}
    for size in (5, 1):
        accept_mail(alice, draft(size, batch_id=batch.public_id, name="now"))
        accept_mail(charlie, draft(size, batch_id=other.public_id))
    deliverer.deliver_due(seconds=5)
    stop_batch(alice, batch.public_id, BatchStatus.PAUSED, actor="a test", allowed_from=[BatchStatus.OPEN])
    accept_mail(alice, draft(2, batch_id=batch.public_id, name="kept"))
    accept_mail(alice, draft(510, batch_id=batch.public_id, send_at=SEND_AT, name="later"))
    sweep()
    return batch


def test_a_message_is_returned_with_its_events(
    client_of_alice: ApiClient, due_batch: Batch, deliverer: Deliverer, peer: CountingPeer
) -> None:
    peer.replies["now1@example.com"] = "550 no such user"
    deliverer.deliver_due(seconds=5)
    page = client_of_alice.get(messages_of(due_batch)).json()
    mail, parcel = Mail.objects.get(), Parcel.objects.get()
    first = parcel.pk * PARCEL_SPAN
    (refused,) = Event.objects.filter(message_id=first + 1)
    assert page["pagination"] == {"limit": 100, "next": None}
    assert [row["state"] for row in page["data"]] == ["sent", "refused", "sent"]
    expected = {
        "id": str(first + 1),
        "message_id": f"<{mail.public_id}.{first + 1}@sluice.test>",
        "batch_id": due_batch.public_id,
        "recipient": "now1@example.com",
        "state": "refused",
        "send_at": written_time(parcel.send_at),
        "events": [{"kind": "refused", "at": written_time(refused.at), "recipient": None, "reply": "550 no such user"}],
    }
    assert page["data"][1] == expected
    answer = client_of_alice.get(f"{MESSAGES}/{first + 1}")
    assert (answer.status_code, answer.json()) == (200, {"data": expected})
    assert {taken.message_id for taken in peer.ledger} == {
        row["message_id"][1:-1] for row in page["data"] if row["state"] == "sent"
    }


def test_pages_are_complete_and_without_doubles_in_every_state(client_of_alice: ApiClient, varied_batch: Batch) -> None:
    path = messages_of(varied_batch)
    whole = walk(client_of_alice, path, limit=500)
    ids = [int(row["id"]) for row in whole]
    bases = Parcel.objects.filter(batch=varied_batch, attempts=0).values_list("pk", "size")
    assert ids == sorted(pk * PARCEL_SPAN + n for pk, size in bases for n in range(size))
    states = {row["state"] for row in whole}
    assert states == {"sent", "refused", "scheduled", "retained"}
    for limit in (97, 300):
        assert [row["id"] for row in walk(client_of_alice, path, limit=limit)] == [row["id"] for row in whole]
    for state in STATES:
        expected = [row["id"] for row in whole if row["state"] == state]
        for limit in (2, 500) if len(expected) < 100 else (200,):
            assert [row["id"] for row in walk(client_of_alice, path, state=state, limit=limit)] == expected


@further
def test_a_page_may_begin_anywhere(client_of_alice: ApiClient, varied_batch: Batch) -> None:
    ids = [int(row["id"]) for row in walk(client_of_alice, messages_of(varied_batch), limit=500)]
    chance = random.Random(7)
    for after in (0, ids[0] - 1, ids[-1], 2**62, *(chance.randrange(ids[0], ids[-1]) for _ in range(3))):
        page = client_of_alice.get(f"{messages_of(varied_batch)}?limit=3&after={after}").json()
        expected = [each for each in ids if each > after]
        assert [int(row["id"]) for row in page["data"]] == expected[:3]
        assert page["pagination"]["next"] == (str(expected[2]) if len(expected) > 3 else None)


@further
def test_a_search_by_state_is_cut_into_pages_that_look_at_little(
    client_of_alice: ApiClient, varied_batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the smallest bounds, pages are short or empty, and together they are still complete."""
    path = messages_of(varied_batch)
    whole = walk(client_of_alice, path, limit=500)
    for name, bound in {"PARCELS_LOOKED_AT": 1, "MESSAGES_LOOKED_AT": 100, "LOOK": 50}.items():
        monkeypatch.setattr(queries, name, bound)
    for state in ("sent", "refused", "retained", "expired"):
        expected = [row["id"] for row in whole if row["state"] == state]
        assert [row["id"] for row in walk(client_of_alice, path, state=state)] == expected
    empty = client_of_alice.get(f"{path}?state=retained").json()
    assert empty["data"] == []
    assert empty["pagination"]["next"] is not None


@further
def test_the_cost_of_a_page_does_not_grow_with_the_batch(client_of_alice: ApiClient, varied_batch: Batch) -> None:
    def statements(limit: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            client_of_alice.get(f"{messages_of(varied_batch)}?limit={limit}")
        return len(captured)

    assert statements(1) == statements(500) <= 10


def test_pages_are_read_by_indexes(open_batch: Batch) -> None:
    """Plans that only an empty table would get are switched off, since every plan is cheap there."""
    page = queries.PARCELS_OF_BATCH.format(may_hold="true")
    with transaction.atomic(), connection.cursor() as cursor:
        # As in a new database: entries of earlier tests in the indexes would make other plans look cheaper.
        cursor.execute("reindex table batches_parcel; analyze batches_parcel")
        cursor.execute("set local enable_seqscan = off; set local enable_sort = off")
        cursor.execute(f"explain {page}", {"batch": open_batch.pk, "first": 1, "limit": 100})
        assert "Index Cond: ((ROW(batch_id, id) >= ROW(" in str(cursor.fetchall())
        cursor.execute("set local enable_sort = on; set local enable_indexscan = off")
        assert "retries_by_base" in queries.parcels_that_hold([1, 2]).explain()


def test_only_the_newest_events_of_a_message_are_returned(client_of_alice: ApiClient, open_batch: Batch) -> None:
    message_id = Message.objects.order_by("pk").values_list("pk", flat=True)[0]
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into mailer_event (message_id, kind, at, fence, reply) "
            "select %s, %s, sluice_now(), 1, n::text from generate_series(1, 120) n",
            [message_id, EventKind.DEFERRED],
        )
    told_events = client_of_alice.get(f"{MESSAGES}/{message_id}").json()["data"]["events"]
    assert [event["reply"] for event in told_events] == [str(n) for n in range(21, 121)]


def test_mail_without_a_batch_is_found_without_a_batch_id(client_of_alice: ApiClient) -> None:
    accept_mail(client_of_alice.account, draft(1, send_at=SEND_AT))
    message = client_of_alice.get(f"{MESSAGES}/{Message.objects.get().pk}").json()["data"]
    assert (message["batch_id"], message["state"], message["send_at"]) == (
        None,
        "scheduled",
        "2100-01-01T12:00:00.000Z",
    )


def test_another_accounts_message_behaves_as_unknown(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, open_batch: Batch, subuser: Account
) -> None:
    message_id = Message.objects.order_by("pk").values_list("pk", flat=True)[0]
    assert client_of_alice.get(f"{MESSAGES}/{message_id}").status_code == 200
    for_subuser = {"On-Behalf-Of": subuser.username}
    for answer in (
        client_of_charlie.get(f"{MESSAGES}/{message_id}"),
        client_of_alice.get(f"{MESSAGES}/{message_id}", headers=for_subuser),
        client_of_alice.get(f"{MESSAGES}/{message_id + 3}"),
        client_of_alice.get(f"{MESSAGES}/0"),
        client_of_alice.get(f"{MESSAGES}/999999999999999999"),
    ):
        assert (answer.status_code, answer.json()) == (404, UNKNOWN)


def test_pruned_rows_are_deleted(client_of_alice: ApiClient, open_batch: Batch) -> None:
    message_id = Message.objects.order_by("pk").values_list("pk", flat=True)[0]
    Parcel.objects.all().delete()
    assert client_of_alice.get(f"{MESSAGES}/{message_id}").status_code == 404
    assert client_of_alice.get(messages_of(open_batch)).json()["data"] == []


def test_a_query_that_is_wrong_is_refused(client_of_alice: ApiClient, open_batch: Batch) -> None:
    for query in ("after=-1", "after=x", "after=9223372036854775808", "limit=501", "state=done", "state=accepted"):
        answer = client_of_alice.get(f"{messages_of(open_batch)}?{query}")
        assert answer.status_code == 422
        field = query.partition("=")[0]
        (text,) = answer.json()["error"]["details"][field]
        assert answer.json() == invalid(**{field: [text]})


def test_a_message_sent_between_two_reads_is_never_reported_in_doubt(
    due_batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = Message.objects.order_by("pk").values_list("pk", flat=True)[0]
    read_holders = queries.find_holders

    def read_then_send(message_ids: Any) -> Any:
        holders = read_holders(message_ids)
        with connection.cursor() as cursor:
            cursor.execute(
                "insert into mailer_event (message_id, kind, at, fence) values (%s, 1, %s, 1)",
                [message_id, database_now()],
            )
        Parcel.objects.update(members=b"\0" * 64)
        return holders

    monkeypatch.setattr(queries, "find_holders", read_then_send)
    assert queries.states_of([message_id]) == {message_id: "sent"}
