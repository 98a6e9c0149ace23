"""The verdict: what the gate says of a parcel at a moment. Pure; every rule of the gate is in this file.

The table is section 2 of the design, from the owner's documents: a cancelled batch is discarded at `send_at`, a paused
one retained then and expired 72 hours later. Cancelled beats frozen, frozen beats paused.
"""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass

from batches.states import BatchStatus


class Verdict(enum.Enum):
    """What is to become of a parcel."""

    WAIT = "wait"
    RELEASE = "release"
    RETAIN = "retain"
    DISCARD = "discard"
    EXPIRE = "expire"


class GateStatus(enum.Enum):
    """What batch, account, parent and installation say together."""

    OPEN = "open"
    PAUSED = "paused"
    FROZEN = "frozen"
    CANCELLED = "cancelled"


class Phase(enum.Enum):
    """Where a moment lies in a parcel's life."""

    BEFORE = "before send_at"
    DURING = "from send_at to the end of retention"
    AFTER = "later"


@dataclass(frozen=True, slots=True)
class Gate:
    """What was read, in one statement, of all that can hold a parcel."""

    batch_status: BatchStatus
    is_account_frozen: bool = False
    is_parent_frozen: bool = False
    is_installation_frozen: bool = False

    @property
    def status(self) -> GateStatus:
        """The strongest of the four."""
        if self.batch_status == BatchStatus.CANCELLED:
            return GateStatus.CANCELLED
        if self.is_account_frozen or self.is_parent_frozen or self.is_installation_frozen:
            return GateStatus.FROZEN
        return GateStatus.PAUSED if self.batch_status == BatchStatus.PAUSED else GateStatus.OPEN


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a paused parcel is kept, counted from its `send_at`."""

    retention: dt.timedelta


VERDICTS: dict[GateStatus, dict[Phase, Verdict]] = {
    GateStatus.OPEN: {
        Phase.BEFORE: Verdict.WAIT,
        Phase.DURING: Verdict.RELEASE,
        Phase.AFTER: Verdict.RELEASE,
    },
    GateStatus.PAUSED: {
        Phase.BEFORE: Verdict.WAIT,
        Phase.DURING: Verdict.RETAIN,
        Phase.AFTER: Verdict.EXPIRE,
    },
    GateStatus.FROZEN: {
        Phase.BEFORE: Verdict.WAIT,
        Phase.DURING: Verdict.RETAIN,
        Phase.AFTER: Verdict.RETAIN,
    },
    GateStatus.CANCELLED: {
        Phase.BEFORE: Verdict.WAIT,
        Phase.DURING: Verdict.DISCARD,
        Phase.AFTER: Verdict.DISCARD,
    },
}


def phase_at(now: dt.datetime, *, send_at: dt.datetime, due_at: dt.datetime, limits: Limits) -> Phase:
    """The phase at `now`. `due_at` is `send_at`, or the time of the next try of a retry; retention counts from
    `send_at`."""
    if now < due_at:
        return Phase.BEFORE
    return Phase.DURING if now < send_at + limits.retention else Phase.AFTER


def verdict(gate: Gate, now: dt.datetime, *, send_at: dt.datetime, due_at: dt.datetime, limits: Limits) -> Verdict:
    """What the gate says of a parcel at `now`."""
    return VERDICTS[gate.status][phase_at(now, send_at=send_at, due_at=due_at, limits=limits)]
