"""Several campaigns at once."""

from __future__ import annotations

import time
from collections.abc import Collection

from django.conf import settings

from accounts.models import Account
from batches.models import Receipt
from batches.stop.begin import finish_stop
from batches.stop.settle import stop_transaction
from campaigns.lifecycle import Statuses, hide, locked_campaign, require
from campaigns.states import CampaignStatus


def delete_campaigns(
    account: Account,
    campaign_ids: Collection[int],
    *,
    actor: str,
    reason: str = "",
    allowed_from: Statuses = frozenset(CampaignStatus),
) -> list[Receipt]:
    """Hide all of these campaigns, or none: what of them has not gone is stopped with one commit, and the stops settle
    together. The receipts are those of the campaigns that were on their way.

    Raises UnknownCampaign, TransitionInProgress, CampaignConflict.
    """
    opened = []
    with stop_transaction():
        for campaign_id in sorted(campaign_ids):
            with locked_campaign(account, campaign_id) as campaign:
                require(campaign, allowed_from)
                opened.append(hide(campaign, actor=actor, reason=reason))
    deadline = time.monotonic() + settings.STOP_WAIT_SECONDS
    return [finish_stop(receipt, deadline=deadline) for receipt in opened if receipt is not None]
