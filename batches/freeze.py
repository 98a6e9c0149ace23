"""Freeze and thaw: the same exact stop, for everything of an account and of its subusers.

One row changes. What comes due meanwhile is retained and does not expire; after the thaw the sweeper hands it back.
"""

from __future__ import annotations

from django.db import transaction

from accounts.models import Account
from batches.errors import StatusConflict
from batches.models import Receipt
from batches.settle import notify_workers, settle, wait_until_settled
from foundation.clock import Now


def freeze_account(account: Account, *, actor: str, reason: str = "") -> Receipt:
    """Let nothing of the account leave until it is thawed, and answer when nothing does any more.

    Raises StatusConflict when it is frozen already. The receipt is settled, or says how many messages were in flight.
    """
    with transaction.atomic():
        if not Account.objects.filter(pk=account.pk, frozen_at=None).update(frozen_at=Now(), thawed_at=None):
            raise StatusConflict("the account is frozen already")
        receipt = Receipt.open_for(account, None, Receipt.Action.FREEZE, actor=actor, reason=reason)
        notify_workers(receipt)
    return wait_until_settled(receipt)


def thaw_account(account: Account, *, actor: str, reason: str = "") -> Receipt:
    """Let the account's mail leave again: what was retained goes out at the fleet's pace.

    Raises StatusConflict when it is not frozen.
    """
    with transaction.atomic():
        if not Account.objects.filter(pk=account.pk, frozen_at__isnull=False).update(frozen_at=None, thawed_at=Now()):
            raise StatusConflict("the account is not frozen")
        receipt = Receipt.open_for(account, None, Receipt.Action.THAW, actor=actor, reason=reason)
        settle(receipt)
    return receipt
