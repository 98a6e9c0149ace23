"""Read waves: the parcels of one batch that share one `send_at`.

Coming waves are counted by the minute while mail is accepted and moved (`wave_counts.py`). They are listed together
with scheduled campaigns in `monitoring/coming.py`. The functions here read a limited number of parcels. So the oldest
finished waves may be missing, and the numbers of the others are lower bounds. The counts of their batch are complete.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Any

from django.db import connection

from batches import queries, wave_queries
from batches.counts import LOOKED_AT, Counts, count_batch
from batches.models import Batch, Installation, Parcel
from batches.states import BatchStatus, ParcelState
from batches.verdict import Gate, GateStatus

WAVES_SHOWN = 100
NAMES = ("batch_id", "public_id", "label", "is_default", "username", "send_at", "is_exact")


@dataclass(slots=True)
class Wave:
    """A wave: the number of its parcels, and of its messages, in each state.

    `is_exact` says that all parcels of its batch were read. Otherwise the numbers are lower bounds.
    """

    batch_id: int
    public_id: str
    label: str
    is_default: bool
    username: str
    send_at: dt.datetime
    is_exact: bool
    parcels: dict[ParcelState, int] = field(default_factory=dict)
    tally: Counter[str] = field(default_factory=Counter)

    @property
    def counts(self) -> Counts:
        """Return its messages by state, in the words of a batch's counts."""
        return Counts(**{field.name: self.tally[field.name] for field in fields(Counts)})

    @property
    def messages(self) -> int:
        return self.tally["accepted"]

    @property
    def sent(self) -> int:
        return self.tally["sent"]

    @property
    def key(self) -> str:
        """Return the key of its figures: the batch and the time."""
        return f"wave:{self.batch_id}:{self.send_at.timestamp():.6f}"

    def add_parcels(self, state: ParcelState, row: dict[str, Any]) -> None:
        """Add its parcels in one state: their number, and the sums over their messages."""
        self.parcels[state] = row["parcels"]
        for name in ("accepted", *queries.COUNTERS):
            self.tally[name] += row.get(name) or 0
        self.tally[state.label] += row["pending"] or 0


@dataclass(frozen=True, slots=True)
class Overview:
    """The current state of a batch: the status at its gate, its counts and its latest waves.

    `retention` is how long after their `send_at` its retained messages are kept. It is None while they do not expire,
    because the batch is not paused, or something is frozen.
    """

    batch: Batch
    gate: GateStatus
    counts: Counts
    waves: list[Wave]
    retention: dt.timedelta | None
    first_retained: dt.datetime | None

    @property
    def expires_at(self) -> dt.datetime | None:
        """Return when the first of its retained messages expires."""
        if self.retention is None or self.first_retained is None:
            return None
        return self.first_retained + self.retention


def overview_of(batch: Batch) -> Overview:
    """Return the current state of a batch. The cost is bounded, except for the counts, which read unfolded parcels."""
    gate = _read_gate(batch)
    retained = Parcel.objects.filter(batch=batch, state=ParcelState.RETAINED).order_by("send_at")
    return Overview(
        batch=batch,
        gate=gate,
        counts=count_batch(batch.pk),
        waves=waves_of(batch.pk),
        retention=batch.retention if gate is GateStatus.PAUSED else None,
        first_retained=retained.values_list("send_at", flat=True).first(),
    )


def _read_gate(batch: Batch) -> GateStatus:
    """Read the gate for a reader: nothing is locked, so it may have changed when it is shown."""
    account = batch.account
    return Gate(
        batch_status=BatchStatus(batch.status),
        is_account_frozen=account.frozen_at is not None,
        is_parent_frozen=account.parent is not None and account.parent.frozen_at is not None,
        is_installation_frozen=Installation.objects.filter(frozen_at__isnull=False).exists(),
    ).status


def recent_waves(limit: int = WAVES_SHOWN) -> list[Wave]:
    """Return the last waves of the installation, the latest first; mail sent without a batch is left out."""
    return _read_waves(wave_queries.RECENT_WAVES, limit=limit)


def waves_of(batch_id: int, *, parcels: int = LOOKED_AT, limit: int = WAVES_SHOWN) -> list[Wave]:
    """Return the waves of one batch, the latest first.

    They are made from its newest parcels and, if it has more, from those that are due next: at most `parcels` of each.
    """
    return _read_waves(wave_queries.WAVES_OF_BATCH, batch=batch_id, parcels=parcels, limit=limit)


def _read_waves(
    query: str, *, batch: int | None = None, parcels: int = LOOKED_AT, limit: int = WAVES_SHOWN
) -> list[Wave]:
    parameters: dict[str, Any] = {"parcels": parcels, "waves": limit, "batch": batch}
    waves: dict[tuple[int, dt.datetime], Wave] = {}
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        names = [column[0] for column in cursor.description]
        for values in cursor.fetchall():
            row = dict(zip(names, values, strict=True))
            empty_wave = Wave(**{name: row[name] for name in NAMES})
            wave = waves.setdefault((empty_wave.batch_id, empty_wave.send_at), empty_wave)
            wave.add_parcels(ParcelState(row["state"]), row)
    return list(waves.values())
