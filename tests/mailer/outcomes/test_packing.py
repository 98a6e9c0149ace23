"""Packed and single events are read alike, in Python and in SQL."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Account
from batches.claims import Claim, Claimer
from batches.handles import create_batch
from batches.models import PARCEL_SPAN, Parcel
from foundation.clock import database_now
from mailer.models import Event, EventKind
from mailer.outcomes import writing
from mailer.outcomes.packing import pack_members, pack_replies, unpack_members, unpack_replies
from mailer.outcomes.reading import read_events
from mailer.outcomes.writing import PACKED_FROM, Entry, NewEvent, write_events
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.sorting import Outcomes, add_result
from mailer.transports.base import Result, Sent
from tests.drafts import draft
from tests.mailer.claimed import ONE, claim_and_look

UNPACK = "select n, member_reply from sluice_unpack(%s, %s)"
REPLIES = st.text(st.characters(codec="utf-8", exclude_characters="\0\n"), max_size=12) | st.sampled_from(
    ["", "250", "250 2.0.0 Ok: queued as 4F0C21A3", "250 2.0.0 Ok: queued as 4F0C21A4"]
)
MEMBERS = st.dictionaries(st.integers(0, PARCEL_SPAN - 1), REPLIES, min_size=1, max_size=30)
ANY_REPLY = st.text(st.characters(codec="utf-8"), max_size=12)


@pytest.fixture
def claim(alice: Account) -> Claim:
    accept_mail(alice, draft(60, batch_id=create_batch(alice).public_id))
    return claim_and_look(Claimer())


def unpack_in_sql(members: bytes, reply: str | None) -> list[tuple[int, str | None]]:
    with connection.cursor() as cursor:
        cursor.execute(UNPACK, [members, reply])
        return [(n, text) for n, text in cursor.fetchall()]


def written_events(claim: Claim, sent: Sequence[tuple[int, str]]) -> list[tuple[int, int, str | None]]:
    """Return the events that are read after these messages were recorded as sent, and delete them."""
    write_events([Entry(claim, 1, sent=sent)], database_now())
    ids = [message_id for message_id, _ in sent]
    events = [event for each in read_events(ids).values() for event in each]
    with connection.cursor() as cursor:
        cursor.execute("delete from mailer_event")
    return sorted((event.message_id, event.kind, event.reply) for event in events)


@given(MEMBERS)
def test_python_and_sql_unpack_what_was_packed(database: None, members: dict[int, str]) -> None:
    expected = [(n, members[n] or None) for n in sorted(members)]
    mask, text = pack_members(sum(1 << n for n in members)), pack_replies([members[n] for n in sorted(members)])
    numbers = unpack_members(mask)
    assert list(zip(numbers, unpack_replies(text, len(numbers)), strict=True)) == expected
    assert unpack_in_sql(mask, text) == expected


@pytest.mark.parametrize("reply", ["250 2.0.0 Ok: queued as {n:08X}", "250 same for all", "", "{n}"])
def test_a_full_parcel_is_unpacked(database: None, reply: str) -> None:
    replies = [reply.format(n=n * 7919) for n in range(500)]
    mask, text = pack_members((1 << 500) - 1), pack_replies(replies)
    expected = [(n, each or None) for n, each in enumerate(replies)]
    assert list(zip(unpack_members(mask), unpack_replies(text, 500), strict=True)) == expected
    assert unpack_in_sql(mask, text) == expected


@given(MEMBERS)
def test_packed_and_plain_rows_read_the_same(claim: Claim, members: dict[int, str]) -> None:
    sent = [(claim.first_message_id + n, members[n]) for n in sorted(members)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "PACKED_FROM", 1)
        packed = written_events(claim, sent)
        patch.setattr(writing, "PACKED_FROM", PARCEL_SPAN + 1)
        assert packed == written_events(claim, sent)
    assert packed == [(message_id, EventKind.SENT, reply or None) for message_id, reply in sent]


@given(st.lists(ANY_REPLY, min_size=PACKED_FROM, max_size=20))
def test_any_reply_of_a_peer_can_be_packed(claim: Claim, replies: list[str]) -> None:
    outcomes = Outcomes(claim)
    for n, reply in enumerate(replies):
        add_result(outcomes, Result(claim.first_message_id + n, (Sent(reply),)), ONE)
    clean = [reply.replace("\0", " ").replace("\n", " ") or None for reply in replies]
    assert [reply for _, _, reply in written_events(claim, outcomes.sent)] == clean


def test_the_newest_events_are_read_across_both_forms(alice: Account) -> None:
    accept_mail(alice, draft(PACKED_FROM))
    parcel = Parcel.objects.get()
    first, now = parcel.base * PARCEL_SPAN, database_now()
    ids = [first + n for n in range(PACKED_FROM)]
    deferred = [NewEvent(message_id, EventKind.DEFERRED, reply="450 later") for message_id in ids]
    write_events([Entry(parcel, 1, events=deferred)], now)
    write_events([Entry(parcel, 2, events=deferred)], now)
    write_events([Entry(parcel, 3, sent=[(message_id, f"250 {message_id}") for message_id in ids])], now)
    write_events([Entry(parcel, 3, events=[NewEvent(ids[0], EventKind.DEFERRED, reply="the last")])], now)
    assert Event.objects.filter(members__isnull=False).count() == 1
    newest = read_events(ids, limit=2)
    assert [(event.kind, event.fence) for event in newest[ids[0]]] == [(EventKind.SENT, 3), (EventKind.DEFERRED, 3)]
    assert [(event.kind, event.fence) for event in newest[ids[1]]] == [(EventKind.DEFERRED, 2), (EventKind.SENT, 3)]
    assert {event.reply for event in read_events(ids, kinds=[EventKind.SENT])[ids[1]]} == {f"250 {ids[1]}"}
    deferrals = read_events(ids, kinds=[EventKind.DEFERRED], limit=2)
    assert {message_id: len(events) for message_id, events in deferrals.items()} == dict.fromkeys(ids, 2)
