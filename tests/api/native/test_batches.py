"""Test the path /sluice/v1/batches: batches are created, listed and read."""

from __future__ import annotations

import datetime as dt
from typing import Any

from accounts.models import Account
from batches.handles import create_batch, default_batch
from batches.models import Batch
from batches.states import BatchStatus
from batches.stop.control import resume_batch, stop_batch
from batches.stop.freeze import freeze_account
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.sweep import sweep
from tests.api.conftest import ApiClient, NewClient
from tests.api.native.bodies import FORBIDDEN, NOT_FOUND, counts, invalid, walk, written_time
from tests.api.native.conftest import SEND_AT
from tests.drafts import draft
from tests.examples import further

BATCHES = "/sluice/v1/batches"


def test_a_new_batch_is_open(client_of_alice: ApiClient) -> None:
    answer = client_of_alice.post(BATCHES)
    batch = Batch.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "data": {
            "id": batch.public_id,
            "label": "",
            "status": "open",
            "since": written_time(batch.created_at),
            "paused_until": None,
            "retention_seconds": None,
            "version": 0,
            "created_at": written_time(batch.created_at),
        }
    }
    assert batch.account == client_of_alice.account


def test_a_batch_is_returned_with_its_counts_and_waves(client_of_alice: ApiClient, open_batch: Batch) -> None:
    later = SEND_AT + dt.timedelta(hours=1)
    accept_mail(client_of_alice.account, draft(2, batch_id=open_batch.public_id, send_at=later))
    batch = Batch.objects.get(pk=open_batch.pk)
    answer = client_of_alice.get(f"{BATCHES}/{batch.public_id}")
    assert answer.status_code == 200
    assert answer.json() == {
        "data": {
            "id": batch.public_id,
            "label": "Hello",
            "status": "open",
            "since": written_time(batch.created_at),
            "paused_until": None,
            "retention_seconds": None,
            "version": 0,
            "created_at": written_time(batch.created_at),
            "gate": "open",
            "waits": None,
            "messages": 5,
            "counts": counts(scheduled=5),
            "expires_at": None,
            "waves": [
                {
                    "send_at": "2100-01-01T13:00:00.000Z",
                    "messages": 2,
                    "counts": counts(scheduled=2),
                    "exact": True,
                    "expires_at": None,
                },
                {
                    "send_at": "2100-01-01T12:00:00.000Z",
                    "messages": 3,
                    "counts": counts(scheduled=3),
                    "exact": True,
                    "expires_at": None,
                },
            ],
        }
    }


@further
def test_retained_mail_has_the_time_at_which_it_expires(
    client_of_alice: ApiClient, due_batch: Batch, settings: Any
) -> None:
    settings.RETENTION_SECONDS = 3600
    batch_id, account = due_batch.public_id, client_of_alice.account
    stop_batch(account, batch_id, BatchStatus.PAUSED, actor="a test", allowed_from=[BatchStatus.OPEN])
    accept_mail(account, draft(1, batch_id=batch_id, send_at=SEND_AT))
    sweep()
    data = client_of_alice.get(f"{BATCHES}/{batch_id}").json()["data"]
    batch = Batch.objects.get()
    assert (data["status"], data["gate"], data["version"]) == ("paused", "paused", 1)
    assert data["waits"] == {"reason": "paused", "text": "It is paused."}
    assert data["since"] == written_time(batch.stopped_at)
    assert data["counts"] == counts(retained=3, scheduled=1)
    expires_at = batch.parcels.order_by("pk")[0].send_at + dt.timedelta(hours=1)
    assert data["expires_at"] == written_time(expires_at)
    assert [wave["expires_at"] for wave in data["waves"]] == [None, written_time(expires_at)]
    freeze_account(account, actor="a test")
    frozen = client_of_alice.get(f"{BATCHES}/{batch_id}").json()["data"]
    assert (frozen["status"], frozen["gate"], frozen["expires_at"]) == ("paused", "frozen", None)
    assert {wave["expires_at"] for wave in frozen["waves"]} == {None}


@further
def test_counts_and_waves_stay_when_the_batch_is_sent_and_folded(
    client_of_alice: ApiClient, due_batch: Batch, deliverer: Deliverer
) -> None:
    deliverer.deliver_due(seconds=5)
    sweep()
    data = client_of_alice.get(f"{BATCHES}/{due_batch.public_id}").json()["data"]
    assert data["counts"] == counts(sent=3)
    assert [(wave["messages"], wave["counts"]) for wave in data["waves"]] == [(3, counts(sent=3))]


def test_the_list_has_the_newest_first_and_never_the_hidden_one(
    client_of_alice: ApiClient, client_of_charlie: ApiClient
) -> None:
    alice = client_of_alice.account
    first, second, third = (create_batch(alice) for _ in range(3))
    default_batch(alice)
    of_charlie = create_batch(client_of_charlie.account)
    stop_batch(alice, second.public_id, BatchStatus.CANCELLED, actor="a test", allowed_from=[BatchStatus.OPEN])
    page = client_of_alice.get(f"{BATCHES}?limit=2").json()
    assert [row["id"] for row in page["data"]] == [third.public_id, second.public_id]
    assert page["pagination"] == {"limit": 2, "next": second.public_id}
    assert set(page["data"][0]) == {
        *("id", "label", "status", "since", "version", "created_at", "paused_until", "retention_seconds")
    }
    for limit in (1, 2, 3, 4):
        assert [row["id"] for row in walk(client_of_alice, BATCHES, limit=limit)] == [
            each.public_id for each in (third, second, first)
        ]
    for status, expected in (("open", [third, first]), ("cancelled", [second]), ("paused", [])):
        assert [row["id"] for row in walk(client_of_alice, BATCHES, limit=1, status=status)] == [
            each.public_id for each in expected
        ]
    assert [row["id"] for row in client_of_charlie.get(BATCHES).json()["data"]] == [of_charlie.public_id]


