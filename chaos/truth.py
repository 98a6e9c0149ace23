"""Read the state of every message by its events and parcels in PostgreSQL, once everything is quiet.

It includes the counters with which the service itself answers.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import psycopg

from chaos.stored import OUTCOMES
from stack.stored_numbers import PARCEL_SPAN, EventKind, ParcelState

PARCEL_STATES: dict[int, str] = {
    ParcelState.SCHEDULED: "pending",
    ParcelState.DUE: "pending",
    ParcelState.CLAIMED: "pending",
    ParcelState.RETAINED: "retained",
    ParcelState.DISCARDED: "discarded",
    ParcelState.EXPIRED: "expired",
    ParcelState.HELD: "held",
}
"""A parcel that is done holds no messages. What is held waits for a person."""
STRENGTH = ("sent", "refused", "dropped", "stopped", "in_doubt")
STATES = (*STRENGTH[:4], "discarded", "expired", "retained", "held", "in_doubt", "pending")
COUNTERS = ("sent", "refused", "dropped", "stopped", "in_doubt", "discarded", "expired")

READ_MESSAGES = """
select m.id, m.recipient, mail.public_id, b.public_id, b.is_default
from mailer_message m join mailer_mail mail on mail.id = m.mail_id join batches_batch b on b.id = mail.batch_id
"""
READ_PARCELS = f"""
select base, members, size, state from batches_parcel where state <> {ParcelState.DONE} and not is_remainder
"""
READ_EVENTS = """
select message_id, kind, recipient from mailer_event where members is null
union all
select message_id + member.n, kind, null from mailer_event cross join lateral sluice_unpack(members, null) member
where members is not null
"""
READ_RECEIPTS = """
select r.public_id, b.public_id, r.created_at, r.settled_at, r.sent, r.in_doubt, r.doubtful_messages
from batches_receipt r join batches_batch b on b.id = r.batch_id where r.action in ('pause', 'cancel')
"""
PENDING = "size - sent - refused - dropped - stopped - in_doubt - moved"
COUNT = f"""
select {", ".join(f"coalesce(sum({name}), 0)::bigint" for name in COUNTERS)} from (
    select {", ".join(COUNTERS)} from batches_batchtotals
    union all
    select sent, refused, dropped, stopped, in_doubt,
        case when state = {ParcelState.DISCARDED} then {PENDING} else 0 end,
        case when state = {ParcelState.EXPIRED} then {PENDING} else 0 end
    from batches_parcel where not is_folded and not is_remainder
) counted
"""


@dataclass(frozen=True, slots=True)
class Message:
    """One stored message and its state."""

    id: int
    recipient: str
    mail: str
    batch: str
    state: str
    """The state, or an empty text for a lost message."""


@dataclass(frozen=True, slots=True)
class StoredReceipt:
    """The stored receipt of a stop."""

    public_id: str
    batch: str
    created_at: dt.datetime
    settled_at: dt.datetime | None
    sent: int
    in_doubt: int
    doubtful: frozenset[int]


@dataclass
class Truth:
    """Everything that is stored."""

    messages: dict[str, Message] = field(default_factory=dict)
    """The messages by recipient."""
    receipts: list[StoredReceipt] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=dict)
    recorded_doubles: int = 0

    @property
    def states(self) -> Counter[str]:
        return Counter(message.state for message in self.messages.values())


def read_truth(database_url: str) -> Truth:
    """Read one snapshot."""
    with psycopg.connect(database_url) as connection:
        connection.execute("set transaction isolation level repeatable read")
        places = read_places(connection.execute(READ_PARCELS))
        outcomes: dict[int, set[str]] = defaultdict(set)
        sent: Counter[tuple[int, str | None]] = Counter()
        for message_id, kind, recipient in connection.execute(READ_EVENTS):
            sent[message_id, recipient] += kind == EventKind.SENT
            if kind in OUTCOMES:
                outcomes[message_id].add(OUTCOMES[kind])
        truth = Truth(recorded_doubles=sum(times > 1 for times in sent.values()))
        for message_id, recipient, mail, batch, is_default in connection.execute(READ_MESSAGES):
            state = state_of(outcomes[message_id], places.get(message_id, ""))
            truth.messages[recipient] = Message(message_id, recipient, mail, "" if is_default else batch, state)
        for public_id, batch, created_at, settled_at, sent_before, in_doubt, doubtful in connection.execute(
            READ_RECEIPTS
        ):
            truth.receipts.append(
                StoredReceipt(public_id, batch, created_at, settled_at, sent_before, in_doubt, frozenset(doubtful))
            )
        row = connection.execute(COUNT).fetchone()
        truth.counters = dict(zip(COUNTERS, row or (), strict=True))
    return truth


def read_places(parcels: Iterable[tuple[int, bytes | None, int, int]]) -> dict[int, str]:
    """Return the state of each message id that a parcel still holds."""
    places = {}
    for base, members, size, state in parcels:
        mask = (1 << size) - 1 if members is None else int.from_bytes(members, "little")
        for n in range(mask.bit_length()):
            if mask >> n & 1:
                places[base * PARCEL_SPAN + n] = PARCEL_STATES[state]
    return places


def state_of(outcomes: set[str], place: str) -> str:
    """Return the state: sent first, then the parcel that still holds the message, then its end."""
    if "sent" in outcomes or not place:
        return next((state for state in STRENGTH if state in outcomes), "")
    return place
