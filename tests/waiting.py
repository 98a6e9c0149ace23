"""Wait for a condition with a deadline, and never for a fixed time."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.db import connection

PATIENCE_SECONDS = 10.0
"""The time in which Redis replies in tests, also on a busy machine."""


def wait_until(condition: Callable[[], object], *, seconds: float = 10, why: str = "condition") -> None:
    """Return soon after `condition()` holds; fail after `seconds`.

    The pauses grow, since many conditions are queries, which take the time of what they wait for.
    """
    deadline = time.monotonic() + seconds
    pause = 0.002
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for: {why}"
        time.sleep(pause)
        pause = min(1.2 * pause, 0.01)


def someone_waits_for_us() -> bool:
    """Return whether another session waits for a lock of this connection's transaction.

    The source is pg_locks, since a transaction reads pg_stat_activity only once.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "select exists (select from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid)))"
        )
        row = cursor.fetchone()
    return bool(row and row[0])
