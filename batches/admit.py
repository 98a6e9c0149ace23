"""Admit batches: carry out the verdict on the parcels of a batch whose time has come.

Parcels are released (due, with tokens in their lanes), retained, discarded, expired or held. Each page of parcels is
one transaction. After a crash at any line the sweeper finds the parcels that are left.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction

from batches import hints, queries
from batches.claims import to_mask
from batches.states import FINAL_STATES, PARCEL_MOVES, BatchStatus, Lane, ParcelState
from batches.verdict import VERDICTS, Gate, GateStatus, Limits, Phase, Verdict
from foundation.clock import database_now

PAGE = 2000
"""The parcels of a transaction: a million messages are one page, and the gate's rows are locked for milliseconds."""

TARGETS = {
    Verdict.RELEASE: ParcelState.DUE,
    Verdict.RETAIN: ParcelState.RETAINED,
    Verdict.DISCARD: ParcelState.DISCARDED,
    Verdict.EXPIRE: ParcelState.EXPIRED,
    Verdict.HOLD: ParcelState.HELD,
}
REASONS = {
    (GateStatus.CANCELLED, ParcelState.DISCARDED): "its batch was cancelled",
    (GateStatus.PAUSED, ParcelState.RETAINED): "its batch is paused",
    (GateStatus.PAUSED, ParcelState.EXPIRED): "its batch was paused for too long",
    (GateStatus.FROZEN, ParcelState.RETAINED): "mail of its account is frozen",
    (GateStatus.LATE, ParcelState.HELD): "it is later than its account allows",
}
"""The reasons for verdicts, in words for people. A release has none."""
PURGED = "mail of its account was purged"
EARLY_SECONDS = 2.0
"""A wave task that starts up to this early waits. An earlier one does nothing: the sweeper finds the wave."""
BEGINNING = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
END = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)
HIGHEST_ID = 2**63 - 1

Place = tuple[dt.datetime, int]
"""The `due_at` and the id of the parcel after which a page begins."""


@dataclass
class Admitted:
    """The number of parcels that were moved, by their new state, and of the messages they still had to send."""

    parcels: Counter[ParcelState] = field(default_factory=Counter)
    messages: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of `read_locked_gate`: the gate, the limits of this batch, the purge of the account, the time."""

    gate: Gate
    limits: Limits
    purged_through: int
    now: dt.datetime

    def is_unchanged(self, later: Reading | None) -> bool:
        """Return whether a later reading is equal to this one, apart from the time."""
        return later is not None and replace(later, now=self.now) == self


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a batch's waiting parcels.

    They are due from `start` up to `until`, and have a base of at most `base_until`. `is_after` tells whether their
    retention has ended (None: it does not matter).
    """

    target: ParcelState
    until: dt.datetime
    why: str = ""
    start: Place = (BEGINNING, 0)
    is_after: bool | None = None
    base_until: int = HIGHEST_ID


class Moved(NamedTuple):
    """A parcel that was moved, and the number and the mask of the messages that it still had to send."""

    due_at: dt.datetime | None
    """Only in the last one of a page, which needs it: a time takes longer to read than all other columns."""
    parcel_id: int
    lane: int
    messages: int
    batch_id: int
    account_id: int
    base: int
    fence: int
    members: bytes | None
    size: int
    is_remainder: bool
    is_replay: bool

    @property
    def mask(self) -> int:
        return to_mask(self.members, self.size)

    def is_ended_in_doubt(self, target: ParcelState) -> bool:
        """Return whether its messages may have been sent before, so that they are in doubt instead of this state."""
        return self.is_replay and target in FINAL_STATES


Report = Callable[[Sequence[Moved], ParcelState, str, dt.datetime], None]
_reports: list[Report] = []


def report_verdicts(report: Report) -> None:
    """Register a function of an app above for the pages of parcels that verdicts move. Releases are not reported.

    The function gets the parcels, their new state, the reason and the time, in the transaction that moves them.
    """
    _reports.append(report)


def shares_of(reading: Reading) -> list[Share]:
    """Return the parts of a batch that are to be moved at this moment, in this order.

    This applies the rules of `verdict` to sets of parcels.
    """
    now, status = reading.now, reading.gate.status
    shares = []
    if reading.purged_through:
        shares.append(Share(ParcelState.DISCARDED, END, PURGED, base_until=reading.purged_through))
    start: Place = (BEGINNING, 0)
    late_until = reading.limits.late_until(now) if status is GateStatus.OPEN else None
    if late_until is not None:
        shares += _by_phase(GateStatus.LATE, late_until, start)
        start = (late_until, HIGHEST_ID)
    return shares + _by_phase(status, now, start)


def _by_phase(status: GateStatus, until: dt.datetime, start: Place) -> list[Share]:
    during, after = (TARGETS[VERDICTS[status][phase]] for phase in (Phase.DURING, Phase.AFTER))
    if during is after:
        return [Share(during, until, REASONS.get((status, during), ""), start)]
    return [
        Share(target, until, REASONS[status, target], start, is_after=target is after) for target in (during, after)
    ]


def sources_of(target: ParcelState) -> list[int]:
    """Return the states from which a verdict may move a parcel to `target`.

    A claimed parcel belongs to its worker. A held one waits for a person, so it can only be discarded.
    """
    untouched = {ParcelState.CLAIMED} if target is ParcelState.DISCARDED else {ParcelState.CLAIMED, ParcelState.HELD}
    return [int(state) for state, moves in PARCEL_MOVES.items() if target in moves and state not in untouched]


