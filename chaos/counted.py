"""Compare the counters over time, and the lists, with stored events and messages once everything is quiet.

It shares no code with the comparison of the product (`manage.py check_counters`), so that an error in either of the two
is found.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import psycopg

from stack.stored_numbers import ACCEPTED, PARCEL_SPAN, EventKind, ParcelState, Series, SuppressionKind, listed

KINDS = range(EventKind.SENT, EventKind.HELD + 1)
DAY, QUARTER = 86_400, 900

READ_COUNTERS = f"""
select series, account_id, case when series = {Series.BATCH} then key::bigint end, measure, n from mailer_counter
where (series, span) in (({Series.ACCOUNT}, {DAY}), ({Series.BATCH}, {QUARTER}))
union all
select series, account_id, case when series = {Series.BATCH} then key::bigint end, measure, n from mailer_counterdelta
where series in ({Series.ACCOUNT}, {Series.BATCH})
"""
READ_EVENTS = "select message_id, kind, members, recipients from mailer_event"
# The chaos sends to one recipient in each message.
READ_MESSAGES = "select id from mailer_message"
READ_PARCELS = """
select p.id, p.account_id, p.batch_id, b.is_default from batches_parcel p join batches_batch b on b.id = p.batch_id
where p.base = p.id
"""
READ_WAVES = "select messages, parcels from batches_wavecount union all select messages, parcels from batches_wavedelta"
READ_WAITING = f"""
select case when is_remainder then 0 else size - sent - refused - dropped - stopped - in_doubt - moved end, 1
from batches_parcel where state = {ParcelState.SCHEDULED} and attempts = 0
"""
# Bounces, blocks and invalid addresses, and the refusals that put recipients there.
OF_REFUSALS = listed(SuppressionKind.BOUNCE, SuppressionKind.BLOCK, SuppressionKind.INVALID)
READ_LISTS = f"select count(*) from mailer_suppression where kind in {OF_REFUSALS}"
READ_LISTED = f"""
select count(distinct (p.account_id, m.recipient, e.suppression))
from mailer_event e join mailer_message m on m.id = e.message_id
join batches_parcel p on p.id = e.message_id / {PARCEL_SPAN}
where e.kind = {EventKind.REFUSED} and e.suppression is not null
"""


class Key(NamedTuple):
    """A counter: of an account, or of one of its batches."""

    account: int
    batch: int | None
    measure: int


def read_miscounted(database_url: str) -> list[str]:
    """Return a sentence for each counter that differs from the events, in one snapshot."""
    with psycopg.connect(database_url) as connection:
        connection.execute("set transaction isolation level repeatable read")
        counted: Counter[Key] = Counter()
        for _, account, batch, measure, number in connection.execute(READ_COUNTERS):
            counted[Key(account, batch, measure)] += number
        stored = read_stored(connection)
        noted, waiting = (read_sums(connection, statement) for statement in (READ_WAVES, READ_WAITING))
        on_lists, named_by_refusals = (
            connection.execute(statement).fetchall() for statement in (READ_LISTS, READ_LISTED)
        )
    compared = {key for key in counted | stored if key.measure in {*KINDS, ACCEPTED} and counted[key] != stored[key]}
    wrong = [f"{key} is counted as {counted[key]} and stored {stored[key]} times" for key in sorted(compared, key=str)]
    if noted != waiting:
        wrong.append(f"waves have {noted} messages and parcels, but {waiting} wait")
    if on_lists != named_by_refusals:
        wrong.append(f"lists have {on_lists} addresses, but refusals name {named_by_refusals}")
    return wrong


def read_stored(connection: psycopg.Connection) -> Counter[Key]:
    """Return how often each kind of event is stored, and how many messages are."""
    owners = {
        base: (account, None if default else batch)
        for base, account, batch, default in connection.execute(READ_PARCELS)
    }
    stored: Counter[Key] = Counter()

    def add(message_id: int, measure: int, number: int) -> None:
        account, batch = owners[message_id // PARCEL_SPAN]
        stored[Key(account, None, measure)] += number
        if batch is not None:
            stored[Key(account, batch, measure)] += number

    for (message_id,) in connection.execute(READ_MESSAGES):
        add(message_id, ACCEPTED, 1)
    for message_id, kind, members, recipients in connection.execute(READ_EVENTS):
        add(message_id, kind, number_of(members, recipients))
    return stored


def number_of(members: bytes | None, recipients: int | None) -> int:
    """Return how often a row of events counts: a packed row once for each member, any row not at all if it says 0."""
    if recipients is not None:
        return recipients
    return 1 if members is None else sum(byte.bit_count() for byte in members)


def read_sums(connection: psycopg.Connection, statement: str) -> tuple[int, int]:
    """Return the sums of the two columns of a statement."""
    rows = connection.execute(statement).fetchall()
    return sum(row[0] for row in rows), sum(row[1] for row in rows)
