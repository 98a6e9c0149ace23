"""Write events and count them. No other module does either.

It is called in the transaction that changes the parcels, so an event is stored, and counted, if and only if it
happened. The rows that it adds for readers can neither fail nor wait: there is no foreign key, no unique key that
sessions share, and no lock on a row that another session writes.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol

from django.db import connection

from batches.models import PARCEL_SPAN
from foundation.statements import copy_rows, fetch_prepared
from mailer.models import Classification, EventKind, Measure, Series, SuppressionKind
from mailer.outcomes.counters import LATENESS, CounterKey, measures_of
from mailer.outcomes.packing import pack_members, pack_replies
from mailer.outcomes.providers import REST
from mailer.outcomes.queries import COPY_EVENTS, COUNT, READ_CATEGORIES

PACKED_FROM: Final = 8
"""The fewest sent messages of a parcel that are packed. With fewer, packing costs the worker more than it is worth."""
NOTICE_PARCELS: Final = 64
"""The most parcels of a notice. With more, PostgreSQL would store its numbers outside of its row."""
NOTICE_EVENTS: Final = 1000
"""The most events of a notice, one for each recipient, unless one parcel has more: readers read a whole notice."""
SENT: Final = int(EventKind.SENT)
Row = tuple[object, ...]


class NewEvent(NamedTuple):
    """An event to be stored: of a message, for one recipient or for all of them (None).

    It counts for `recipients` recipients: for none if it is not an outcome, such as a decision to send again. `status`
    (a status code) and `group` (the provider group of the recipients) are only counted.
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
    domains: tuple[str, ...] = ()
    """The domain of each of its recipients, if it is a refusal. They are also only counted."""
    is_attempt: bool = False
    """True if a peer was asked to take the message, and this is how the attempt ended."""

    @property
    def is_failure(self) -> bool:
        """Return whether a peer refused or deferred. A decision to send mail in doubt again is not a failure."""
        return self.kind in {EventKind.REFUSED, EventKind.DEFERRED} and self.recipients > 0

    @property
    def row(self) -> Row:
        """Return the columns that only describe this event: the recipients, the classification and the suppression."""
        recipients = None if self.recipients == 1 else self.recipients
        return recipients, self.classification, self.suppression


class SharedEvent(NamedTuple):
    """An event of many messages of a parcel: their mask and the reason.

    It counts for none of them if `is_of_remainder`: it concerns only the last recipients of messages that another
    parcel counts.
    """

    kind: EventKind
    mask: int
    why: str
    is_of_remainder: bool = False

    @property
    def counts(self) -> int:
        return 0 if self.is_of_remainder else self.mask.bit_count()


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
    """The events of one parcel's messages under one fence, and the values by which they are counted."""

    owner: Owner
    fence: int
    events: Sequence[NewEvent] = ()
    sent: Sequence[tuple[int, str]] = ()
    """The messages that were sent to their only recipients, by id, in ascending order, with the replies."""
    groups: Mapping[str, int] = field(default_factory=dict)
    """The number of these messages by provider group."""
    verdict: SharedEvent | None = None
    """The verdict that was carried out on the parcel."""
    categories: Sequence[str] | None = None
    """The categories of the mail; None: they are looked up."""
    late: dt.timedelta | None = None
    """How late the messages were sent; None: it is not counted."""
    is_encrypted: bool | None = None
    """Whether the attempts to deliver were encrypted; None: it is not known."""


def write_events(entries: Iterable[Entry], at: dt.datetime) -> None:
    """Store the events of these entries with this time, and count them.

    It must be the last step in its transaction that writes rows for which other sessions may wait.
    """
    written = sorted((entry for entry in entries if entry.events or entry.sent or entry.verdict), key=_first_id)
    if not written:
        return
    moment = at.isoformat()
    copy_rows(COPY_EVENTS, (row for entry in written for row in rows_of(entry, moment)))
    categories = _read_categories([entry.owner.base for entry in written if entry.categories is None])
    counts = _count(written, categories)
    fetch_prepared(COUNT, columns_of(counts, at) | _notices_of(written))


