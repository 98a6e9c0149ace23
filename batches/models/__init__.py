"""The models of batches, and of the fleet that sends their mail, one module for each subject."""

from batches.models.batches import (
    LABEL_LENGTH,
    OF_CALLERS,
    PARCEL_SIZE,
    PARCEL_SPAN,
    Batch,
    BatchTotals,
    Parcel,
    Receipt,
    WaveCount,
    WaveDelta,
)
from batches.models.fleet import (
    Installation,
    Mark,
    Node,
    NodeMinute,
    Worker,
    WorkerReport,
)

__all__ = [
    "LABEL_LENGTH",
    "OF_CALLERS",
    "PARCEL_SIZE",
    "PARCEL_SPAN",
    "Batch",
    "BatchTotals",
    "Installation",
    "Mark",
    "Node",
    "NodeMinute",
    "Parcel",
    "Receipt",
    "WaveCount",
    "WaveDelta",
    "Worker",
    "WorkerReport",
]
