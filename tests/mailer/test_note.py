"""Test the hand-over note, written to the real Valkey and read as a rescuer reads it."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings

from mailer.models import EventKind
from mailer.pipeline.note import NOT_BEGUN, HandoverNote, client_for, key_of, read_note
from mailer.transports.base import InDoubt, NotSent, Outcome, Part, Refused, Result, RetryAt, Sent
from tests.waiting import PATIENCE_SECONDS, wait_until

WORKER = 77
SLICES = {5: (9, 2)}


@pytest.fixture
def valkey() -> Iterator[Any]:
    """Return a client of the Redis database of the test."""
    client = client_for(settings.REDIS_URL)
    yield client
    client.delete(key_of(WORKER))
    client.close()


@pytest.fixture
def note(valkey: Any) -> Iterator[HandoverNote]:
    """Open a note for slice 2 of parcel 5 under fence 9."""
    note = HandoverNote(settings.REDIS_URL)
    assert note.open(WORKER, SLICES)
    yield note
    note.close()


def sent(message_id: int) -> Result:
    return Result(message_id, (Sent("250 ok"),))


def test_begun_and_answered_messages_can_be_read(note: HandoverNote) -> None:
    assert note.note_begun(100)
    note.note_result(sent(100))
    assert note.note_begun(101)
    read = read_note(settings.REDIS_URL, WORKER)
    assert read.covers(5, 9, 2)
    assert read.whole == {100: EventKind.SENT, 101: EventKind.IN_DOUBT}


@pytest.mark.parametrize(("parcel", "fence", "number"), [(5, 9, 1), (5, 9, 3), (5, 8, 2), (6, 9, 2)])
def test_a_note_of_another_slice_is_ignored(note: HandoverNote, parcel: int, fence: int, number: int) -> None:
    assert not read_note(settings.REDIS_URL, WORKER).covers(parcel, fence, number)


def test_a_new_slice_begins_a_new_note(note: HandoverNote) -> None:
    note.note_begun(100)
    assert note.open(WORKER, {5: (9, 3)})
    read = read_note(settings.REDIS_URL, WORKER)
    assert (read.whole, read.covers(5, 9, 3), read.covers(5, 9, 2)) == ({}, True, False)


def test_a_new_slice_does_not_read_replies_to_the_last_one(note: HandoverNote, valkey: Any) -> None:
    assert note.note_begun(100)
    valkey.client_pause(20)
    for _ in range(8):
        note.note_result(sent(100))
    assert note.note_begun(101)
    valkey.delete(key_of(WORKER + 1))
    assert note.open(WORKER + 1, SLICES), "another name, as after an error in the middle of a slice"
    assert all(note.note_begun(message_id) for message_id in range(200, 300))
    valkey.delete(key_of(WORKER + 1))


def test_an_answer_that_waited_to_be_written_is_no_lag(note: HandoverNote, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("mailer.pipeline.note.time", SimpleNamespace(monotonic=lambda: now[0]))
    assert note.note_begun(100)
    wait_until(lambda: not note._unanswered or note._connection.can_read(timeout=0))
    note.note_result(sent(100))
    now[0] = 10 * PATIENCE_SECONDS
    assert note.note_begun(101)


def test_an_emptied_redis_ends_the_slice_and_has_no_partial_note(note: HandoverNote, valkey: Any) -> None:
    assert note.note_begun(100)
    valkey.delete(key_of(WORKER))
    tries = []
    for message_id in range(101, 200):
        tries.append(note.note_begun(message_id))
        wait_until(lambda: not note._unanswered or note._connection.can_read(timeout=0), why="Redis's answer")
    assert False in tries
    assert not any(tries[tries.index(False) :]), "once lost, nothing more may begin"
    assert not read_note(settings.REDIS_URL, WORKER).covers(5, 9, 2)


def test_a_broken_connection_ends_the_slice(note: HandoverNote, valkey: Any) -> None:
    note._connection.send_command("CLIENT", "ID")
    valkey.client_kill_filter(_id=note._connection.read_response())
    assert not (note.note_begun(100) and note.note_begun(101))
    assert not note.note_begun(102)


def test_without_redis_a_slice_has_no_note_but_the_one_that_finds_out_is_not_sent() -> None:
    note = HandoverNote("redis+socket:///nonexistent/redis.sock?virtual_host=0")
    assert not note.open(WORKER, SLICES)
    assert note.is_away
    assert note.open(WORKER, {5: (9, 3)})
    assert note.note_begun(100)
    note.note_result(sent(100))
    assert not read_note("redis+socket:///nonexistent/redis.sock?virtual_host=0", WORKER).covers(5, 9, 3)


@pytest.mark.parametrize(
    ("outcomes", "kinds"),
    [
        ([Sent("")], [EventKind.SENT]),
        ([Sent(""), RetryAt("")], [EventKind.SENT, NOT_BEGUN]),
        ([Refused("")], [EventKind.REFUSED]),
        ([Refused(""), RetryAt("")], [EventKind.REFUSED, NOT_BEGUN]),
        ([RetryAt(""), NotSent("")], [NOT_BEGUN, NOT_BEGUN]),
        ([Refused(""), InDoubt("")], [EventKind.REFUSED, EventKind.IN_DOUBT]),
        ([Sent(""), Sent("")], [EventKind.SENT, EventKind.SENT]),
    ],
)
@pytest.mark.parametrize("is_part", [False, True])
def test_a_rescuer_reads_the_outcome_of_each_recipient(
    note: HandoverNote, outcomes: list[Outcome], kinds: list[int], is_part: bool
) -> None:
    recipients = ('a,"b"@example.com', "ü@example.com")[: len(outcomes)]
    note.note_begun(Part(100, recipients) if is_part else 100)
    note.note_result(Result(100, tuple(outcomes), recipients))
    note.note_begun(101)
    read = read_note(settings.REDIS_URL, WORKER)
    fates = read.in_parts.get(100, {})
    assert [fates.get(each, read.whole.get(100, NOT_BEGUN)) for each in recipients] == kinds
    assert (100 in read.in_parts) == (is_part or len(set(kinds)) > 1), "names only where they are needed"


def test_the_parts_of_a_message_are_noted_separately(note: HandoverNote) -> None:
    note.note_begun(Part(100, ("a@example.com", "b@example.com")))
    note.note_result(
        Result(100, (Sent(""), Sent(""), Refused("")), ("a@example.com", "b@example.com", "c@example.com"))
    )
    note.note_begun(Part(100, ("d@example.com",)))
    assert read_note(settings.REDIS_URL, WORKER).in_parts == {
        100: {
            "a@example.com": EventKind.SENT,
            "b@example.com": EventKind.SENT,
            "c@example.com": EventKind.REFUSED,
            "d@example.com": EventKind.IN_DOUBT,
        }
    }
