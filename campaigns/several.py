"""Change several campaigns in one call: stop each of them separately, or delete either all of them or none.

All stops of a call settle together, so that many take no longer than the slowest of them.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from django.conf import settings
from django.db import InterfaceError, OperationalError

from accounts.models import Account
from batches.models import Receipt
from batches.stop.exact import finish_stop, stop_transaction
from campaigns.errors import CampaignConflict
from campaigns.lifecycle import Statuses, commit_stop, hide, locked_campaign, require
from campaigns.patience import patiently_until
from campaigns.receipts import last_stop
from campaigns.states import CampaignStatus
from foundation.errors import SluiceError

ACTIONS = {CampaignStatus.PAUSED: Receipt.Action.PAUSE, CampaignStatus.CANCELLED: Receipt.Action.CANCEL}


@dataclass(frozen=True, slots=True)
class Stop:
    """The result of one campaign's stop: an error, or the receipt, which is None if the campaign had no batch yet.

    `is_repeated` says that the campaign was stopped in the same way before. The receipt is then that of the first stop.
    """

    receipt: Receipt | None = None
    is_repeated: bool = False
    error: SluiceError | OperationalError | InterfaceError | None = None


def stop_campaigns(
    account: Account,
    campaign_ids: Sequence[int],
    target: CampaignStatus,
    *,
    actor: str,
    reason: str = "",
    allowed_from: Statuses,
    patient_until: float,
) -> list[Stop]:
    """Pause or cancel several campaigns, each in a separate transaction, and return their results in the same order.

    Returns when no further message of them is sent, or after `STOP_WAIT_SECONDS`. All together they wait until
    `patient_until` (of `time.monotonic`) for other changes of the same campaigns to be committed.
    """
    stops = []
    for campaign_id in campaign_ids:
        try:
            stop = begin_stop_patiently(
                account,
                campaign_id,
                target,
                allowed_from,
                actor=actor,
                reason=reason,
                patient_until=patient_until,
            )
        except (SluiceError, OperationalError, InterfaceError) as error:
            # The stops before this one are committed, and their results must not be lost.
            stop = Stop(error=error)
        stops.append(stop)
    deadline = time.monotonic() + settings.STOP_WAIT_SECONDS
    return [replace(stop, receipt=settle_stop(stop.receipt, deadline)) for stop in stops]


def begin_stop_patiently(
    account: Account,
    campaign_id: int,
    target: CampaignStatus,
    allowed_from: Statuses,
    *,
    actor: str,
    reason: str,
    patient_until: float,
) -> Stop:
    """Commit the stop of one campaign, and wait until `patient_until` for other changes of it to be committed.

    After the last commit, call `settle_stop` with the receipt. Raises UnknownCampaign, TransitionInProgress,
    CampaignConflict.
    """
    return patiently_until(
        patient_until, _stop_one, account, campaign_id, target, allowed_from, actor=actor, reason=reason
    )


def _stop_one(
    account: Account, campaign_id: int, target: CampaignStatus, allowed_from: Statuses, *, actor: str, reason: str
) -> Stop:
    try:
        return Stop(commit_stop(account, campaign_id, target, allowed_from, actor=actor, reason=reason))
    except CampaignConflict as error:
        # A caller that lost the answer repeats its call.
        if error.status is not target:
            raise
        return Stop(last_stop(account, campaign_id, ACTIONS[target]), is_repeated=True)


def settle_stop(receipt: Receipt | None, deadline: float) -> Receipt | None:
    """Wait until a stop has settled, or until `deadline` (of `time.monotonic`)."""
    return receipt if receipt is None or receipt.is_settled else finish_stop(receipt, deadline=deadline)


def delete_campaigns(
    account: Account,
    campaign_ids: Collection[int],
    *,
    actor: str,
    reason: str = "",
    allowed_from: Statuses = frozenset(CampaignStatus),
) -> list[Receipt]:
    """Hide all of these campaigns, or none, and return the receipts of the campaigns that were being sent.

    Their stops have one commit and settle together. Raises UnknownCampaign, TransitionInProgress, CampaignConflict.
    """
    opened = []
    with stop_transaction():
        for campaign_id in sorted(campaign_ids):
            with locked_campaign(account, campaign_id) as campaign:
                require(campaign, allowed_from)
                opened.append(hide(campaign, actor=actor, reason=reason))
    deadline = time.monotonic() + settings.STOP_WAIT_SECONDS
    return [finish_stop(receipt, deadline=deadline) for receipt in opened if receipt is not None]
