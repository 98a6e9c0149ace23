"""Write batches, and the stops of batches."""

from __future__ import annotations

from typing import Final

from batches.models import Batch
from batches.states import BatchStatus

STATUS_NAMES: Final = {BatchStatus.PAUSED: "pause", BatchStatus.CANCELLED: "cancel"}


def batch(row: Batch) -> dict[str, str]:
    """Return the id of a batch."""
    return {"batch_id": row.public_id}


def scheduled_send(batch_id: str, status: int) -> dict[str, str]:
    """Return a stop of a batch."""
    return {"batch_id": batch_id, "status": STATUS_NAMES[BatchStatus(status)]}
