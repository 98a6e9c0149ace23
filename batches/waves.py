"""Waves, for those who look at them: the parcels of one batch that share one `send_at`.

Every look is bounded by the parcels it reads, so the oldest finished waves may be missing; they are in their batch's
counts.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from batches import queries
from batches.counts import LOOKED_AT
from batches.states import ParcelState
from foundation.clock import database_now

WAVES_SHOWN = 100


@dataclass(slots=True)
class Wave:
    """One wave; `parcels` says how many of its parcels are in which state."""

    batch_id: int
    public_id: str
    username: str
    send_at: dt.datetime
    messages: int = 0
    sent: int = 0
    parcels: dict[ParcelState, int] = field(default_factory=dict)


def coming_waves() -> list[Wave]:
    """The next waves of the installation, the first one first."""
    return _read_waves(queries.COMING_WAVES)


def recent_waves() -> list[Wave]:
    """The last waves of the installation, the latest first; mail sent without a batch is left out."""
    return _read_waves(queries.RECENT_WAVES)


def waves_of(batch_id: int) -> list[Wave]:
    """The waves of one batch, the latest first."""
    return _read_waves(queries.WAVES_OF_BATCH, batch=batch_id)


def _read_waves(query: str, *, batch: int | None = None) -> list[Wave]:
    parameters: dict[str, Any] = {"now": database_now(), "parcels": LOOKED_AT, "waves": WAVES_SHOWN, "batch": batch}
    waves: dict[tuple[int, dt.datetime], Wave] = {}
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        for batch_id, public_id, username, send_at, state, parcels, messages, sent in cursor.fetchall():
            wave = waves.setdefault((batch_id, send_at), Wave(batch_id, public_id, username, send_at))
            wave.messages += messages
            wave.sent += sent
            wave.parcels[ParcelState(state)] = parcels
    return list(waves.values())
