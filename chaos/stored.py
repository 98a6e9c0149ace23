"""Count the number that each figure on a page has to show, from stored messages, parcels and events.

A figure has a key, such as `batch:12:sent`. No code of the product is used here, so that an error in either of the two
is found.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from chaos.expected import Connection
from stack.stored_numbers import PARCEL_SPAN, BatchStatus, EventKind, ParcelState

OUTCOMES = {
    EventKind.SENT: "sent",
    EventKind.REFUSED: "refused",
    EventKind.DROPPED: "dropped",
    EventKind.STOPPED: "stopped",
    EventKind.IN_DOUBT: "in_doubt",
}
KINDS = {
    **OUTCOMES,
    EventKind.DEFERRED: "deferred",
    EventKind.DISCARDED: "discarded",
    EventKind.EXPIRED: "expired",
    EventKind.UNSUBSCRIBED: "unsubscribed",
    EventKind.RESUBSCRIBED: "resubscribed",
}
WAITING = ("scheduled", "due", "claimed", "retained", "held")
ENDED_UNSENT = ("stopped", "discarded", "expired")
PARCELS = tuple(state.name.lower() for state in ParcelState)
"""The states of parcels in words."""
STATES = (*WAITING, *OUTCOMES.values(), "discarded", "expired")
SEVERAL = {
    "at_hand": {"due", "claimed", "retained"},
    "come": {"due", "claimed", "retained", "held"},
    "movable": {"scheduled", "due", "retained", "held"},
    "due_or_retained": {"due", "retained"},
    "in_hand": {"held", "in_doubt"},
}
"""Sums of several states, by name."""
SUMS = ("accepted", "waiting", "ended", "ended_unsent", "to_be_sent", *SEVERAL)
OPEN, CANCELLED = BatchStatus.OPEN, BatchStatus.CANCELLED
STOPS = ("pause", "cancel")
DOUBTS_SHOWN = 200
HOUR = 3_600
HOURS_AHEAD = 72

# The messages with the batch, account and gate of each.
READ_MESSAGES = f"""
select m.id, b.id, b.public_id, b.is_default, b.account_id, a.parent_id, a.username, b.status,
    a.frozen_at is not null or parent.frozen_at is not null,
    a.frozen_at is not null or parent.frozen_at is not null or exists (select from batches_installation i
        where i.frozen_at is not null), p.send_at, mail.created_at, 1
    + greatest(coalesce(jsonb_array_length(m.personal -> 'to'), 0) - 1, 0)
    + coalesce(jsonb_array_length(m.personal -> 'cc'), 0) + coalesce(jsonb_array_length(m.personal -> 'bcc'), 0)
