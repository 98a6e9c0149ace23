"""A dry run: what a pause, cancel or resume would find, without doing it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from accounts.models import Account
from batches.control import find_batch
from batches.counts import Counts, count_batch
from batches.errors import StatusConflict
from batches.models import Batch
from batches.states import BatchStatus


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A batch that the move is allowed for, and its counts: `counts.waiting` is what it would stop, or let go."""

    batch: Batch
    counts: Counts


def rehearse(account: Account, public_id: str, *, allowed_from: Collection[BatchStatus]) -> Rehearsal:
    """Change nothing. Raises what the move itself would: UnknownBatch, and StatusConflict unless the batch's status is
    one of `allowed_from`. By the time the move is made the counts may be others."""
    batch = find_batch(account, public_id)
    if batch.status not in allowed_from:
        raise StatusConflict(f"the batch is {BatchStatus(batch.status).label}", field="batch_id")
    return Rehearsal(batch, count_batch(batch.pk))
