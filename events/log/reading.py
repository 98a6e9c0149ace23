"""Read the log: events in the order of their places, each for one recipient.

A position names a place and how many events of it were read. A reader that continues from a position gets every later
event of the account once, and in the same order each time: entries of the log never change, and a new entry always
comes after all others. An event of a message to several recipients becomes one event for each recipient that it is
about.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain
from typing import Any, Final, NamedTuple, Self

from django.db import connection

from batches.models import PARCEL_SPAN
from events.log.queries import READ_ENTRIES, READ_HAPPENED, READ_LATE, READ_MAILS, READ_MESSAGES, READ_SUBSTITUTIONS
from foundation.addresses import address_key
from mailer.compose.caller_headers import find_message_id
from mailer.compose.mime import recipients_of
from mailer.models import EventKind
from mailer.outcomes.packing import unpack_members, unpack_replies

ENTRIES_AT_ONCE: Final = 8
"""The entries whose events are read at a time: most of them have at most 1,000 messages."""
EVENTS_AT_ONCE: Final = 4000
"""The events whose messages are read at a time, unless one place has more."""
MAILS_REMEMBERED: Final = 1000
"""The mails that a reader remembers. With more it forgets all of them, since it reads mail in the order of its way."""
FINAL: Final = frozenset(
    {EventKind.SENT, EventKind.REFUSED, EventKind.DROPPED, EventKind.STOPPED} | {EventKind.DISCARDED, EventKind.EXPIRED}
)
"""The kinds that end the way of a message for a recipient."""
ATTEMPTS: Final = frozenset({EventKind.SENT, EventKind.REFUSED, EventKind.DEFERRED})
"""The kinds that say how an attempt to deliver ended."""
DEFERRED: Final = int(EventKind.DEFERRED)
NO_BASE: Final = -1
"""The base that no parcel has, in the place of one whose events are not read."""
NOTHING: Final[Mapping[str, Any]] = {}


class Position(NamedTuple):
    """A position in the log: everything before `place`, and `offset` events at it, were read (None: all of them)."""

    place: int
    offset: int | None = None

    @property
    def first_place(self) -> int:
        """Return the first place that still has events to be read."""
        return self.place + (self.offset is None)


@dataclass(frozen=True, slots=True)
class MailFacts:
    """The part of a mail that events show."""

    mail_id: int
    public_id: str
    batch_id: str | None
    """The public id of its batch; None for mail that was accepted without one, and for that of a campaign."""
    sender: str
    headers: Mapping[str, str]
    categories: Sequence[str]
    custom_args: Mapping[str, str]
    group_id: int | None
    template_id: str | None
    send_at: int | None
    """The time of its request, in seconds since 1970. A personal field of a message overrides it."""
    campaign_id: int | None
    campaign_uuid: str | None
    campaign_title: str | None


HEADERS, CUSTOM_ARGS = ([field.name for field in fields(MailFacts)].index(name) for name in ("headers", "custom_args"))
"""The columns of `READ_MAILS` that are JSON."""


class LateFacts(NamedTuple):
    """The part of a late event that other events do not have."""

    recipient: int | None
    """The number of the recipient; None: one of several, and nobody knows which."""
    is_machine: bool
    address: str | None
    user_agent: str
    url: str | None
    link: int | None
    """The number of the link among those of its part."""
    is_html: bool | None
    """Whether the link is in the HTML."""


class Happened(NamedTuple):
    """An event of a message for one recipient."""

    id: str
    """The same whenever the event is read."""
    kind: int
    at: float
    """The seconds since 1970."""
    message_id: int
    mail: MailFacts
    recipient: str
    number: int
    """The number of the recipient among those of the message, from 0."""
    personal: Mapping[str, Any]
    """The personal fields of the message that events show."""
    reply: str | None
    suppression: int | None
    classification: int | None
    is_decision: bool
    """True: a deferral that is a decision to send mail in doubt again, and not a reply of the peer."""
    is_first: bool
    """Whether no earlier attempt to deliver to the recipient has ended. It means something for `ATTEMPTS` only."""
    attempt: int
    """The number of this deferral, from 1."""
    is_encrypted: bool | None = None
    """Whether an attempt to deliver was encrypted; None: unknown, or no attempt."""
    late: LateFacts | None = None
    """The facts about an open or a click. Of a message to several recipients, these name the first one."""


MessageFacts = tuple[MailFacts, str, Mapping[str, Any]]
"""A message: its mail, its first recipient, and the personal fields that events show."""


class Entry(NamedTuple):
    """An entry of the log, with those of its parcels that are read."""

    place: int
    at: Any
    is_late: bool
    bases: Sequence[int]
    fences: Sequence[int]

    def only(self, is_wanted: Callable[[int], bool]) -> Self:
        """Return the entry with only the parcels whose events are read, by their bases."""
        pairs = [pair for pair in zip(self.bases, self.fences, strict=True) if is_wanted(pair[0])]
        return self._replace(bases=[base for base, _ in pairs], fences=[fence for _, fence in pairs])


class Row(NamedTuple):
    """A row of events. `is_own` tells whether it belongs to the entry, and is not an earlier or a later one."""

    number: int
    is_own: bool
    id: int
    message_id: int
    kind: int
    at: float
    fence: int
    recipient: str | None
    reply: str | None
    members: bytes | None
    recipients: int
    suppression: int | None
    classification: int | None
    is_encrypted: bool | None = None
    late: LateFacts | None = None

    @property
    def weight(self) -> int:
        """Return the approximate number of events that it becomes, one for each recipient."""
        messages = 1 if self.members is None else len(unpack_members(self.members))
        return messages * max(1, self.recipients)


class Reader:
    """Read the log of one account. `is_wanted` tells by the base of a parcel whether its events are read."""

    def __init__(self, account_id: int, is_wanted: Callable[[int], bool] | None = None) -> None:
        self.account_id = account_id
        self._is_wanted = is_wanted
        self._mails: dict[int, MailFacts] = {}

    def read_after(
        self, position: Position, *, until: Position | None = None
    ) -> Iterator[tuple[int, Iterator[Happened]]]:
        """Yield the events of each place that has any entry of the account, in order, as far as `until` if it is given.

        All events of the first place are read, also those that were read before. A place may have no event: all of them
        are of another lane, or the history of its messages is over.
        """
        place = position.first_place
        while entries := self._read_entries(place, until):
            yield from self._expand(entries)
            place = entries[-1].place + 1

    def _read_entries(self, place: int, until: Position | None) -> list[Entry]:
        with connection.cursor() as cursor:
            parameters = {"account": self.account_id, "first": place, "limit": ENTRIES_AT_ONCE}
            cursor.execute(READ_ENTRIES, {**parameters, "last": None if until is None else until.place})
            entries = [Entry(*row) for row in cursor.fetchall()]
        return entries if self._is_wanted is None else [entry.only(self._is_wanted) for entry in entries]

    def _expand(self, entries: Sequence[Entry]) -> Iterator[tuple[int, Iterator[Happened]]]:
        """Yield the events of entries, by place."""
        numbers = iter(range(1, 1 + sum(len(entry.bases) for entry in entries)))
        parcels: defaultdict[int, list[Row]] = defaultdict(list)
        for row in self._read_rows(entries):
            parcels[row.number].append(row)
        by_place = [(entry.place, [parcels.get(next(numbers), []) for _ in entry.bases]) for entry in entries]
        for group in _group(by_place):
            messages = self._read_messages(row for _, parcel_rows in group for rows in parcel_rows for row in rows)
            for place, parcel_rows in group:
                yield place, chain.from_iterable(self._events_of(rows, messages) for rows in parcel_rows)

    def _read_rows(self, entries: Sequence[Entry]) -> list[Row]:
        """Return the rows of all events of the parcels, by parcel and id: the earlier ones tell what an event means."""
        with connection.cursor() as cursor:
            cursor.execute(
                READ_HAPPENED,
                {
                    "bases": [NO_BASE if entry.is_late else base for entry in entries for base in entry.bases],
                    "fences": [fence for entry in entries for fence in entry.fences],
                    "times": [entry.at for entry in entries for _ in entry.bases],
                },
            )
            return [*(Row(*row) for row in cursor.fetchall()), *_read_late(entries)]

    def _read_messages(self, rows: Iterable[Row]) -> dict[int, MessageFacts]:
        """Return the mail, the first recipient and the personal fields of messages, by id."""
        bounds: dict[int, tuple[int, int]] = {}
        for row in rows:
            if row.is_own:
                base = row.message_id // PARCEL_SPAN
                last = row.message_id if row.members is None else row.message_id + PARCEL_SPAN - 1
                low, high = bounds.get(base, (row.message_id, last))
                bounds[base] = min(low, row.message_id), max(high, last)
        with connection.cursor() as cursor:
            cursor.execute(
                READ_MESSAGES,
                {"firsts": [low for low, _ in bounds.values()], "lasts": [high for _, high in bounds.values()]},
            )
            message_rows = cursor.fetchall()
        self._read_mails({mail_id for _, mail_id, _, _ in message_rows})
        mails = self._mails
        messages = {
            message_id: (mails[mail_id], recipient, NOTHING if personal is None else json.loads(personal))
            for message_id, mail_id, recipient, personal in message_rows
            if mail_id in mails
        }
        return messages | _with_substitutions(messages)

    def _read_mails(self, mail_ids: set[int]) -> None:
        if len(self._mails) > MAILS_REMEMBERED:
            self._mails.clear()
        missing_ids = mail_ids - self._mails.keys()
        if not missing_ids:
            return
        with connection.cursor() as cursor:
            cursor.execute(READ_MAILS, {"ids": sorted(missing_ids)})
            for row in cursor.fetchall():
                facts = MailFacts(*row)
                self._mails[facts.mail_id] = replace(
                    facts, headers=json.loads(row[HEADERS]), custom_args=json.loads(row[CUSTOM_ARGS])
                )

    def _events_of(self, rows: Sequence[Row], messages: Mapping[int, MessageFacts]) -> Iterator[Happened]:
        """Yield the events of the own rows of one parcel, in the order of their ids."""
        history = History()
        # Rows behind the last own one tell nothing about it.
        last = max((place for place, row in enumerate(rows) if row.is_own), default=-1)
        for row in rows[: last + 1]:
            members = [0] if row.members is None else unpack_members(row.members)
            replies = [row.reply] if row.members is None else unpack_replies(row.reply, len(members))
            for n, reply in zip(members, replies, strict=True):
                message_id = row.message_id + n
                message = messages.get(message_id)
                if row.is_own and message is not None:
                    yield from _events_for(row, message_id, reply, message, history)
                history.add(row, message_id)


def _read_late(entries: Sequence[Entry]) -> Iterator[Row]:
    """Yield the late events of entries, as rows with the numbers of their parcels."""
    pairs = [(entry, fence) for entry in entries for fence in entry.fences]
    late = [(number, fence, entry.at) for number, (entry, fence) in enumerate(pairs, start=1) if entry.is_late]
    if not late:
        return
    numbers, ids, times = map(list, zip(*late, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(READ_LATE, {"numbers": numbers, "ids": ids, "times": times})
        for number, id, message_id, kind, at, *fields in cursor.fetchall():
            facts = LateFacts(*fields)
            yield Row(number, True, id, message_id, kind, at, id, None, None, None, 1, None, None, late=facts)


Place = tuple[int, list[list[Row]]]
"""A place, and the rows of each of its parcels."""


def _group(places: Iterable[Place]) -> Iterator[list[Place]]:
    """Yield places in groups whose messages are read together: limited, since messages can have many recipients."""
    group: list[Place] = []
    weight = 0
    for place, parcels in places:
        place_weight = sum(row.weight for rows in parcels for row in rows if row.is_own)
        if group and weight + place_weight > EVENTS_AT_ONCE:
            yield group
            group, weight = [], 0
        group.append((place, parcels))
        weight += place_weight
    if group:
        yield group


def _with_substitutions(messages: Mapping[int, MessageFacts]) -> dict[int, MessageFacts]:
    """Return the messages with a Message-ID of the caller, together with the values of the keys in it."""
    ids = [
        message_id
        for message_id, (mail, _, personal) in messages.items()
        if mail.headers or "headers" in personal
        if find_message_id({**mail.headers, **personal.get("headers", NOTHING)}) is not None
    ]
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(READ_SUBSTITUTIONS, {"ids": ids, "first": min(ids), "last": max(ids)})
        values = {message_id: json.loads(text) for message_id, text in cursor.fetchall()}
    return {
        message_id: (*messages[message_id][:2], {**messages[message_id][2], "substitutions": substitutions})
        for message_id, substitutions in values.items()
    }


class History:
    """The earlier events of a parcel's messages."""

    def __init__(self) -> None:
        self._rows: dict[int, list[Row]] = {}

    def add(self, row: Row, message_id: int) -> None:
        """Remember an event of a message."""
        if message_id in self._rows:
            self._rows[message_id].append(row)
        else:
            self._rows[message_id] = [row]

    def of(self, message_id: int, recipient: str) -> list[Row]:
        """Return the earlier events of a message that are about a recipient, or about all recipients."""
        rows = self._rows.get(message_id)
        return [row for row in rows if row.recipient in (None, recipient)] if rows else []


