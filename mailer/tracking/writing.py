"""Store hits as late events, and count them, in one transaction."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from django.db import IntegrityError, transaction

from batches.models import PARCEL_SPAN
from foundation.statements import copy_rows, fetch_prepared
from mailer.models import LateKind, LogNotice, Measure
from mailer.outcomes.queries import ADD_DELTAS
from mailer.outcomes.writing import NOTICE_PARCELS, Tally, columns_of
from mailer.partitions import is_partition_missing
from mailer.tracking.machines import BURST_SECONDS, Click, Span, find_bursts
from mailer.tracking.partitions import make_late_partitions
from mailer.tracking.queries import COPY_LATE_EVENTS, DRAW_IDS, LOCK, READ_CLICKS, READ_KNOWN, READ_OWNERS
from mailer.tracking.tokens import SEVERAL, TrackedLink, TrackedMessage

MEASURES: Final = {
    LateKind.OPENED: (Measure.OPENED, Measure.UNIQUE_OPENED, Measure.MACHINE_OPENED),
    LateKind.CLICKED: (Measure.CLICKED, Measure.UNIQUE_CLICKED, Measure.MACHINE_CLICKED),
}
"""The measures of a late event: by a person, the first by a person, and by a machine."""
MOST_OF_MESSAGE: Final = 1_000
"""The most late events of a kind that are stored for a message, so that no stranger can fill the disk with one link."""


class Hit(NamedTuple):
    """A request for the pixel of a message, or for one of its links."""

    at: dt.datetime
    message: TrackedMessage
    link: TrackedLink | None
    address: str | None
    user_agent: str
    is_machine: bool

    @property
    def kind(self) -> LateKind:
        return LateKind.OPENED if self.link is None else LateKind.CLICKED


class Owner(NamedTuple):
    """The mail of a message, and the subjects for which its late events are counted."""

    mail_id: int
    account_id: int
    batch_id: int
    categories: list[str]
    lane: int
    keeps_addresses: bool


class Late(NamedTuple):
    """A hit with the facts about its message."""

    hit: Hit
    owner: Owner
    is_machine: bool
    is_first: bool


def ignore(_: str) -> None:
    """Do nothing with the id of a transaction."""


def write_hits(hits: Sequence[Hit], near: Collection[Click] = (), *, begin: Callable[[str], None] = ignore) -> int:
    """Store hits and count them, and return the number of those that are not stored.

    Their message is not kept any more, or has too many late events already. `near` are clicks that are stored later or
    by another process. A burst is recognized with them. `begin` gets the id of the transaction before it is committed.
    """
    try:
        return _write_hits(hits, near, begin)
    except IntegrityError as error:
        # The sweeper, which makes the partitions ahead, has not run. Any other cause is a real error.
        days = {hit.at.astimezone(dt.UTC).date() for hit in hits}
        if not (is_partition_missing(error) and make_late_partitions(days)):
            raise
    return _write_hits(hits, near, begin)


@transaction.atomic
def _write_hits(hits: Sequence[Hit], near: Iterable[Click], begin: Callable[[str], None]) -> int:
    fetch_prepared(LOCK, ())
    owners = _read_owners(hits)
    storable = [hit for hit in hits if _is_of(hit, owners.get(hit.message.message_id))]
    late = list(_find_late(storable, owners, near)) if storable else []
    if late:
        rows = fetch_prepared(DRAW_IDS, {"number": len(late)})
        begin(rows[0][1])
        ids = [row[0] for row in rows]
        copy_rows(COPY_LATE_EVENTS, ((id, *_row_of(event)) for id, event in zip(ids, late, strict=True)))
        _count(late)
        _leave_notices(ids, late)
    return len(hits) - len(late)


def _read_owners(hits: Iterable[Hit]) -> dict[int, Owner]:
    ids = sorted({hit.message.message_id for hit in hits})
    return {row[0]: Owner(*row[1:]) for row in fetch_prepared(READ_OWNERS, {"ids": ids})}


def _is_of(hit: Hit, owner: Owner | None) -> bool:
    return owner is not None and (owner.mail_id, owner.account_id) == (hit.message.mail_id, hit.message.account_id)


def _find_late(hits: Sequence[Hit], owners: dict[int, Owner], near: Iterable[Click]) -> Iterator[Late]:
    """Yield the hits to store in their order, with the facts about their messages."""
    ids = sorted({hit.message.message_id for hit in hits})
    counts = {(row[0], row[1]): row[2:] for row in fetch_prepared(READ_KNOWN, {"ids": ids})}
    bursts = _find_bursts(hits, near)
    for hit in sorted(hits, key=lambda hit: hit.at):
        message_id, at = hit.message.message_id, hit.at.timestamp()
        is_in_burst = hit.link is not None and any(first <= at <= last for first, last in bursts.get(message_id, ()))
        is_machine = hit.is_machine or is_in_burst
        key = message_id, int(hit.kind)
        number, has_first = counts.get(key, (0, False))
        counts[key] = number + 1, has_first or not is_machine
        if number < MOST_OF_MESSAGE:
            yield Late(hit, owners[message_id], is_machine, is_first=not is_machine and not has_first)


def _find_bursts(hits: Sequence[Hit], near: Iterable[Click]) -> dict[int, list[Span]]:
    """Return the bursts of clicks on the links of messages, whether stored or not."""
    clicks = [hit for hit in hits if hit.link is not None]
    if not clicks:
        return {}
    span = dt.timedelta(seconds=BURST_SECONDS)
    ids = sorted({hit.message.message_id for hit in clicks})
    since, until = min(hit.at for hit in clicks) - span, max(hit.at for hit in clicks) + span
    rows = fetch_prepared(READ_CLICKS, {"ids": ids, "since": since, "until": until})
    stored: list[Click] = [(message_id, (link, is_html), at) for message_id, link, is_html, at in rows]
    return find_bursts([*stored, *clicks_of(clicks), *near])


def clicks_of(hits: Iterable[Hit]) -> Iterator[Click]:
    """Yield the clicks among some hits."""
    for hit in hits:
        if hit.link is not None:
            yield hit.message.message_id, (hit.link.number, hit.link.is_html), hit.at.timestamp()


def _row_of(late: Late) -> tuple[object, ...]:
    """Return the columns of `COPY_LATE_EVENTS`."""
    hit, owner = late.hit, late.owner
    link = (None, None, None) if hit.link is None else (hit.link.url, hit.link.number, hit.link.is_html)
    recipient = None if hit.message.recipient == SEVERAL else hit.message.recipient
    address = hit.address if owner.keeps_addresses else None
    columns = hit.at, hit.message.message_id, owner.account_id, owner.batch_id, int(hit.kind), recipient
    return *columns, late.is_machine, late.is_first, address, hit.user_agent, *link


def _leave_notices(ids: Sequence[int], late: Sequence[Late]) -> None:
    """Leave notices of late events for the log. Those of a notice happened on one day, in one partition."""
    days: dict[tuple[int, dt.date], list[tuple[int, Late]]] = defaultdict(list)
    for id, event in zip(ids, late, strict=True):
        days[event.owner.account_id, event.hit.at.astimezone(dt.UTC).date()].append((id, event))
    LogNotice.objects.bulk_create(
        LogNotice(
            account_id=account_id,
            at=part[0][1].hit.at,
            is_late=True,
            bases=[event.hit.message.message_id // PARCEL_SPAN for _, event in part],
            fences=[id for id, _ in part],
        )
        for (account_id, _), events in days.items()
        for part in _in_parts(events)
    )


def _in_parts(events: list[tuple[int, Late]]) -> Iterator[list[tuple[int, Late]]]:
    for start in range(0, len(events), NOTICE_PARCELS):
        yield events[start : start + NOTICE_PARCELS]


def _count(late: Iterable[Late]) -> None:
    """Count late events by account, batch and categories, in the minutes in which they happened."""
    tallies: dict[dt.datetime, Tally] = defaultdict(Tally)
    for event in late:
        owner = event.owner
        tally = tallies[event.hit.at.replace(second=0, microsecond=0)]
        key = owner.account_id, owner.lane, owner.batch_id, tuple(dict.fromkeys(owner.categories))
        by_person, first, by_machine = MEASURES[event.hit.kind]
        for measure in (by_machine,) if event.is_machine else (by_person, first)[: 1 + event.is_first]:
            tally.measures[key][int(measure)] += 1
    for minute in sorted(tallies):
        fetch_prepared(f"{ADD_DELTAS} returning n", columns_of(tallies[minute].counts(), minute))
