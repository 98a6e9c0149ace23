"""Make the partitions of messages and events ahead, and drop them when their history is over. The sweeper does both.

Both tables are split at the same bounds, `PARTITION_PARCELS` parcel ids wide, so one drop takes a stretch of messages
with all their events. There is no default partition: it would have to be scanned at every attach.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.backends.utils import CursorWrapper

from batches.models import PARCEL_SPAN
from foundation.postgresql import AdvisoryLock, SqlState, sqlstate_of

TABLES = {"mailer_message": "id", "mailer_event": "message_id"}
AHEAD = 2
"""The number of partitions that are kept ready beyond the one in use."""
# The names of partitions end with their numbers.
READ_SUFFIXES: Final = """
select substring(c.relname from '[0-9]+$') from pg_inherits i
join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent where p.relname = %s order by 1
"""
LOCK: Final = f"select pg_advisory_xact_lock({int(AdvisoryLock.PARTITIONS)})"


def span() -> int:
    """Return the number of message ids to a partition."""
    return settings.PARTITION_PARCELS * PARCEL_SPAN


def ensure_partitions(through_parcel: int | None = None) -> int:
    """Make the missing partitions up to `AHEAD` beyond `through_parcel` (default: the newest parcel id that was drawn).

    Return how many were made. This is harmless at any time, from any process.
    """
    if through_parcel is None:
        through_parcel = newest_parcel_id()
    newest = through_parcel // settings.PARTITION_PARCELS
    missing = [n for n in range(max(newest - 1, 0), newest + AHEAD + 1) if not exists(n)]
    for number in missing:
        create_partition(number)
    return len(missing)


def has_made_partitions_for(error: IntegrityError) -> bool:
    """Make the missing partitions if an insert failed because there was no partition for its ids.

    That happens when the sweeper, which makes them ahead, has not run. Return whether the insert can be tried again.
    Any other violated constraint is a real error.
    """
    return is_partition_missing(error) and ensure_partitions() > 0


def is_partition_missing(error: IntegrityError) -> bool:
    """Return whether an insert may have failed because no partition is there for its row."""
    return sqlstate_of(error) == SqlState.CHECK_VIOLATION


def are_tables_there() -> bool:
    """Return whether the migrations that create the partitioned tables have run."""
    return TABLES.keys() <= set(connection.introspection.table_names())


def newest_parcel_id() -> int:
    """Return the last id that the parcels' sequence gave out."""
    with connection.cursor() as cursor:
        cursor.execute("select last_value from batches_parcel_id_seq")
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def exists(number: int) -> bool:
    """Return whether both tables have partition `number` attached."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from pg_inherits i join pg_class c on c.oid = i.inhrelid where c.relname = any(%s)",
            [[f"{table}_{number}" for table in TABLES]],
        )
        row = cursor.fetchone()
    return row is not None and row[0] == len(TABLES)


def read_suffixes(table: str) -> list[str]:
    """Return the numbers with which the names of a table's partitions end, as texts and in their order."""
    with connection.cursor() as cursor:
        cursor.execute(READ_SUFFIXES, [table])
        return [row[0] for row in cursor.fetchall()]


@contextmanager
def making_partitions() -> Iterator[CursorWrapper]:
    """Open a transaction that makes partitions. Only one process does so at a time.

    The lock time-out lets a busy hour win: the sweeper tries again.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set local lock_timeout = '2s'")
        cursor.execute(LOCK)
        yield cursor


def is_made(cursor: CursorWrapper, name: str) -> bool:
    """Return whether a table with this name exists."""
    cursor.execute("select to_regclass(%s)", [name])
    row = cursor.fetchone()
    return row is not None and row[0] is not None


def create_partition(number: int) -> None:
    """Make partition `number` of both tables.

    It is created separately with a CHECK of its bounds and then attached, so that the parent is locked only for a
    moment and nothing is scanned.
    """
    lower, upper = number * span(), (number + 1) * span()
    with making_partitions() as cursor:
        for table, key in TABLES.items():
            name = f"{table}_{number}"
            if is_made(cursor, name):
                continue
            cursor.execute(
                f"create table {name} (like {table} including defaults including constraints, "
                f"constraint {name}_bounds check ({key} >= {lower} and {key} < {upper}))"
            )
            cursor.execute(f"alter table {table} attach partition {name} for values from ({lower}) to ({upper})")
            cursor.execute(f"alter table {name} drop constraint {name}_bounds")


def drop_partition(number: int) -> None:
    """Drop partition `number` of both tables with everything in it."""
    for table in reversed(TABLES):
        drop_table(table, f"{table}_{number}")


def drop_table(table: str, partition: str) -> None:
    """Drop one partition of a table. It is detached first, without blocking readers of the table."""
    with connection.cursor() as cursor:
        cursor.execute(f"alter table {table} detach partition {partition} concurrently")
        cursor.execute(f"drop table {partition}")
