"""Test the log: every event gets a place, places never come below one that was read, and events are read once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from django.conf import settings
from django.db import connection, transaction

from accounts.models import Account
from batches.claims import to_mask
from batches.models import PARCEL_SPAN, Parcel
from batches.moving import split_off, take_out
from events.log.publishing import publish_events, publish_page
from events.log.reading import Happened, Position, Reader
from events.log.retention import delete_old_entries
from events.models import Dialect, Lane, LogEntry
from events.webhooks.endpoints import create_endpoint, disable
from foundation.clock import database_now
from mailer.draft import Address
from mailer.models import EventKind, LogNotice, Message, Suppression, SuppressionKind
from mailer.outcomes.writing import Entry, NewEvent, write_events
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.suppressions.leaving import find_link_holder, leave
from mailer.suppressions.links import Link
from mailer.sweep import sweep
from tests.conftest import Clock
from tests.drafts import draft
from tests.events.elsewhere import in_another_session
from tests.peer import CountingPeer

BEGINNING = Position(0)


def read(account: Account, after: Position = BEGINNING) -> list[Happened]:
    """Return all events of an account behind a position."""
    return [event for _, events in Reader(account.pk).read_after(after) for event in events]


def shown(events: list[Happened]) -> list[tuple[str, str]]:
    return [(EventKind(event.kind).label, event.recipient) for event in events]


@pytest.fixture
def parcel(alice: Account) -> Parcel:
    """Accept a message of Alice that is not sent yet."""
    accept_mail(alice, draft(1, send_at=None))
    return Parcel.objects.get()


def write(parcel: Parcel, kind: EventKind = EventKind.IN_DOUBT, fence: int = 1) -> None:
    """Write an event of the first message of a parcel."""
    event = NewEvent(parcel.pk * PARCEL_SPAN, kind)
    with transaction.atomic():
        write_events([Entry(parcel, fence, events=[event])], database_now())


def test_every_event_is_read_once_for_each_recipient(
    alice: Account, charlie: Account, deliverer: Deliverer, peer: CountingPeer
) -> None:
    peer.replies |= {"to1@example.com": "550 5.1.1 unknown", "to2@example.com": "451 later"}
    Suppression.objects.create(account=alice, email="to3@example.com", kind=SuppressionKind.GLOBAL)
    accept_mail(alice, draft(12))
    accept_mail(charlie, draft(1, name="other"))
    deliverer.deliver_due(seconds=5)
    message = Message.objects.get(recipient="to4@example.com")
    leave(find_link_holder(Link(alice.pk, 0, message.pk, "to4@example.com")))

    assert publish_events() == 3
    assert not LogNotice.objects.exists()
    events = read(alice)
    assert Counter(shown(events)) == Counter(
        [
            *(("sent", f"to{n}@example.com") for n in (0, *range(4, 12))),
            ("refused", "to1@example.com"),
            ("deferred", "to2@example.com"),
            ("dropped", "to3@example.com"),
            ("unsubscribed", "to4@example.com"),
        ]
    )
    assert len({event.id for event in events}) == 13
    assert {event.is_first for event in events if event.kind == EventKind.SENT} == {True}
    assert shown(read(charlie)) == [("sent", "other0@example.com")]


def test_attempts_are_counted_across_places(
    alice: Account, deliverer: Deliverer, peer: CountingPeer, clock: Clock
) -> None:
    peer.replies["to0@example.com"] = "451 later"
    accept_mail(alice, draft(9))
    for _ in range(2):
        deliverer.deliver_due(seconds=5)
        clock.advance(hours=1)
        sweep()
    peer.replies.clear()
    deliverer.deliver_due(seconds=5)
    publish_events()

    events = [event for event in read(alice) if event.recipient == "to0@example.com"]
    assert [(EventKind(event.kind).label, event.is_first, event.attempt) for event in events] == [
        ("deferred", True, 1),
        ("deferred", False, 2),
        ("sent", False, 3),
    ]


def test_events_of_all_recipients_are_read_for_those_who_have_no_outcome(
    alice: Account, deliverer: Deliverer, peer: CountingPeer
) -> None:
    mail = draft(1)
    personalization = mail.personalizations[0]._replace(
        to=(Address("a@example.com"), Address("b@example.com")),
        cc=(Address("c@example.com"),),
        bcc=(Address("d@example.com"),),
    )
    accept_mail(alice, replace(mail, personalizations=(personalization,)))
    peer.replies["b@example.com"] = "550 5.1.1 unknown"
    deliverer.deliver_due(seconds=5)
    parcel = Parcel.objects.get()
    write(parcel, EventKind.EXPIRED, fence=7)
    accept_mail(alice, replace(mail, personalizations=(personalization._replace(to=(Address("e@example.com"),)),)))
    deliverer.deliver_due(seconds=5)
    publish_events()

    events = read(alice)
    assert Counter(shown(events)) == Counter(
        [("refused", "b@example.com"), *(("sent", f"{name}@example.com") for name in "acdecd")]
    )
    assert len({event.id for event in events}) == 7


def test_events_of_two_parts_of_a_parcel_that_are_claimed_together_are_read_once(
    alice: Account, deliverer: Deliverer, parcel: Parcel
) -> None:
    accept_mail(alice, draft(20, name="part", send_at=None))
    whole = Parcel.objects.exclude(pk=parcel.pk).get()
    part = to_mask(whole.members, whole.size) >> 10
    with transaction.atomic():
        take_out(whole, part, "moved")
        split_off(whole, part, state=whole.state, due_at=whole.due_at, attempts=0, is_remainder=False, is_replay=False)
    deliverer.deliver_due(seconds=5)
    publish_events()

    events = read(alice)
    assert Counter(event.recipient for event in events) == Counter(
        ["to0@example.com", *(f"part{n}@example.com" for n in range(20))]
    )


@pytest.fixture
def held_open_elsewhere() -> Iterator[None]:
    """Hold a transaction with an id open in another database of the server."""
    with (
        psycopg.connect(**{**connection.get_connection_params(), "dbname": "postgres"}) as other,
        other.transaction(force_rollback=True),
    ):
        other.execute("create temp table held (n int)")
        yield


@pytest.mark.usefixtures("held_open_elsewhere")
def test_an_event_that_commits_late_is_not_skipped(alice: Account, parcel: Parcel) -> None:
    with transaction.atomic():
        write_events([Entry(parcel, 1, events=[NewEvent(parcel.pk * PARCEL_SPAN, EventKind.HELD)])], database_now())
        with in_another_session() as elsewhere:
            elsewhere(write, parcel, EventKind.IN_DOUBT, 2)
            assert elsewhere(publish_events) == 1
            first = elsewhere(read, alice)
            [place] = elsewhere(lambda: list(LogEntry.objects.values_list("place", flat=True)))
    assert shown(first) == [("in doubt", "to0@example.com")]
    assert publish_events() == 1
    assert shown(read(alice, Position(place))) == [("held", "to0@example.com")]


def test_one_publisher_works_at_a_time_and_a_crash_loses_nothing(alice: Account, parcel: Parcel) -> None:
    write(parcel)
    with in_another_session() as elsewhere:
        with transaction.atomic():
            assert publish_page() == 1
            assert elsewhere(publish_page) == 0
            transaction.set_rollback(True)
        assert not LogEntry.objects.exists()
        assert elsewhere(publish_page) == 1
    assert len(read(alice)) == 1


def test_an_entry_goes_with_its_history(alice: Account, charlie: Account, parcel: Parcel, clock: Clock) -> None:
    write(parcel)
    publish_events()
    clock.advance(hours=24 * settings.HISTORY_DAYS - 1)
    write(parcel, fence=2)
    publish_events()
    assert sum(delete_old_entries()) == 0
    clock.advance(hours=2)
    create_endpoint(charlie, Dialect.NATIVE, "https://example.com")
    endpoint = create_endpoint(alice, Dialect.NATIVE, "https://example.com")
    Lane.objects.filter(number=0).update(place=0)
    assert sum(delete_old_entries()) == 0, "a lane still has to read it"
    disable(endpoint)
    assert sum(delete_old_entries()) == 1
    assert LogEntry.objects.count() == 1
