"""Dry runs: count the effects of a stop, a resume, a reschedule or a purge without doing it.

A dry run raises the errors that the move itself would raise. The counts may have changed when the move is made.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from accounts.models import Account
from batches.counts import Counts, count_account, count_batch
from batches.errors import StatusConflict
from batches.handles import find_batch
from batches.models import Batch
from batches.states import BatchStatus
from batches.stop.control import check_terms
from batches.stop.exact import NO_TERMS, PauseTerms
from batches.stop.reschedule import RESCHEDULABLE


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The subject of a move, which is a batch or (None) a whole account, and its counts.

    `affected` is the number of messages that the move would stop, release, reschedule or discard.
    """

    batch: Batch | None
    counts: Counts
    affected: int


def rehearse(
    account: Account, public_id: str, *, allowed_from: Collection[BatchStatus], terms: PauseTerms = NO_TERMS
) -> Rehearsal:
    """Rehearse a stop or a resume. Raises UnknownBatch and PauseIsOver.

    Raises StatusConflict unless the batch's status is one of `allowed_from`.
    """
    batch = find_batch(account, public_id)
    check_terms(terms)
    if batch.status not in allowed_from:
        raise StatusConflict(f"the batch is {BatchStatus(batch.status).label}", field="batch_id")
    counts = count_batch(batch.pk)
    return Rehearsal(batch, counts, counts.waiting)


def rehearse_reschedule(account: Account, public_id: str) -> Rehearsal:
    """Rehearse a reschedule. It does not affect messages that a worker has claimed."""
    rehearsal = rehearse(account, public_id, allowed_from=RESCHEDULABLE)
    return Rehearsal(rehearsal.batch, rehearsal.counts, rehearsal.counts.waiting - rehearsal.counts.claimed)


def rehearse_account(account: Account, *, is_frozen: bool) -> Rehearsal:
    """Rehearse a freeze, a thaw or a purge of the account with its subusers.

    Raises StatusConflict unless the account is frozen, or is not, as the move needs it.
    """
    if (account.frozen_at is not None) != is_frozen:
        raise StatusConflict(f"the account is {'not frozen' if is_frozen else 'already frozen'}")
    counts = count_account(account.pk)
    return Rehearsal(None, counts, counts.waiting)
