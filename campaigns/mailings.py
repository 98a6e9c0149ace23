"""Stop several mailings that a person has chosen: batches of callers, and campaigns. Each gets a receipt.

Each is stopped in a separate transaction, so that one that cannot be stopped keeps none of the others from it. All of
them settle together. A batch of a campaign is stopped through its campaign only.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.conf import settings
from django.db import InterfaceError, OperationalError

from accounts.models import Account
from batches.errors import StatusConflict
from batches.handles import find_batch
from batches.states import BatchStatus
from batches.stop.exact import ACTIONS, begin_stop, stop_transaction
from campaigns.patience import PATIENCE_SECONDS
from campaigns.several import Stop, begin_stop_patiently, settle_stop
from campaigns.states import CampaignStatus, statuses_before
from foundation.errors import SluiceError

STOPPABLE = {
    BatchStatus.PAUSED: frozenset({BatchStatus.OPEN}),
    BatchStatus.CANCELLED: frozenset({BatchStatus.OPEN, BatchStatus.PAUSED}),
}
CAMPAIGN_STATUSES = {
    BatchStatus.PAUSED: CampaignStatus.PAUSED,
    BatchStatus.CANCELLED: CampaignStatus.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A mailing to stop: a campaign by its id, or a batch of a caller by its public id."""

    account: Account
    campaign_id: int | None = None
    public_id: str = ""


def stop_mailings(choices: Sequence[Choice], status: BatchStatus, *, actor: str, reason: str = "") -> list[Stop]:
    """Pause or cancel mailings, and return their results in the same order.

    Returns when no further message of them is sent, or after `STOP_WAIT_SECONDS`. A mailing that was stopped in the
    same way before has the receipt of that stop.
    """
    patient_until = time.monotonic() + PATIENCE_SECONDS
    stops = [_stop(choice, status, actor=actor, reason=reason, patient_until=patient_until) for choice in choices]
    deadline = time.monotonic() + settings.STOP_WAIT_SECONDS
    return [replace(stop, receipt=settle_stop(stop.receipt, deadline)) for stop in stops]


def _stop(choice: Choice, status: BatchStatus, *, actor: str, reason: str, patient_until: float) -> Stop:
    try:
        if choice.campaign_id is None:
            return _stop_batch(choice, status, actor=actor, reason=reason)
        target = CAMPAIGN_STATUSES[status]
        return begin_stop_patiently(
            choice.account,
            choice.campaign_id,
            target,
            statuses_before(target),
            actor=actor,
            reason=reason,
            patient_until=patient_until,
        )
    except (SluiceError, OperationalError, InterfaceError) as error:
        # The stops before this one are committed, and their receipts must not be lost.
        return Stop(error=error)


def _stop_batch(choice: Choice, status: BatchStatus, *, actor: str, reason: str) -> Stop:
    batch = find_batch(choice.account, choice.public_id)
    try:
        with stop_transaction():
            return Stop(begin_stop(batch, status, actor=actor, reason=reason, allowed_from=STOPPABLE[status]))
    except StatusConflict:
        if batch.status != status:
            raise
        return Stop(batch.receipts.filter(action=ACTIONS[status]).order_by("-pk").first(), is_repeated=True)
