"""Name the numbers that the code shares with PostgreSQL: keys of advisory locks, and the SQLSTATEs that it handles."""

from __future__ import annotations

import enum
from typing import Final


class AdvisoryLock(enum.IntEnum):
    """The keys of the advisory locks, one for each purpose. Most are used with a second key, an account's id."""

    PARTITIONS = 0x51C0_0001
    """Only one process makes partitions at a time."""
    STOP_PLACES = 0x51C0_0002
    """The stops of an account that has a limited number of stopped batches wait for each other."""
    ACCEPT = 0x51C0_0003
    """The accepts of an account share it; a purge of the account takes it alone."""
    SLOW_MAIL = 0x51C0_0004
    """The workers that claim slow mail take turns."""
    CAMPAIGNS_LIMIT = 0x51C0_0005
    """The requests that create campaigns of an account that has a limit wait for each other."""
    TEMPLATES_LIMIT = 0x51C0_0006
    """The requests that create templates or designs of an account wait for each other."""
    LOG = 0x51C0_0007
    """Only one transaction at a time gives events their places in the log."""
    LATE_EVENTS = 0x51C0_0008
    """Late events are stored by one transaction at a time."""


EXPENSIVE_CALL: Final = "sluice expensive call"
"""The name of the locks of an account's expensive calls. A key is the hash of this name, the account and a place."""


class SqlState(enum.StrEnum):
    """The SQLSTATEs that have a meaning for the code (PostgreSQL manual, appendix A)."""

    CHECK_VIOLATION = "23514"
    """A row violates a CHECK, or there is no partition for it."""
    LOCK_NOT_AVAILABLE = "55P03"
    QUERY_CANCELED = "57014"
    """A statement took longer than its time limit."""


def sqlstate_of(error: Exception) -> str:
    """Return the SQLSTATE of a database error of Django's; empty if it has none."""
    return getattr(error.__cause__, "sqlstate", None) or ""
