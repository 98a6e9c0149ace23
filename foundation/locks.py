"""The advisory locks of accounts. They are held until the end of the transaction."""

from __future__ import annotations

from django.db import connection

from foundation.postgresql import AdvisoryLock


def keys_of_lock(lock: AdvisoryLock, account: str) -> str:
    """Return the two keys of a lock of an account, as SQL. `account` is the SQL of the account's id, a bigint."""
    return f"{int(lock)}, mod({account}, 1::bigint << 31)::int"


def lock_account(lock: AdvisoryLock, account_id: int) -> None:
    """Wait for the transactions that have this lock of the account, and take it."""
    with connection.cursor() as cursor:
        cursor.execute(f"select pg_advisory_xact_lock({keys_of_lock(lock, '%s::bigint')})", [account_id])
