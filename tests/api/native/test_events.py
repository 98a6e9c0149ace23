"""Test GET events: every event of the account is listed once, in pages, and no event of another account."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts.models import Account
from batches.models import PARCEL_SPAN, Batch, Parcel
from events.log.publishing import publish_events
from foundation.clock import database_now
from mailer.models import Event, EventKind, Message
from mailer.outcomes.writing import Entry, NewEvent, write_events
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from tests.api.conftest import ApiClient
from tests.api.native.bodies import written_time
from tests.drafts import draft
from tests.events.elsewhere import in_another_session
from tests.peer import CountingPeer

EVENTS = "/sluice/v1/events"


def pull(client: ApiClient, after: str = "0", limit: int = 100) -> tuple[list[dict[str, Any]], str]:
    """Return the events of a page and the position behind it."""
    answer = client.get(f"{EVENTS}?after={after}&limit={limit}")
    assert answer.status_code == 200, answer.content
    body = answer.json()
    return body["data"], body["pagination"]["next"]


def test_pages_have_every_event_of_the_account_once(
    alice: Account,
    charlie: Account,
    client_of_alice: ApiClient,
    due_batch: Batch,
    deliverer: Deliverer,
    peer: CountingPeer,
) -> None:
    peer.replies = {"now1@example.com": "550 5.1.1 no such user"}
    accept_mail(charlie, draft(2, name="other"))
    accept_mail(alice, draft(9))
    deliverer.deliver_due(seconds=5)
    publish_events()

    events, position = pull(client_of_alice)
    assert len(events) == 12
    assert pull(client_of_alice, position) == ([], position)
    refused = next(event for event in events if event["kind"] == "refused")
    message = Message.objects.get(recipient="now1@example.com")
    assert refused == {
        "id": refused["id"],
        "kind": "refused",
        "at": written_time(Event.objects.get(kind=EventKind.REFUSED).at),
        "message": str(message.pk),
        "x_message_id": refused["x_message_id"],
        "batch_id": due_batch.public_id,
        "recipient": "now1@example.com",
        "reply": "550 5.1.1 no such user",
        "classification": "Invalid Address",
        "list": "bounce",
        "is_encrypted": False,
        "categories": [],
        "custom_args": {},
    }

    pages, after = [], "0"
    while (page := pull(client_of_alice, after, 5))[0]:
        pages += page[0]
        after = page[1]
    assert pages == events
    assert {event["batch_id"] for event in events} == {due_batch.public_id, None}


def test_an_event_that_commits_late_is_on_a_later_page(
    alice: Account, client_of_alice: ApiClient, due_batch: Batch
) -> None:
    parcel = Parcel.objects.get()

    def write(kind: EventKind) -> None:
        write_events([Entry(parcel, int(kind), events=[NewEvent(parcel.pk * PARCEL_SPAN, kind)])], database_now())

    def write_and_publish() -> None:
        with transaction.atomic():
            write(EventKind.IN_DOUBT)
        publish_events()

    with in_another_session() as elsewhere, transaction.atomic():
        write(EventKind.HELD)
        elsewhere(write_and_publish)
        first, position = pull(client_of_alice)
    publish_events()
    second, _ = pull(client_of_alice, position)
    assert [event["kind"] for event in (*first, *second)] == ["in_doubt", "held"]


def test_a_query_that_makes_no_sense_is_refused(client_of_alice: ApiClient) -> None:
    for query in ("after=x", "after=1.", "after=1.2.3", "limit=0", "limit=1001", "before=1"):
        answer = client_of_alice.get(f"{EVENTS}?{query}")
        fields = list(answer.json()["error"]["details"])
        assert (answer.status_code, fields) == (422, [query.partition("=")[0]]), query