def test_a_page_continues_after_a_row_that_the_filter_no_longer_matches(client_of_alice: ApiClient) -> None:
    alice = client_of_alice.account
    first, second = create_batch(alice), create_batch(alice)
    for each in (first, second):
        stop_batch(alice, each.public_id, BatchStatus.PAUSED, actor="a test", allowed_from=[BatchStatus.OPEN])
    after = client_of_alice.get(f"{BATCHES}?status=paused&limit=1").json()["pagination"]["next"]
    resume_batch(alice, second.public_id, actor="a test")
    page = client_of_alice.get(f"{BATCHES}?status=paused&limit=1&after={after}").json()
    assert [row["id"] for row in page["data"]] == [first.public_id]


def test_charlie_sees_no_mail_of_alice(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, open_batch: Batch
) -> None:
    hidden = default_batch(client_of_alice.account)
    for client, batch_id in (
        (client_of_charlie, open_batch.public_id),
        (client_of_charlie, "unknown"),
        (client_of_alice, hidden.public_id),
    ):
        for path in (f"{BATCHES}/{batch_id}", f"{BATCHES}/{batch_id}/messages"):
            answer = client.get(path)
            assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    answer = client_of_charlie.get(f"{BATCHES}?after={open_batch.public_id}")
    assert (answer.status_code, answer.json()) == (422, invalid(after=["The list has no such id."]))


def test_on_behalf_of_makes_and_sees_the_subusers_batches(client_of_alice: ApiClient, subuser: Account) -> None:
    for_subuser = {"On-Behalf-Of": subuser.username}
    batch_id = client_of_alice.post(BATCHES, headers=for_subuser).json()["data"]["id"]
    assert Batch.objects.get().account == subuser
    assert client_of_alice.get(f"{BATCHES}/{batch_id}", headers=for_subuser).status_code == 200
    assert client_of_alice.get(f"{BATCHES}/{batch_id}").status_code == 404
    answer = client_of_alice.get(BATCHES, headers={"On-Behalf-Of": "charlie"})
    assert answer.status_code == 403
    assert answer.json() == {
        "error": {"code": "FORBIDDEN", "message": "On-Behalf-Of does not name a subuser of this account."}
    }


def test_errors_of_a_query_are_listed_by_field(client_of_alice: ApiClient) -> None:
    no_id = ["Null characters are not allowed.", "This value does not match the required pattern."]
    cases: list[tuple[str, dict[str, list[str]]]] = [
        ("limit=0", {"limit": ["Ensure this value is greater than or equal to 1."]}),
        ("limit=501", {"limit": ["Ensure this value is less than or equal to 500."]}),
        ("status=sent", {"status": ['"sent" is not a valid choice.']}),
        ("limit=x&after=.", {"limit": ["A valid integer is required."], "after": no_id[1:]}),
        ("after=%00", {"after": no_id}),
        ("state=open", {"state": ["This call does not have this field."]}),
    ]
    for query, details in cases:
        answer = client_of_alice.get(f"{BATCHES}?{query}")
        assert (answer.status_code, answer.json()) == (422, invalid(**details))


def test_each_call_needs_its_scope(alice: Account, new_client: NewClient) -> None:
    calls = [
        ("mail.batch.create", "POST", BATCHES, 201),
        ("mail.batch.read", "GET", BATCHES, 200),
        ("mail.batch.read", "GET", f"{BATCHES}/x", 404),
        ("messages.read", "GET", f"{BATCHES}/x/messages", 404),
        ("messages.read", "GET", "/sluice/v1/messages?state=held", 200),
        ("messages.read", "GET", "/sluice/v1/messages/1", 404),
        ("user.scheduled_sends.create", "POST", "/sluice/v1/messages/1/cancel", 404),
        ("user.scheduled_sends.update", "POST", "/sluice/v1/messages/1/reschedule", 422),
        ("user.scheduled_sends.update", "POST", "/sluice/v1/messages/replay", 422),
        ("user.scheduled_sends.update", "POST", "/sluice/v1/messages/drop", 422),
        ("user.scheduled_sends.create", "POST", f"{BATCHES}/x/pause", 404),
        ("user.scheduled_sends.create", "POST", f"{BATCHES}/x/cancel", 404),
        ("user.scheduled_sends.delete", "POST", f"{BATCHES}/x/resume", 404),
        ("user.scheduled_sends.update", "POST", f"{BATCHES}/x/reschedule", 422),
        ("sluice.receipts.read", "GET", "/sluice/v1/receipts", 200),
        ("sluice.receipts.read", "GET", "/sluice/v1/receipts/x", 404),
        ("sluice.account.read", "GET", "/sluice/v1/account", 200),
        ("sluice.account.update", "PATCH", "/sluice/v1/account", 200),
        ("sluice.account.update", "POST", "/sluice/v1/account/freeze", 200),
        ("sluice.account.update", "POST", "/sluice/v1/account/purge", 200),
        ("sluice.account.update", "POST", "/sluice/v1/account/thaw", 200),
    ]
    scopes = sorted({scope for scope, *_ in calls})
    clients = {scope: new_client(alice, [scope]) for scope in scopes}
    others = {scope: new_client(alice, [each for each in scopes if each != scope]) for scope in scopes}
    for scope, method, path, status in calls:
        refused = others[scope].ask(method, path)
        assert (refused.status_code, refused.json()) == (403, FORBIDDEN), path
        assert clients[scope].ask(method, path).status_code == status, path
