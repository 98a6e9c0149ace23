"""Name batches, so that people recognize them: by the title of their campaign, or the first subject of their mail.

The default batch of an account has mail of many kinds, so it has no label.
"""

from __future__ import annotations

from batches.counts import Estimate
from batches.models import LABEL_LENGTH, Batch
from batches.states import BatchStatus

LOOKED_AT = 4 * LABEL_LENGTH
"""The characters of a text that become a label, at most, before white space is removed."""


def make_label(text: str) -> str:
    """Return a label of one line, cut to `LABEL_LENGTH` characters."""
    return " ".join(text[:LOOKED_AT].split())[:LABEL_LENGTH].rstrip()


def label_of(batch: Batch) -> str:
    """Return the name of a batch for display: its label, or its id while it has none."""
    return "mail without a batch" if batch.is_default else batch.label or batch.public_id


def describe_status(status: BatchStatus, estimate: Estimate, *, is_frozen: bool, is_complete: bool = True) -> str:
    """Return the status of a batch for display: also `frozen`, and `finished` when all of its mail has ended.

    `is_complete` is false for a campaign whose audience is still becoming messages.
    """
    if status is not BatchStatus.OPEN:
        return status.label
    counts = estimate.counts
    if is_complete and estimate.is_exact and counts.accepted and not counts.waiting:
        return "finished"
    return "frozen" if is_frozen else status.label
