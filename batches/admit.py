"""Admit: carry out the verdict on the parcels of a batch whose time has come.

In: a batch. Out: its parcels released (due, with tokens in their lanes), retained, discarded or expired. After a crash
at any line: each page of parcels is one transaction; what was not reached is found again by the sweeper.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from batches import hints, queries
from batches.states import PARCEL_MOVES, BatchStatus, Lane, ParcelState
from batches.verdict import VERDICTS, Gate, Limits, Phase, Verdict

PAGE = 2000
"""Parcels to a transaction: a million messages are one page, and the gate's rows are locked for milliseconds."""

TARGETS = {
    Verdict.RELEASE: ParcelState.DUE,
    Verdict.RETAIN: ParcelState.RETAINED,
    Verdict.DISCARD: ParcelState.DISCARDED,
    Verdict.EXPIRE: ParcelState.EXPIRED,
}
EARLY_SECONDS = 2.0
"""A wave task that comes up to this early waits; earlier than that it leaves the wave to the sweeper."""


@dataclass
class Admitted:
    """How many parcels were moved, by the state they moved to."""

    parcels: Counter[ParcelState] = field(default_factory=Counter)


def limits() -> Limits:
    """The installation's limits, as the verdict takes them."""
    return Limits(retention=dt.timedelta(seconds=settings.RETENTION_SECONDS))


def sources_of(target: ParcelState) -> list[int]:
    """The states from which a verdict may move a parcel to `target`; a claimed one is its worker's."""
    return [int(state) for state, moves in PARCEL_MOVES.items() if target in moves and state != ParcelState.CLAIMED]


def fire_wave(batch_id: int, due_at: dt.datetime) -> Admitted:
    """What an ETA task does at `due_at`: wait the last milliseconds by PostgreSQL's clock, then admit the batch."""
    with connection.cursor() as cursor:
        cursor.execute("select extract(epoch from %s - sluice_now())::float8", [due_at])
        row = cursor.fetchone()
    assert row is not None
    early = row[0]
    if early > EARLY_SECONDS:
        return Admitted()
    if early > 0:
        time.sleep(early)
    return admit_batch(batch_id)


def admit_batch(batch_id: int) -> Admitted:
    """Give every parcel of the batch that is due, and that no worker holds, the verdict of this moment."""
    admitted = Admitted()
    for phase in (Phase.DURING, Phase.AFTER):
        after: tuple[dt.datetime, int] | None = (dt.datetime(1970, 1, 1, tzinfo=dt.UTC), 0)
        while after is not None:
            after = _admit_page(batch_id, phase, after, admitted)
    return admitted


def _admit_page(
    batch_id: int, phase: Phase, after: tuple[dt.datetime, int], admitted: Admitted
) -> tuple[dt.datetime, int] | None:
    """One transaction: lock the gate, decide, move a page. Returns where the next page starts, None at the end."""
    with transaction.atomic():
        gate_and_now = read_locked_gate(batch_id)
        if gate_and_now is None:
            return None
        gate, now = gate_and_now
        target = TARGETS[VERDICTS[gate.status][phase]]
        with connection.cursor() as cursor:
            cursor.execute(
                queries.APPLY_VERDICT,
                {
                    "batch": batch_id,
                    "sources": sources_of(target),
                    "target": int(target),
                    "now": now,
                    "retained_since": now - limits().retention,
                    "is_after": phase is Phase.AFTER,
                    "after_due": after[0],
                    "after_id": after[1],
                    "limit": PAGE,
                },
            )
            moved = cursor.fetchall()
    admitted.parcels[target] += len(moved)
    if target is ParcelState.DUE:
        _hint_lanes(moved)
    return (moved[-1][0], moved[-1][1]) if len(moved) == PAGE else None


def _hint_lanes(moved: list[Any]) -> None:
    for lane, parcels in Counter(row[2] for row in moved).items():
        hints.hint_due(Lane(lane), parcels)


def read_locked_gate(batch_id: int) -> tuple[Gate, dt.datetime] | None:
    """The gate of a batch and the time, read FOR SHARE: until the transaction ends no stop, resume or freeze of it can
    commit. None if there is no such batch. Rows are locked in the order batch, accounts, installation."""
    with connection.cursor() as cursor:
        cursor.execute(queries.READ_BATCH_GATE, [batch_id])
        batch = cursor.fetchone()
        if batch is None:
            return None
        status, account_id, parent_id, now = batch
        cursor.execute(queries.READ_ACCOUNT_GATE, [[id for id in (account_id, parent_id) if id is not None]])
        frozen = dict(cursor.fetchall())
        cursor.execute(queries.READ_INSTALLATION_GATE)
        installation = cursor.fetchone()
    gate = Gate(
        batch_status=BatchStatus(status),
        is_account_frozen=frozen[account_id],
        is_parent_frozen=frozen.get(parent_id, False),
        is_installation_frozen=bool(installation and installation[0]),
    )
    return gate, now
