"""Decide the fate of a parcel under the gate at a moment. Every rule of the gate is in this file, which reads nothing.

Mail of a cancelled batch is discarded at `send_at`. Mail of a paused batch is retained then, and expires after
`RETENTION_SECONDS`. Cancelled beats frozen, frozen beats paused. Mail that nothing stops, but that is later than the
limit of its account, is held.
"""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass, replace

from batches.states import BatchStatus


class Verdict(enum.Enum):
    """The fate of a parcel at a moment."""

    WAIT = "wait"
    RELEASE = "release"
    RETAIN = "retain"
    DISCARD = "discard"
    EXPIRE = "expire"
    HOLD = "hold"


class GateStatus(enum.Enum):
    """The strongest status of batch, account, parent and installation, and of a single parcel whether it is late."""

    OPEN = "open"
    LATE = "late"
    PAUSED = "paused"
    FROZEN = "frozen"
    CANCELLED = "cancelled"


class Phase(enum.Enum):
    """The phase of a parcel's life in which a moment lies."""

    BEFORE = "before send_at"
    DURING = "from send_at to the end of retention"
    AFTER = "later"


@dataclass(frozen=True, slots=True)
class Gate:
    """The state of everything that can stop a parcel, read in one statement. A purged parcel counts as cancelled."""

    batch_status: BatchStatus
    is_account_frozen: bool = False
    is_parent_frozen: bool = False
    is_installation_frozen: bool = False
    is_purged: bool = False
    is_late: bool = False

    @property
    def status(self) -> GateStatus:
        """Return the strongest status among them."""
        if self.batch_status == BatchStatus.CANCELLED or self.is_purged:
            return GateStatus.CANCELLED
        if self.is_account_frozen or self.is_parent_frozen or self.is_installation_frozen:
            return GateStatus.FROZEN
        if self.batch_status == BatchStatus.PAUSED:
            return GateStatus.PAUSED
        return GateStatus.LATE if self.is_late else GateStatus.OPEN


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a paused parcel is kept after its `send_at`, and how late a parcel may be sent (None: without a limit).

    Lateness counts from the last of `due_at` and `opened_at`, when a resume or a thaw let the mail be sent again.
    """

    retention: dt.timedelta
    lateness: dt.timedelta | None = None
    opened_at: dt.datetime | None = None

    def late_until(self, now: dt.datetime) -> dt.datetime | None:
        """Return the latest `due_at` that is late now, or None if no mail is late."""
        if self.lateness is None or (self.opened_at is not None and self.opened_at > now - self.lateness):
            return None
        return now - self.lateness


VERDICTS: dict[GateStatus, dict[Phase, Verdict]] = {
    GateStatus.OPEN: {
        Phase.BEFORE: Verdict.WAIT,
        Phase.DURING: Verdict.RELEASE,
        Phase.AFTER: Verdict.RELEASE,
    },
    GateStatus.LATE: {
        Phase.BEFORE: Verdict.WAIT,
        Phase.DURING: Verdict.HOLD,
        Phase.AFTER: Verdict.HOLD,
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
    """Return the phase at `now`.

    `due_at` is `send_at`, or the time of the next try of a retry; retention counts from `send_at`.
    """
    if now < due_at:
        return Phase.BEFORE
    return Phase.DURING if now < send_at + limits.retention else Phase.AFTER


def verdict(gate: Gate, now: dt.datetime, *, send_at: dt.datetime, due_at: dt.datetime, limits: Limits) -> Verdict:
    """Return the fate of a parcel at `now` under this gate."""
    late_until = limits.late_until(now)
    if late_until is not None and due_at <= late_until:
        gate = replace(gate, is_late=True)
    return VERDICTS[gate.status][phase_at(now, send_at=send_at, due_at=due_at, limits=limits)]
