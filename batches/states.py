"""Define the states of batches and parcels, and the moves between them, as pure data.

`docs/lifecycle.md` draws `PARCEL_MOVES`; a test compares the two. Every move is an UPDATE guarded by the state it
leaves, so a second mover finds nothing to do.
"""

from __future__ import annotations

from django.db import models


class BatchStatus(models.IntegerChoices):
    """The status that a caller last gave a batch."""

    OPEN = 0, "open"
    PAUSED = 1, "paused"
    CANCELLED = 2, "cancelled"


STOPPED = frozenset({BatchStatus.PAUSED, BatchStatus.CANCELLED})
"""The statuses in which a batch sends nothing."""


class ParcelState(models.IntegerChoices):
    """The state of a parcel. Below each: the steps that move a parcel into it, and out of it."""

    SCHEDULED = 0, "scheduled"
    """In: accept, and record for a retry. Out: admit, at `due_at`."""
    DUE = 1, "due"
    """In: accept for mail for now, admit on `release`, release and rescue for unsent messages. Out: claim, admit."""
    CLAIMED = 2, "claimed"
    """In: claim. Out: record when nothing is left in it, release when something is, rescue when its worker died."""
    RETAINED = 3, "retained"
    """In: admit on `retain`. Out: admit, on resume, thaw, cancel, or at the end of the retention."""
    DONE = 4, "done"
    """In: record: every message of it has an outcome. Final."""
    DISCARDED = 5, "discarded"
    """In: admit on `discard`. Final: the unsent messages are never sent."""
    EXPIRED = 6, "expired"
    """In: admit on `expire`. Final: it was retained for too long."""
    HELD = 7, "held"
    """In: admit on `hold`. Out: replay or drop, by a person; admit, on cancel; purge."""


FINAL_STATES = frozenset({ParcelState.DONE, ParcelState.DISCARDED, ParcelState.EXPIRED})

WAITING_STATES = frozenset({ParcelState.SCHEDULED, ParcelState.DUE, ParcelState.RETAINED, ParcelState.HELD})
"""The states in which no worker has claimed a parcel: a transaction that locks its row may change its messages."""

PARCEL_MOVES: dict[ParcelState, frozenset[ParcelState]] = {
    ParcelState.SCHEDULED: frozenset(
        {ParcelState.DUE, ParcelState.RETAINED, ParcelState.HELD, ParcelState.DISCARDED, ParcelState.EXPIRED}
    ),
    ParcelState.DUE: frozenset(
        {
            ParcelState.SCHEDULED,
            ParcelState.CLAIMED,
            ParcelState.RETAINED,
            ParcelState.HELD,
            ParcelState.DISCARDED,
            ParcelState.EXPIRED,
        }
    ),
    ParcelState.CLAIMED: frozenset({ParcelState.DUE, ParcelState.DONE}),
    ParcelState.RETAINED: frozenset(
        {ParcelState.SCHEDULED, ParcelState.DUE, ParcelState.HELD, ParcelState.DISCARDED, ParcelState.EXPIRED}
    ),
    ParcelState.HELD: frozenset({ParcelState.SCHEDULED, ParcelState.DUE, ParcelState.DISCARDED}),
    ParcelState.DONE: frozenset(),
    ParcelState.DISCARDED: frozenset(),
    ParcelState.EXPIRED: frozenset(),
}
"""In addition, a parcel that waits is done when its last message is stopped, moved or dropped."""


class Lane(models.IntegerChoices):
    """The queue by which a parcel is sent. The lower number is served first."""

    TRANSACTIONAL = 0, "transactional"
    BULK = 1, "bulk"