def _events_for(
    row: Row, message_id: int, reply: str | None, message: MessageFacts, history: History
) -> Iterator[Happened]:
    """Yield an event of a message, once for each recipient that it is about.

    An event of all recipients is not about recipients whose delivery has ended before.
    """
    mail, first_recipient, personal = message
    recipients = recipients_of(personal, first_recipient)
    if row.late is not None:
        number = min(row.late.recipient or 0, len(recipients) - 1)
        id = f"late-{row.id}-{message_id % PARCEL_SPAN}"
        facts = (id, row.kind, row.at, message_id, mail, recipients[number], number, personal)
        yield Happened(*facts, None, None, None, is_decision=False, is_first=False, attempt=1, late=row.late)
        return
    id = f"{row.id}-{message_id % PARCEL_SPAN}"
    for number, recipient in enumerate(recipients) if row.recipient is None else _find(row.recipient, recipients):
        earlier = history.of(message_id, recipient)
        is_first, attempt = True, 1
        if earlier:  # seldom
            if row.recipient is None and any(event.kind in FINAL for event in earlier):
                continue
            attempts = [event for event in earlier if event.kind in ATTEMPTS and not _is_decision(event)]
            is_first, attempt = not attempts, 1 + sum(event.kind == DEFERRED for event in attempts)
        yield Happened(
            id if len(recipients) == 1 else f"{id}-{number}",
            row.kind,
            row.at,
            message_id,
            mail,
            recipient,
            number,
            personal,
            reply,
            row.suppression,
            row.classification,
            _is_decision(row),
            is_first,
            attempt,
            row.is_encrypted,
        )


def _find(recipient: str, recipients: Sequence[str]) -> list[tuple[int, str]]:
    """Return the number of the recipient of an event, and the recipient.

    Links to unsubscribe name an address in its canonical form.
    """
    for number, address in enumerate(recipients):
        if address == recipient or address_key(address) == recipient:
            return [(number, address)]
    return [(0, recipient)]


def _is_decision(row: Row) -> bool:
    return row.kind == DEFERRED and not row.fence