from mailer_message m
join mailer_mail mail on mail.id = m.mail_id
join batches_batch b on b.id = mail.batch_id
join accounts_account a on a.id = b.account_id
left join accounts_account parent on parent.id = a.parent_id
join batches_parcel p on p.id = m.id / {PARCEL_SPAN}
"""
# The messages that a parcel still holds: its members, or all that are numbered from it.
READ_PLACES = f"""
select p.base * {PARCEL_SPAN} + member.n, p.state, p.attempts, p.send_at
from batches_parcel p cross join lateral (
    select n from sluice_unpack(p.members, null) where p.members is not null
    union all
    select generate_series(0, p.size - 1) where p.members is null
) member
where p.state <> {ParcelState.DONE} and not p.is_remainder
"""
# The events of each message, with the number of recipients for which each of them counts.
READ_EVENTS = """
select message_id, kind, at, recipient is null, coalesce(recipients, 1), suppression from mailer_event
where members is null
union all
select message_id + member.n, kind, at, true, coalesce(recipients, 1), suppression
from mailer_event cross join lateral sluice_unpack(members, null) member where members is not null
"""
READ_RECEIPTS = """
select id, public_id, batch_id, account_id, message_id, action, created_at, settled_at
from batches_receipt where selection = '' order by id
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored message: its batch, its state, and its history."""

    id: int
    batch_id: int
    public_id: str
    """The id of its batch, or an empty text for mail that was sent without a batch."""
    accounts: tuple[int, ...]
    """The account, and the parent that has this account as a subuser."""
    username: str
    status: int
    is_frozen_with_account: bool
    is_frozen: bool
    send_at: dt.datetime
    accepted_at: dt.datetime
    recipients: int
    state: str
    waits_since_first: dt.datetime | None
    """The time at which it is tried for the first time, if it waits for that."""
    events: list[tuple[str, dt.datetime]]

    @property
    def sums(self) -> Iterator[str]:
        """Yield the sums of states that the message is in."""
        yield "accepted"
        is_waiting = self.state in WAITING
        yield "waiting" if is_waiting else "ended"
        if is_waiting and self.status != CANCELLED:
            yield "to_be_sent"
        for name, states in SEVERAL.items():
            if self.state in states:
                yield name
        if self.state in ENDED_UNSENT:
            yield "ended_unsent"

    @property
    def is_open(self) -> bool:
        """Return whether neither its batch nor a freeze stops it."""
        return self.status == OPEN and not self.is_frozen

    @property
    def gate(self) -> str:
        """Return what stops its batch, without a freeze of the whole installation."""
        if self.status == CANCELLED:
            return "cancelled"
        if self.is_frozen_with_account:
            return "frozen"
        return "open" if self.status == OPEN else "paused"

    def was_in_doubt(self, at: dt.datetime) -> bool:
        """Return whether nobody knew at this time whether it was sent."""
        return self.had(("in_doubt",), at) and not self.had(("sent", "refused", "dropped"), at)

    def had(self, kinds: Iterable[str], until: dt.datetime) -> bool:
        """Return whether one of these events had happened by then."""
        return any(kind in kinds and at <= until for kind, at in self.events)


def read_messages(connection: Connection, events: list[Any]) -> list[Stored]:
    """Return the messages with their states, by the parcels that hold them and by their events."""
    places = {row[0]: row[1:] for row in connection.execute(READ_PLACES)}
    outcomes_of_all: dict[int, set[str]] = defaultdict(set)
    history: dict[int, list[tuple[str, dt.datetime]]] = defaultdict(list)
    for message_id, kind, at, *_ in events:
        if kind in KINDS:
            history[message_id].append((KINDS[kind], at))
        if kind in OUTCOMES:
            outcomes_of_all[message_id].add(OUTCOMES[kind])
    messages = []
    for message_id, *columns in connection.execute(READ_MESSAGES):
        batch_id, public_id, is_default, account_id, parent_id, username, status = columns[:7]
        is_frozen_with_account, is_frozen, send_at, accepted_at, recipients = columns[7:]
        place, attempts, waits_for = places.get(message_id, (ParcelState.DONE, 0, None))
        # A finished parcel holds no message.
        holder = "" if place == ParcelState.DONE else PARCELS[place]
        state = holder or next(
            (outcome for outcome in OUTCOMES.values() if outcome in outcomes_of_all[message_id]), "lost"
        )
        messages.append(
            Stored(
                id=message_id,
                batch_id=batch_id,
                public_id="" if is_default else public_id,
                accounts=(account_id,) if parent_id is None else (account_id, parent_id),
                username=username,
                status=status,
                is_frozen_with_account=is_frozen_with_account,
                is_frozen=is_frozen,
                send_at=send_at,
                accepted_at=accepted_at,
                recipients=recipients,
                state=state,
                waits_since_first=waits_for if state == "scheduled" and not attempts else None,
                events=history[message_id],
            )
        )
    return messages


def keys_of(message: Stored, now: dt.datetime) -> Iterator[str]:
    """Yield the keys of the figures that count a message."""
    subjects = [f"batch:{message.batch_id}", *(f"account:{account}" for account in message.accounts), "all"]
    for subject in subjects:
        yield f"{subject}:{message.state}"
        for name in message.sums:
            yield f"{subject}:{name}"
    if message.state in {"scheduled", "due", "retained"}:
        yield f"all:{message.state}_{message.gate}"
        if message.gate != "open":
            yield f"all:{message.state}_stopped"
    if message.state in SEVERAL["in_hand"]:
        hand = f"hand:{message.accounts[0]}:{message.state}"
        yield from (hand, f"{hand}:{message.batch_id}")
    wave = key_of_wave(message.batch_id, message.send_at)
    yield f"{wave}:messages"
    if message.state == "sent":
        yield f"{wave}:sent"
    if message.waits_since_first is not None:
        yield from keys_ahead(message, message.waits_since_first, now)


def key_of_wave(batch_id: int, send_at: dt.datetime) -> str:
    """Return the beginning of the keys of a wave."""
    return f"wave:{batch_id}:{send_at.timestamp():.6f}"


def keys_ahead(message: Stored, at: dt.datetime, now: dt.datetime) -> Iterator[str]:
    """Yield the keys of a message that waits for its first try."""
    minute = int(at.timestamp()) // 60
    yield f"coming:{message.batch_id}:{minute}"
    until = (int(now.timestamp()) // HOUR + HOURS_AHEAD + 1) * HOUR
    if now.timestamp() - 60 < minute * 60 < until:
        word = "sent" if message.is_open else "kept_back"
        hour = max(minute * 60, int(now.timestamp())) // HOUR * HOUR
        yield from (f"ahead:{word}", f"ahead:{message.username}:{word}:{hour}")


def count_receipt(numbers: Counter[str], row: Any, messages: list[Stored], *, is_repeated: bool) -> set[int]:
    """Count what a settled receipt states: what had happened to its mail by the time at which it was settled.

    Return the ids of the messages that were in doubt then.
    """
    receipt_id, _, batch_id, account_id, message_id, action, created_at, settled_at = row
    if settled_at is None:
        return set()
    about = [
        message
        for message in messages
        if message.accepted_at <= settled_at
        and message_id in (None, message.id)
        and batch_id in (None, message.batch_id)
        and (account_id is None or account_id in message.accounts)
    ]
    sent = sum(message.had(("sent",), settled_at) for message in about)
    ended = sum(
        message.had(("refused", "dropped"), settled_at) and not message.had(("sent",), settled_at) for message in about
    )
    doubts = {message.id for message in about if message.was_in_doubt(settled_at)}
    in_doubt, before = len(doubts), 0
    if message_id is not None:
        # The stop of a message ends it just before its receipt is made. Only the first one ends it.
        before = len(about) * is_repeated
    elif action in STOPS:
        before = sum(message.had(ENDED_UNSENT, created_at) for message in about)
    key = f"receipt:{receipt_id}"
    numbers[f"{key}:sent"] = sent
    numbers[f"{key}:in_doubt"] = in_doubt
    numbers[f"{key}:stopped"] = len(about) - sent - ended - before - in_doubt
    numbers[f"{key}:ended_before"] = before
    numbers[f"{key}:not_sent"] = len(about) - sent - ended - in_doubt
    numbers[f"{key}:ended"] = sum(message.had(ENDED_UNSENT, settled_at) for message in about)
    numbers[f"{key}:more_doubts"] = max(in_doubt - DOUBTS_SHOWN, 0)
    numbers[f"{key}:in_flight"] = 0
    return doubts
