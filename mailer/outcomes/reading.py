"""Read events, one for each message, whether they are stored in separate rows or packed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from itertools import chain
from typing import Any, Final

from django.db import connection

from batches.models import PARCEL_SPAN
from mailer.models import Event, EventKind
from mailer.outcomes.packing import unpack_members, unpack_replies
from mailer.outcomes.queries import COLUMNS, READ_EVENTS

OUTCOMES: Final = (
    EventKind.SENT,
    EventKind.REFUSED,
    EventKind.DROPPED,
    EventKind.STOPPED,
    EventKind.DEFERRED,
    EventKind.IN_DOUBT,
)
"""The kinds of events that say how far a recipient has come. The others are verdicts, and what recipients do."""
NAMES = COLUMNS.split(", ")
MESSAGE_ID, KIND, MEMBERS = (NAMES.index(name) for name in ("message_id", "kind", "members"))


def read_events(
    message_ids: Collection[int], *, kinds: Collection[EventKind] | None = None, limit: int | None = None
) -> dict[int, list[Event]]:
    """Return the events of messages by message id, the oldest first; a message without events is missing.

    With `kinds`, only events of these; with `limit`, the newest of each message.
    """
    selected_ids = set(message_ids)
    events: dict[int, list[Event]] = {}
    for event in chain.from_iterable(_unpack(row, selected_ids) for row in _read_rows(selected_ids, kinds, limit)):
        events.setdefault(event.message_id, []).append(event)
    return events if limit is None else {message_id: each[-limit:] for message_id, each in events.items()}


def read_kinds(message_ids: Collection[int]) -> dict[int, set[EventKind]]:
    """Return the kinds of the events of messages, by message id."""
    selected_ids = set(message_ids)
    kinds: defaultdict[int, set[EventKind]] = defaultdict(set)
    # A page can read the kinds of thousands of messages: no object is made of a row.
    for row in _fetch_rows(selected_ids, None, None):
        message_id, kind, members = row[MESSAGE_ID], EventKind(row[KIND]), row[MEMBERS]
        if members is None:
            kinds[message_id].add(kind)
            continue
        for n in unpack_members(members):
            if message_id + n in selected_ids:
                kinds[message_id + n].add(kind)
    return kinds


def _read_rows(message_ids: set[int], kinds: Collection[EventKind] | None, limit: int | None) -> Iterator[Event]:
    for row in _fetch_rows(message_ids, kinds, limit):
        yield Event(**dict(zip(NAMES, row, strict=True)))


def _fetch_rows(message_ids: set[int], kinds: Collection[EventKind] | None, limit: int | None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            READ_EVENTS,
            {
                "ids": sorted(message_ids),
                "first_ids": sorted({message_id - message_id % PARCEL_SPAN for message_id in message_ids}),
                "kinds": None if kinds is None else [int(kind) for kind in kinds],
                "limit": limit,
            },
        )
        return list(cursor.fetchall())


def _unpack(row: Event, selected_ids: set[int]) -> Iterator[Event]:
    """Yield the events in a row that are about the selected messages."""
    if row.members is None:
        yield row
        return
    ids = _messages_of(row)
    for message_id, reply in zip(ids, unpack_replies(row.reply, len(ids)), strict=True):
        if message_id in selected_ids:
            yield Event(
                message_id=message_id,
                id=row.id,
                kind=row.kind,
                at=row.at,
                fence=row.fence,
                reply=reply,
                is_encrypted=row.is_encrypted,
            )


def _messages_of(row: Event) -> list[int]:
    """Return the ids of the messages that a row is about, in ascending order."""
    return [row.message_id] if row.members is None else [row.message_id + n for n in unpack_members(row.members)]
