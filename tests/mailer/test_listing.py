"""Test lists of messages by filters: each page is compared with what a look at every message finds, both ways."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from batches.admit import admit_batch
from batches.claims import Claimer
from batches.handles import create_batch
from batches.models import PARCEL_SPAN, Parcel
from batches.states import BatchStatus
from batches.stop.control import stop_batch
from batches.sweep import fold_final
from foundation.clock import database_now
from mailer.in_hand import Selection, Why, drop
from mailer.listing import finding, parcels
from mailer.listing.filters import MOVABLE, REPLIES, STATES, WAITING, Filters
from mailer.listing.finding import find_messages
from mailer.listing.parcels import NEWEST, Place
from mailer.models import Event, EventKind, Mail, Message
from mailer.one_message import reschedule_message, stop_message
from mailer.outcomes.reading import read_events
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.pipeline.rescue import rescue_parcel
from mailer.queries import find_holders, states_of
from tests.drafts import draft, mail_to
from tests.examples import further
from tests.mailer.claimed import claim_and_look
from tests.peer import CountingPeer

DAY = dt.timedelta(days=1)
SEVERAL = {WAITING: {"scheduled", "due", "claimed", "retained", "held"}}


def list_all(filters: Filters, *, limit: int = 7, is_upward: bool = False) -> list[int]:
    """Return the whole list, read page by page."""
    place = Place(-1, is_upward=True) if is_upward else Place()
    ids: list[int] = []
    while True:
        page = find_messages(filters, place, limit=limit)
        assert len(page.ids) <= limit
        ids += page.ids
        if page.end is None:
            return ids
        assert place.is_ahead(page.end), "each page gets further"
        place = place._replace(message_id=page.end)


@pytest.fixture
def history(alice: Account, charlie: Account, deliverer: Deliverer, peer: CountingPeer) -> None:
    """Make messages in every state but `claimed`, of two accounts, in batches and without."""
    now = database_now()
    peer.replies |= {
        "refused1@example.com": "550 5.1.1 no such user",
        "refused2@example.net": "554 5.7.1 message content rejected as spam",
        "later@example.com": "452 4.2.2 mailbox full",
    }
    first = create_batch(alice)
    accept_mail(alice, mail_to("a@example.com", "refused1@example.com", "later@example.com", batch_id=first.public_id))
    accept_mail(charlie, mail_to("b@Example.NET", "refused2@example.net", "c@bücher.example"))
    accept_mail(alice, draft(12, name="plain"))
    deliverer.deliver_due(seconds=5)
    for account in (alice, charlie):
        tomorrow, paused, cancelled = create_batch(account), create_batch(account), create_batch(account)
        accept_mail(account, replace(draft(5, name="t"), batch_id=tomorrow.public_id, send_at=now + DAY))
        for batch, status in ((paused, BatchStatus.PAUSED), (cancelled, BatchStatus.CANCELLED)):
            accept_mail(account, mail_to("x@example.org", "y@example.com", batch_id=batch.public_id))
            stop_batch(account, batch.public_id, status, actor="a", allowed_from=[BatchStatus.OPEN])
            admit_batch(batch.pk)
        moved = Parcel.objects.get(batch=tomorrow)
        reschedule_message(account, moved.pk * PARCEL_SPAN + 1, now + 3 * DAY, actor="a")
        stop_message(account, moved.pk * PARCEL_SPAN + 2, actor="a")
    accept_mail(alice, mail_to("h1@example.com", "h2@example.com"))
    Parcel.objects.filter(pk=Parcel.objects.latest("pk").pk).update(state=7)
    drop(alice, Selection(Why.HELD, message_ids=frozenset({Parcel.objects.latest("pk").pk * PARCEL_SPAN})), actor="a")
    accept_mail(charlie, draft(60, name="doubt"))
    claim = claim_and_look(Claimer())
    rescue_parcel(claim.parcel_id, claim.fence)
    fold_final()


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let every page look at few parcels and messages."""
    monkeypatch.setattr(parcels, "PARCELS_LOOKED_AT", 2)
    monkeypatch.setattr(parcels, "PARCELS_OF_ACCOUNT", 2)
    monkeypatch.setattr(parcels, "PARCELS_CHOSEN", 1)
    monkeypatch.setattr(finding, "MESSAGES_LOOKED_AT", 3)
    return


