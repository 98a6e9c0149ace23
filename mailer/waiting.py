"""Refuse mail of an account that has too many messages waiting, by a count that stays cheap at any size.

This is the guard against a caller that schedules without end. It need not be exact, so nothing is counted for each
request: each process counts every ten seconds, or less often when counting takes long, and for all accounts at once. An
account may exceed its limit by what it sends in between, and, in a table of more than `BLOCKS` blocks, by the error of
a sample.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection

from accounts.models import Account
from batches.queries import PENDING
from mailer.errors import QueueFull

BLOCKS = 4000
"""The most blocks of the parcels' table that are read: 32 MB, some 100,000 parcels, tens of milliseconds."""
LOOK_AGAIN_SECONDS = 10.0
REST = 100.0
"""Looking takes at most one part in so many of a process's time."""

# Whole blocks chosen by chance: the cost is that of the blocks, however many accounts, batches and parcels there are.
# The ORM has no samples.
TABLE_BLOCKS = "select pg_relation_size('batches_parcel') / current_setting('block_size')::int"
WAITING = f"""
select p.account_id, sum({PENDING}) from batches_parcel p tablesample system (%(percent)s)
where p.finalized_at is null and not p.is_remainder group by p.account_id
"""


@dataclass(slots=True)
class _Seen:
    waiting: dict[int, int] = field(default_factory=dict)
    """Messages by account id."""
    until: float = 0.0


_seen = _Seen()


def refuse_when_full(account: Account) -> None:
    """Refuse an account of whose own messages `MAX_PENDING_MESSAGES` wait (0: no limit). Raises QueueFull."""
    limit = settings.MAX_PENDING_MESSAGES
    if limit and waiting_of(account.pk) >= limit:
        raise QueueFull(f"{limit:,} messages of the account are waiting already")


def waiting_of(account_id: int) -> int:
    """Return the messages of an account that waited when this process looked last."""
    now = time.monotonic()
    if now >= _seen.until:
        # The other threads go on with what was seen before.
        _seen.until = now + LOOK_AGAIN_SECONDS
        _seen.waiting = count_waiting()
        _seen.until = now + max(LOOK_AGAIN_SECONDS, REST * (time.monotonic() - now))
    return _seen.waiting.get(account_id, 0)


def count_waiting() -> dict[int, int]:
    """Return the messages that wait, by account id: exact in a table of up to `BLOCKS` blocks, else an estimate."""
    with connection.cursor() as cursor:
        cursor.execute(TABLE_BLOCKS)
        row = cursor.fetchone()
        share = min(1.0, BLOCKS / max(row[0] if row else 0, 1))
        cursor.execute(WAITING, {"percent": share * 100})
        return {account_id: round(waiting / share) for account_id, waiting in cursor.fetchall()}
