"""Write events and count them: the only function that does either.

It is called in the transaction that changes the parcels, so an event is stored, and counted, if and only if it
happened. What it adds for readers can neither fail nor wait: there is no foreign key, no unique key that others share,
and no lock on a row that another session writes.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from django.db import connection

from batches.models import PARCEL_SPAN
from foundation.prepared import copy_rows, fetch_prepared
from mailer.models import Classification, EventKind, Measure, Series, SuppressionKind
from mailer.outcomes.counters import CounterKey, columns_of, measures_of
from mailer.outcomes.packing import pack_members, pack_replies
from mailer.outcomes.providers import REST
from mailer.outcomes.queries import COPY_EVENTS, COUNT, READ_CATEGORIES

PACKED_FROM: Final = 8
"""The fewest sent messages of a parcel that are packed: below that a row of each costs less."""
Row = tuple[object, ...]


class NewEvent(NamedTuple):
    """An event to be stored: of a message, for one recipient or for all of them (None).

    `status` (a status code) and `group` (the provider group of the recipients) are only counted.
    """

    message_id: int
    kind: EventKind
    recipient: str | None = None
    reply: str = ""
    recipients: int = 1
    classification: Classification | None = None
    suppression: SuppressionKind | None = None
    status: str = ""
    group: str = REST

    @property
    def row(self) -> Row:
        """Return the columns that are its own: without time, fence and members."""
        recipients = None if self.recipients == 1 else self.recipients
        return recipients, self.classification, self.suppression


class Owner(Protocol):
    """A parcel or a claim of it, whose messages the events are about."""

    @property
    def base(self) -> int: ...
    @property
    def batch_id(self) -> int: ...
    @property
    def account_id(self) -> int: ...
    @property
    def lane(self) -> int: ...


@dataclass(slots=True)
class Entry:
    """What happened to messages of one parcel under one fence."""

    owner: Owner
    fence: int
    events: Sequence[NewEvent] = ()
    sent: Sequence[tuple[int, str]] = ()
    """The messages that were sent to their only recipients, by id, in ascending order, with the replies."""
    groups: Counter[str] = field(default_factory=Counter)
    """The number of these messages by provider group."""
    verdict: tuple[EventKind, int, str] | None = None
    """What happened to many messages at once: the kind, their mask and the reason."""
    categories: Sequence[str] | None = None
    """The categories of the mail; None: they are looked up."""
    lateness: Measure | None = None
    """How late the messages were sent; None: it is not counted."""


def write_events(entries: Iterable[Entry], at: dt.datetime) -> None:
    """Store the events of these entries with this time, and count them."""
    written = sorted((entry for entry in entries if entry.events or entry.sent or entry.verdict), key=_first_id)
    if not written:
        return
    copy_rows(COPY_EVENTS, (row for entry in written for row in _rows_of(entry, at.isoformat())))
    counts: Counter[CounterKey] = Counter()
    categories = _read_categories([entry.owner.base for entry in written if entry.categories is None])
    for entry in written:
        of_mail = categories.get(entry.owner.base, ()) if entry.categories is None else entry.categories
        counts.update(_count(entry, of_mail))
    parcels = {
        "batches": [entry.owner.batch_id for entry in written],
        "bases": [entry.owner.base for entry in written],
        "fences": [entry.fence for entry in written],
    }
    fetch_prepared(COUNT, columns_of(counts, at) | parcels)


def is_decision(event: NewEvent, fence: int) -> bool:
    """Return whether an event only lets a message be sent again: it is stored, and counts nowhere."""
    return event.kind is EventKind.DEFERRED and not fence


def _first_id(entry: Entry) -> int:
    return entry.owner.base * PARCEL_SPAN


def _rows_of(entry: Entry, at: str) -> Iterator[Row]:
    """Yield the rows of an entry, in the order of the columns of `COPY_EVENTS`."""
    first_id, fence = _first_id(entry), entry.fence
    if len(entry.sent) >= PACKED_FROM:
        mask = sum(1 << (message_id - first_id) for message_id, _ in entry.sent)
        reply = pack_replies([reply for _, reply in entry.sent])
        yield first_id, int(EventKind.SENT), at, fence, None, reply, pack_members(mask), None, None, None
    else:
        for message_id, reply in entry.sent:
            yield message_id, int(EventKind.SENT), at, fence, None, reply or None, None, None, None, None
    for event in sorted(entry.events, key=lambda event: event.message_id):
        reply = event.reply or None
        yield event.message_id, int(event.kind), at, fence, event.recipient, reply, None, *event.row
    if entry.verdict:
        kind, mask, why = entry.verdict
        yield first_id, int(kind), at, fence, None, why or None, pack_members(mask), None, None, None


def _count(entry: Entry, categories: Sequence[str]) -> Counter[CounterKey]:
    """Return what an entry adds to the counters."""
    owner, account_id = entry.owner, entry.owner.account_id
    counts: Counter[CounterKey] = Counter()
    measures: Counter[Measure] = Counter()
    groups = Counter({(group, Measure.SENT): number for group, number in entry.groups.items()})
    if entry.sent:
        measures[Measure.SENT] = len(entry.sent)
        if entry.lateness:
            measures[entry.lateness] = len(entry.sent)
    for event in entry.events:
        if is_decision(event, entry.fence):
            continue
        for measure in measures_of(event.kind, event.suppression):
            measures[measure] += event.recipients
        groups[event.group, Measure(event.kind)] += event.recipients
        if event.classification is not None:
            key = f"{int(event.classification)} {event.status} {event.group}"
            counts[CounterKey(Series.FAILURE, account_id, key, Measure(event.kind))] += event.recipients
    if entry.verdict:
        measures[Measure(entry.verdict[0])] += entry.verdict[1].bit_count()
    for measure, number in measures.items():
        counts[CounterKey(Series.ACCOUNT, account_id, str(int(owner.lane)), measure)] = number
        counts[CounterKey(Series.BATCH, account_id, str(owner.batch_id), measure)] = number
        for category in categories:
            counts[CounterKey(Series.CATEGORY, account_id, category, measure)] = number
    for (group, measure), number in groups.items():
        counts[CounterKey(Series.GROUP, 0, group, measure)] = number
    return counts


def _read_categories(bases: Sequence[int]) -> dict[int, list[str]]:
    """Return the categories of the mails of parcels, by base."""
    if not bases:
        return {}
    with connection.cursor() as cursor:
        first_ids = [base * PARCEL_SPAN for base in bases]
        cursor.execute(READ_CATEGORIES, {"bases": list(bases), "first_ids": first_ids})
        return dict(cursor.fetchall())