def fire_wave(batch_id: int, due_at: dt.datetime) -> Admitted:
    """Wait the last milliseconds until `due_at` by PostgreSQL's clock, then admit the batch."""
    with connection.cursor() as cursor:
        cursor.execute("select extract(epoch from %s - sluice_now())::float8", [due_at])
        row = cursor.fetchone()
    assert row is not None
    seconds_early = row[0]
    if seconds_early > EARLY_SECONDS:
        return Admitted()
    if seconds_early > 0:
        time.sleep(seconds_early)
    return admit_batch(batch_id)


def admit_batch(batch_id: int, *, until: float = inf) -> Admitted:
    """Carry out the verdict of this moment on every due parcel of the batch that no worker has claimed.

    Only the first page is begun after `until` (of `time.monotonic`): the caller calls again for the other pages.
    """
    admitted = Admitted()
    while not _admit_as_read(batch_id, admitted, until):
        pass
    return admitted


def _admit_as_read(batch_id: int, admitted: Admitted, until: float) -> bool:
    """Read the gate and carry out its verdict, page by page. Return False if the gate has changed meanwhile."""
    with transaction.atomic():
        reading = read_locked_gate(batch_id)
    if reading is None:
        return True
    for share in shares_of(reading):
        place: Place | None = share.start
        while place is not None:
            with transaction.atomic():
                if not reading.is_unchanged(read_locked_gate(batch_id)):
                    return False
                moved = _move_page(batch_id, share, reading, place)
                _report(moved, share, reading.now)
            admitted.parcels[share.target] += len(moved)
            admitted.messages += sum(parcel.messages for parcel in moved)
            if share.target is ParcelState.DUE:
                _hint_lanes(moved)
            if time.monotonic() >= until:
                return True
            place = _place_of(moved[-1]) if len(moved) == PAGE else None
    return True


def _move_page(batch_id: int, share: Share, reading: Reading, place: Place) -> list[Moved]:
    """Move the parcels of a share that come after `place`, `PAGE` at most, and return them in this order."""
    with connection.cursor() as cursor:
        cursor.execute(
            queries.APPLY_VERDICT,
            {
                "batch": batch_id,
                "sources": sources_of(share.target),
                "target": int(share.target),
                "now": reading.now,
                "until": share.until,
                "retained_since": reading.now - reading.limits.retention,
                "is_after": share.is_after,
                "base_until": share.base_until,
                "after_due": place[0],
                "after_id": place[1],
                "limit": PAGE,
            },
        )
        return [Moved(*row) for row in cursor.fetchall()]


def discard_parcels(parcel_ids: Collection[int], why: str) -> tuple[int, int]:
    """Discard the parcels among these of one batch that no worker has claimed, in the caller's transaction.

    Return the number of messages that were discarded, and of those that are in doubt instead.
    """
    now = database_now()
    with connection.cursor() as cursor:
        cursor.execute(
            queries.MOVE_PARCELS,
            {
                "parcels": list(parcel_ids),
                "sources": sources_of(ParcelState.DISCARDED),
                "target": int(ParcelState.DISCARDED),
                "now": now,
            },
        )
        moved = [Moved(*row) for row in cursor.fetchall()]
    share = Share(ParcelState.DISCARDED, END, why)
    _report(moved, share, now)
    in_doubt = _count(parcel for parcel in moved if parcel.is_ended_in_doubt(share.target))
    return _count(moved) - in_doubt, in_doubt


def _count(moved: Iterable[Moved]) -> int:
    """Return the number of messages of parcels. The messages of a remainder are counted with another parcel."""
    return sum(parcel.messages for parcel in moved if not parcel.is_remainder)


def _place_of(parcel: Moved) -> Place:
    assert parcel.due_at is not None
    return parcel.due_at, parcel.parcel_id


def _report(moved: Sequence[Moved], share: Share, now: dt.datetime) -> None:
    if moved and share.target is not ParcelState.DUE:
        for report in _reports:
            report(moved, share.target, share.why, now)


def _hint_lanes(moved: Sequence[Moved]) -> None:
    for lane, parcels in Counter(parcel.lane for parcel in moved).items():
        hints.hint_due(Lane(lane), parcels)


def read_locked_gate(batch_id: int) -> Reading | None:
    """Read the gate of a batch and the time FOR SHARE, or return None for an unknown batch.

    Until the transaction ends no stop, resume or freeze of the batch can commit. Rows are locked in the order batch,
    accounts, installation.
    """
    with connection.cursor() as cursor:
        cursor.execute(queries.READ_BATCH_GATE, [batch_id])
        batch = cursor.fetchone()
        if batch is None:
            return None
        status, resumed_at, retention, account_id, parent_id, now = batch
        cursor.execute(queries.READ_ACCOUNT_GATE, [[id for id in (account_id, parent_id) if id is not None]])
        accounts = {row[0]: row[1:] for row in cursor.fetchall()}
        cursor.execute(queries.READ_INSTALLATION_GATE)
        installation_frozen, installation_thawed_at = cursor.fetchone() or (False, None)
    frozen, thawed_at, lateness, purged_through = accounts[account_id]
    parent_frozen, parent_thawed_at, *_ = accounts.get(parent_id, (False, None))
    openings = [resumed_at, thawed_at, parent_thawed_at, installation_thawed_at]
    return Reading(
        gate=Gate(BatchStatus(status), frozen, parent_frozen, installation_frozen),
        limits=Limits(
            retention=dt.timedelta(seconds=settings.RETENTION_SECONDS if retention is None else retention),
            lateness=None if lateness is None else dt.timedelta(seconds=lateness),
            opened_at=max((opening for opening in openings if opening is not None), default=None),
        ),
        purged_through=purged_through,
        now=now,
    )
