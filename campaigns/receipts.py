"""Find the receipts of a campaign, which are those of its batch."""

from __future__ import annotations

from accounts.models import Account
from batches.models import Receipt
from campaigns.models import Campaign, Launch


def last_stop(account: Account, campaign_id: int, action: Receipt.Action) -> Receipt | None:
    """Return the latest stop of this kind of a campaign's current launch; None if it had no batch then."""
    own = Campaign.objects.filter(account=account, pk=campaign_id, deleted_at=None)
    return (
        Receipt.objects.filter(account=account, batch__launch__in=own.values("launch"), action=action)
        .order_by("-pk")
        .first()
    )


def came_too_late(receipt: Receipt) -> bool:
    """Return whether a stop stopped nothing: every message of the campaign was sent before, and none was to follow."""
    sent = receipt.sent + receipt.in_doubt
    is_over = receipt.is_settled and sent > 0 and not receipt.stopped
    return is_over and Launch.objects.filter(batch=receipt.batch, is_complete=True).exists()
