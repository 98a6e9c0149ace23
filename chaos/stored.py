"""The number that each figure on a page has to show, counted from stored messages, parcels and events.

A figure has a key, such as `batch:12:sent`. Nothing of the product is used here, so that an error in one shows.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg

from chaos.counted import PARCEL_SPAN

PLACES = ("scheduled", "due", "claimed", "retained", "", "discarded", "expired", "held")
"""The states of parcels. A finished parcel (4) holds no message."""
OUTCOMES = {1: "sent", 2: "refused", 3: "dropped", 4: "stopped", 6: "in_doubt"}
KINDS = {**OUTCOMES, 5: "deferred", 7: "discarded", 8: "expired", 11: "unsubscribed"}
WAITING = ("scheduled", "due", "claimed", "retained", "held")
ENDED_UNSENT = ("stopped", "discarded", "expired")
STATES = (*WAITING, *OUTCOMES.values(), "discarded", "expired")
SUMS = ("accepted", "waiting", "ended", "ended_unsent", "to_be_sent")
BOUNCE = 3
OPEN, CANCELLED = 0, 2
STOPS = ("pause", "cancel")
DAY, HOUR = 86_400, 3_600
DAYS_OF_WEEK = 7
HOURS_AHEAD = 72

# The messages with the batch, account and gate of each.
READ_MESSAGES = f"""
select m.id, b.id, b.public_id, b.is_default, b.account_id, a.parent_id, b.status,
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
where p.state <> 4 and not p.is_remainder
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
select id, public_id, batch_id, account_id, message_id, action, created_at, settled_at,
    jsonb_array_length(doubtful_messages) from batches_receipt order by id
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
    status: int
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
        if self.state in ENDED_UNSENT:
            yield "ended_unsent"

    @property
    def is_open(self) -> bool:
        """Return whether neither its batch nor a freeze stops it."""
        return self.status == OPEN and not self.is_frozen

    def had(self, kinds: Iterable[str], until: dt.datetime) -> bool:
        """Return whether one of these events had happened by then."""
        return any(kind in kinds and at <= until for kind, at in self.events)


@dataclass
class Numbers:
    """The numbers by key. A key whose family is known and that has no number stands for zero."""

    by_key: Counter[str] = field(default_factory=Counter)
    batch_ids: set[int] = field(default_factory=set)
    batches: dict[str, int] = field(default_factory=dict)
    """The ids of the batches by public id, without those of mail that was sent without a batch."""
    receipts: dict[str, int] = field(default_factory=dict)
    """The ids of the receipts by public id."""
    accounts: set[int] = field(default_factory=set)

    def number_of(self, key: str) -> int | None:
        """Return the number for a figure, or None for a key that does not exist."""
        if key in self.by_key:
            return self.by_key[key]
        return 0 if is_known(key) else None


def is_known(key: str) -> bool:
    """Return whether a key has a meaning: a figure of nothing is zero."""
    family, *rest = key.split(":")
    last = rest[-1] if rest else ""
    match family:
        case "batch" | "account" | "all":
            sums = (*STATES, *SUMS, "scheduled_open", "scheduled_stopped", "due_open")
            return last in sums or rest[-2:-1] == ["sent"]
        case "receipt":
            return last in {"sent", "stopped", "in_doubt", "in_flight"}
        case "wave":
            return last in {"messages", "sent"}
        case "hour" | "hours" | "day":
            return rest[-1 if family != "day" else 0] in {"accepted", *KINDS.values()}
        case "ahead":
            return last in {"sent", "kept_back"}
        case "bounces" | "coming" | "fleet":
            return True
    return False


def count_stored(database_url: str) -> Numbers:
    """Return the numbers of one snapshot."""
    with psycopg.connect(database_url) as connection:
        connection.execute("set transaction isolation level repeatable read")
        return count_in(connection)


def count_in(connection: psycopg.Connection[Any]) -> Numbers:
    """Return the numbers in the transaction of a connection, at which no mail is under way."""
    now = connection.execute("select sluice_now()").fetchall()[0][0]
    events = connection.execute(READ_EVENTS).fetchall()
    messages = read_messages(connection, events)
    numbers = Numbers(
        batch_ids={message.batch_id for message in messages},
        batches={message.public_id: message.batch_id for message in messages if message.public_id},
    )
    numbers.accounts = {account for message in messages for account in message.accounts}
    for message in messages:
        numbers.by_key.update(keys_of(message, now))
    count_recipients(numbers.by_key, messages, events, now)
    stopped: set[int | None] = set()
    for row in connection.execute(READ_RECEIPTS):
        numbers.receipts[row[1]] = row[0]
        count_receipt(numbers.by_key, row, messages, is_repeated=row[4] in stopped)
        stopped.add(row[4])
    return numbers