def columns_of(counts: Mapping[CounterKey, int], at: dt.datetime) -> dict[str, Any]:
    """Return the parameters of the statement `COUNT` for these counts, of events of this time."""
    return {
        "at": at,
        "series": [int(key.series) for key in counts],
        "accounts": [key.account_id for key in counts],
        "keys": [key.key for key in counts],
        "measures": [int(key.measure) for key in counts],
        "counts": list(counts.values()),
    }


def _notices_of(entries: Iterable[Entry]) -> dict[str, list[object]]:
    """Return the columns of the notices: each parcel with its fence, and the number of the notice that it is in.

    Readers find events by base, fence and time. Parts of a parcel that were claimed together share all of these, so
    they are named once: otherwise readers would find the events of each part several times.
    """
    claims: dict[tuple[int, int], list[Entry]] = defaultdict(list)
    for entry in entries:
        claims[entry.owner.base, entry.fence].append(entry)
    owners = [parts[0].owner for parts in claims.values()]
    return {
        "owners": [owner.account_id for owner in owners],
        "batches": [owner.batch_id for owner in owners],
        "bases": [base for base, _ in claims],
        "fences": [fence for _, fence in claims],
        "shares": list(_share(claims.values())),
        "are_verdicts": [not any(entry.events or entry.sent for entry in parts) for parts in claims.values()],
    }


def _share(claims: Iterable[Sequence[Entry]]) -> Iterator[int]:
    """Yield the number of the notice that each parcel is in. No notice has too many parcels or events."""
    parcels, events, share = 0, 0, 0
    for parts in claims:
        number = sum(_count_events(entry) for entry in parts)
        if parcels and (parcels == NOTICE_PARCELS or events + number > NOTICE_EVENTS):
            parcels, events, share = 0, 0, share + 1
        parcels, events = parcels + 1, events + number
        yield share


def _count_events(entry: Entry) -> int:
    """Return the number of events of an entry, one for each recipient."""
    verdict = entry.verdict.mask.bit_count() if entry.verdict else 0
    return sum(max(1, event.recipients) for event in entry.events) + len(entry.sent) + verdict


def _first_id(entry: Entry) -> int:
    return entry.owner.base * PARCEL_SPAN


def rows_of(entry: Entry, at: str) -> Iterator[Row]:
    """Yield the rows of an entry, in the order of the columns of `COPY_EVENTS`."""
    first_id, fence, is_encrypted = _first_id(entry), entry.fence, entry.is_encrypted
    if len(entry.sent) >= PACKED_FROM:
        reply = pack_replies([reply for _, reply in entry.sent])
        members = pack_members(_mask_of([message_id - first_id for message_id, _ in entry.sent]))
        yield first_id, SENT, at, fence, None, reply, members, None, None, None, None, is_encrypted
    else:
        for message_id, reply in entry.sent:
            yield message_id, SENT, at, fence, None, reply or None, None, None, None, None, None, is_encrypted
    for event in sorted(entry.events, key=_message_id):
        reply = event.reply or None
        account_id = entry.owner.account_id if event.is_failure else None
        columns = event.message_id, int(event.kind), at, fence, event.recipient, reply, None, *event.row, account_id
        yield *columns, is_encrypted if event.is_attempt else None
    if entry.verdict:
        kind, mask, why, is_of_remainder = entry.verdict
        recipients = 0 if is_of_remainder else None
        yield first_id, int(kind), at, fence, None, why, pack_members(mask), recipients, None, None, None, None


def _message_id(event: NewEvent) -> int:
    return event.message_id


def _mask_of(numbers: Sequence[int]) -> int:
    """Return the mask of ascending message numbers. Nearly always they have no gap."""
    if numbers[-1] - numbers[0] == len(numbers) - 1:
        return ((1 << len(numbers)) - 1) << numbers[0]
    return sum(1 << n for n in numbers)