class Known:
    """Everything that is known about all messages, read at once."""

    def __init__(self) -> None:
        self.messages = list(Message.objects.order_by("-pk"))
        ids = [message.pk for message in self.messages]
        self.states, self.holders, self.events = states_of(ids), find_holders(ids), read_events(ids)
        self.parcels = Parcel.objects.in_bulk()

    def matching(self, filters: Filters) -> list[int]:
        """Return the ids of all messages that meet filters without a text, the newest first."""
        return [message.pk for message in self.messages if self.is_met(filters, message)]

    def is_met(self, filters: Filters, message: Message) -> bool:
        first, holder = self.parcels[message.pk // PARCEL_SPAN], self.holders.get(message.pk)
        send_at = holder.send_at if holder else first.send_at
        domain = message.recipient.partition("@")[2].lower().replace("bücher", "xn--bcher-kva")
        failures = (EventKind.REFUSED, EventKind.DEFERRED)
        reasons = {event.classification for event in self.events.get(message.pk, []) if event.kind in failures}
        return (
            filters.account in (None, first.account)
            and filters.batch in (None, first.batch)
            and (not filters.state or self.states[message.pk] in SEVERAL.get(filters.state, {filters.state}))
            and filters.day in (None, send_at.date())
            and filters.domain in ("", domain)
            and (not filters.reply or bool(reasons & REPLIES[filters.reply][1]))
        )


def combinations(alice: Account, charlie: Account) -> Iterator[Filters]:
    """Yield filters, one by one and combined."""
    today = database_now().date()
    days = [today, today + DAY, today + 3 * DAY]
    for account in (None, alice, charlie):
        mine = Filters(account=account)
        yield mine
        yield from (replace(mine, state=state) for state in (*STATES, WAITING))
        yield from (replace(mine, domain=domain) for domain in ("example.com", "example.net", "xn--bcher-kva.example"))
        yield from (replace(mine, reply=reply) for reply in REPLIES)
        yield from (replace(mine, day=day) for day in days)
        yield from (replace(mine, day=day, state="scheduled", domain="example.com") for day in days)
        yield replace(mine, state="refused", domain="example.com", reply="any", day=today)
        yield replace(mine, state="due", reply="any")
    for batch in alice.batches.all():
        yield from (Filters(batch=batch, state=state) for state in ("", "refused", "scheduled", WAITING, "in_doubt"))


def test_every_filter_finds_what_a_look_at_all_messages_finds(
    history: None, alice: Account, charlie: Account, step: int
) -> None:
    known, matched = Known(), 0
    for filters in list(combinations(alice, charlie))[::step]:
        expected = known.matching(filters)
        matched += len(expected)
        assert list_all(filters, limit=20) == expected, filters.as_query()
    assert matched > 300 // step, "the filters find something"
    assert set(known.states.values()) == set(STATES) - {"claimed", "expired"}


@further
def test_pages_that_look_at_little_find_the_same_in_both_directions(
    history: None, small_windows: None, alice: Account, charlie: Account
) -> None:
    known = Known()
    for filters in list(combinations(alice, charlie))[::4]:
        expected = known.matching(filters)
        assert list_all(filters) == expected, filters.as_query()
        assert list_all(filters, is_upward=True) == expected[::-1], filters.as_query()


@further
def test_a_search_keeps_to_the_other_filters(history: None, alice: Account, charlie: Account) -> None:
    mail = Mail.objects.filter(account=charlie).order_by("pk")[0]
    of_mail = list(Message.objects.filter(mail_id=mail.pk).order_by("-pk").values_list("pk", flat=True))
    for text in (mail.public_id, "c@bücher.example", "c@xn--bcher-kva.example", str(of_mail[0])):
        listed = list_all(Filters(text=text))
        assert listed, text
        assert set(listed) <= set(of_mail), text
        assert list_all(Filters(text=text, account=charlie)) == listed
        assert list_all(Filters(text=text, account=alice)) == [], "Charlie's mail is not Alice's"
    batch = alice.batches.filter(is_default=False).order_by("pk")[0]
    assert list_all(Filters(text=batch.public_id)) == list_all(Filters(batch=batch)) != []
    assert list_all(Filters(text=batch.public_id, account=charlie)) == []
    assert list_all(Filters(account=charlie, state="sent", only=MOVABLE)) == [], "a stop of sent mail finds nothing"
    assert list_all(Filters(text="no-such-thing")) == list_all(Filters(text="nobody@example.com")) == []


def test_a_page_takes_few_statements_however_much_it_filters(history: None, alice: Account) -> None:
    today = database_now().date()
    for filters in (
        Filters(account=alice, state="refused", day=today, domain="example.com", reply="any"),
        Filters(account=alice, state=WAITING, day=today),
        Filters(text="a@example.com", state="sent", day=today, reply="any"),
        Filters(text=Mail.objects.all()[0].public_id),
    ):
        with CaptureQueriesContext(connection) as queries:
            find_messages(filters, Place(), limit=50)
        assert len(queries) <= 6, filters.as_query()


def test_events_that_lists_look_for_are_never_packed(history: None) -> None:
    packed = Event.objects.filter(members__isnull=False).values_list("kind", flat=True)
    assert not set(packed) & {EventKind.REFUSED, EventKind.DEFERRED, EventKind.DROPPED, EventKind.STOPPED}
    assert max(Message.objects.values_list("pk", flat=True)) < NEWEST