def read_messages(connection: psycopg.Connection[Any], events: list[Any]) -> list[Stored]:
    """Return the messages with their states, by the parcels that hold them and by their events."""
    places = {row[0]: row[1:] for row in connection.execute(READ_PLACES)}
    whole: dict[int, set[str]] = defaultdict(set)
    history: dict[int, list[tuple[str, dt.datetime]]] = defaultdict(list)
    for message_id, kind, at, *_ in events:
        if kind in KINDS:
            history[message_id].append((KINDS[kind], at))
        if kind in OUTCOMES:
            whole[message_id].add(OUTCOMES[kind])
    messages = []
    for message_id, *columns in connection.execute(READ_MESSAGES):
        batch_id, public_id, is_default, account_id, parent_id, status, is_frozen, send_at, accepted_at, recipients = (
            columns
        )
        place, attempts, waits_for = places.get(message_id, (4, 0, None))
        state = PLACES[place] or next((each for each in OUTCOMES.values() if each in whole[message_id]), "lost")
        messages.append(
            Stored(
                id=message_id,
                batch_id=batch_id,
                public_id="" if is_default else public_id,
                accounts=(account_id,) if parent_id is None else (account_id, parent_id),
                status=status,
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
    if message.state in {"scheduled", "due"}:
        yield f"all:{message.state}_{'open' if message.is_open else 'stopped'}"
    wave = f"wave:{message.batch_id}:{message.send_at.timestamp():.3f}"
    yield f"{wave}:messages"
    if message.state == "sent":
        yield f"{wave}:sent"
    if message.waits_since_first is not None:
        yield from keys_ahead(message, message.waits_since_first, now)


def keys_ahead(message: Stored, at: dt.datetime, now: dt.datetime) -> Iterator[str]:
    """Yield the keys of a message that waits for its first try."""
    minute = int(at.timestamp()) // 60
    yield f"coming:{message.batch_id}:{minute}"
    until = (int(now.timestamp()) // HOUR + HOURS_AHEAD + 1) * HOUR
    if now.timestamp() - 60 < minute * 60 < until:
        yield "ahead:sent" if message.is_open else "ahead:kept_back"


def count_recipients(numbers: Counter[str], messages: list[Stored], events: list[Any], now: dt.datetime) -> None:
    """Count what the page Overview shows of recipients, by day and hour."""
    by_id = {message.id: message for message in messages}
    today = int(now.timestamp()) // DAY
    since = (int(now.timestamp()) // 300) * 300 - DAY
    days: Counter[tuple[str, int]] = Counter()
    for message in messages:
        days["accepted", int(message.accepted_at.timestamp()) // DAY] += message.recipients
    for message_id, kind, at, _, recipients, suppression in events:
        name, second = KINDS.get(kind, ""), int(at.timestamp())
        day = second // DAY
        days[name, day] += recipients
        if second >= since:
            numbers[f"hour:{second // HOUR * HOUR}:{name}"] += recipients
            numbers[f"hours:{name}"] += recipients
        if kind == 1 and day >= today - 1:
            word = "today" if day == today else "yesterday"
            numbers[f"account:{by_id[message_id].accounts[0]}:sent:{word}"] += recipients
        for span, first in (("today", today), ("week", today - DAYS_OF_WEEK + 1)):
            if day >= first and kind in (1, 2):
                numbers[f"bounces:{span}:tried"] += recipients
                numbers[f"bounces:{span}:bounced"] += recipients * (kind == 2 and suppression == BOUNCE)
    for name in ("accepted", *KINDS.values()):
        week = sum(days[name, today - number] for number in range(2, 2 + DAYS_OF_WEEK))
        numbers[f"day:{name}:yesterday"] = days[name, today - 1]
        numbers[f"day:{name}:average"] = round(week / DAYS_OF_WEEK)


def count_receipt(numbers: Counter[str], row: Any, messages: list[Stored], *, is_repeated: bool) -> None:
    """Count what a settled receipt states: what had happened to its mail by the time at which it was settled."""
    receipt_id, _, batch_id, account_id, message_id, action, created_at, settled_at, in_doubt = row
    if settled_at is None:
        return
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
    before = 0
    if message_id is not None:
        # The stop of a message ends it just before its receipt is made. Only the first one ends it.
        before = len(about) * is_repeated
    elif action in STOPS:
        before = sum(message.had(ENDED_UNSENT, created_at) for message in about)
    key = f"receipt:{receipt_id}"
    numbers[f"{key}:sent"] = sent
    numbers[f"{key}:in_doubt"] = in_doubt
    numbers[f"{key}:stopped"] = len(about) - sent - ended - before - in_doubt
    numbers[f"{key}:in_flight"] = 0