def _count(entries: Iterable[Entry], categories: Mapping[int, Sequence[str]]) -> Counter[CounterKey]:
    """Return the numbers that these entries add to the counters."""
    tally = Tally()
    for entry in entries:
        owner = entry.owner
        of_mail = categories.get(owner.base, ()) if entry.categories is None else entry.categories
        tally.add(
            entry, tally.measures[owner.account_id, int(owner.lane), owner.batch_id, tuple(dict.fromkeys(of_mail))]
        )
    return tally.counts()


class Tally:
    """Add up the counts of several entries. Their parcels often have one account, lane, batch and mail."""

    def __init__(self) -> None:
        self.measures: dict[tuple[int, int, int, tuple[str, ...]], dict[int, int]] = defaultdict(
            lambda: defaultdict(int)
        )
        """The counts by measure, by account, lane, batch and categories."""
        self.groups: dict[tuple[str, int], int] = defaultdict(int)
        """The counts by provider group and measure."""
        self.failures: dict[tuple[int, str, int], int] = defaultdict(int)
        """The counts by account, key and measure."""
        self.domains: dict[tuple[int, str], int] = defaultdict(int)
        """The counts of refusals by account and key."""

    def add(self, entry: Entry, measures: dict[int, int]) -> None:
        """Add the counts of an entry; `measures` are the counts of its account, lane, batch and categories."""
        if entry.sent:
            measures[SENT] += len(entry.sent)
            if entry.late is not None:
                measures[int(lateness_of(entry.late))] += len(entry.sent)
            for group, number in entry.groups.items():
                self.groups[group, SENT] += number
        for event in entry.events:
            self.add_event(event, entry.owner.account_id, measures)
        if entry.verdict:
            measures[int(entry.verdict.kind)] += entry.verdict.counts

    def add_event(self, event: NewEvent, account_id: int, measures: dict[int, int]) -> None:
        """Add the counts of one event."""
        for measure in measures_of(event.kind, event.suppression):
            measures[int(measure)] += event.recipients
        self.groups[event.group, int(event.kind)] += event.recipients
        if event.classification is not None:
            key = f"{int(event.classification)} {event.status} {event.group}"
            self.failures[account_id, key, int(event.kind)] += event.recipients
            for domain in event.domains:
                self.domains[account_id, f"{int(event.classification)} {domain}"] += 1

    def counts(self) -> Counter[CounterKey]:
        """Return the sums by counter."""
        counts: Counter[CounterKey] = Counter()
        for (account_id, lane, batch_id, categories), measures in self.measures.items():
            for measure, number in measures.items():
                kind = Measure(measure)
                counts[CounterKey(Series.ACCOUNT, account_id, str(lane), kind)] += number
                counts[CounterKey(Series.BATCH, account_id, str(batch_id), kind)] += number
                for category in categories:
                    counts[CounterKey(Series.CATEGORY, account_id, category, kind)] += number
        for (group, measure), number in self.groups.items():
            counts[CounterKey(Series.GROUP, 0, group, Measure(measure))] += number
        for (account_id, key, measure), number in self.failures.items():
            counts[CounterKey(Series.FAILURE, account_id, key, Measure(measure))] += number
        for (account_id, key), number in self.domains.items():
            counts[CounterKey(Series.DOMAIN, account_id, key, Measure.REFUSED)] += number
        return +counts


def lateness_of(lateness: dt.timedelta) -> Measure:
    """Return the measure of a message that was sent this long after its time."""
    seconds = lateness.total_seconds()
    return next((measure for bound, measure in LATENESS if seconds <= bound), Measure.LATE_LONGER)


def _read_categories(bases: Sequence[int]) -> dict[int, list[str]]:
    """Return the categories of the mails of parcels, by base."""
    if not bases:
        return {}
    with connection.cursor() as cursor:
        first_ids = [base * PARCEL_SPAN for base in bases]
        cursor.execute(READ_CATEGORIES, {"bases": list(bases), "first_ids": first_ids})
        return dict(cursor.fetchall())
