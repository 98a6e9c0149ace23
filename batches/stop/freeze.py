"""Freeze and thaw: the same exact stop, for everything of an account and of its subusers, or of the installation.

One row changes. Mail that comes due meanwhile is retained and does not expire. After the thaw the sweeper releases it.
"""

from __future__ import annotations

from django.db.models import Model, QuerySet

from accounts.models import Account
from batches.errors import StatusConflict
from batches.models import Installation, Receipt
from batches.stop.exact import notify_workers, open_receipt, settle, stop_transaction, wait_until_settled
from foundation.clock import Now


def freeze_account(account: Account, *, actor: str, reason: str = "") -> Receipt:
    """Stop all mail of the account until it is thawed, and return as soon as no more of it is sent.

    Raises StatusConflict when it is already frozen. The receipt is settled, or says how many messages were in flight.
    """
    return _freeze(Account.objects.filter(pk=account.pk), account, actor=actor, reason=reason)


def thaw_account(account: Account, *, actor: str, reason: str = "") -> Receipt:
    """Send the account's mail again: retained mail goes out as fast as the workers can.

    Raises StatusConflict when it is not frozen.
    """
    return _thaw(Account.objects.filter(pk=account.pk), account, actor=actor, reason=reason)


def freeze_installation(*, actor: str, reason: str = "") -> Receipt:
    """Freeze the mail of all accounts, as `freeze_account` freezes the mail of one."""
    return _freeze(Installation.objects.filter(pk=1), None, actor=actor, reason=reason)


def thaw_installation(*, actor: str, reason: str = "") -> Receipt:
    """Thaw the installation. Accounts that were frozen individually stay frozen."""
    return _thaw(Installation.objects.filter(pk=1), None, actor=actor, reason=reason)


def is_installation_frozen() -> bool:
    """Return whether the whole installation is frozen."""
    return Installation.objects.filter(frozen_at__isnull=False).exists()


def _freeze(row: QuerySet[Model], account: Account | None, *, actor: str, reason: str) -> Receipt:
    with stop_transaction():
        if not row.filter(frozen_at=None).update(frozen_at=Now(), thawed_at=None):
            raise StatusConflict(f"the {_name(account)} is already frozen")
        receipt = open_receipt(account, None, Receipt.Action.FREEZE, actor=actor, reason=reason)
        notify_workers(receipt)
    return wait_until_settled(receipt)


def _thaw(row: QuerySet[Model], account: Account | None, *, actor: str, reason: str) -> Receipt:
    with stop_transaction():
        if not row.filter(frozen_at__isnull=False).update(frozen_at=None, thawed_at=Now()):
            raise StatusConflict(f"the {_name(account)} is not frozen")
        receipt = open_receipt(account, None, Receipt.Action.THAW, actor=actor, reason=reason)
        settle(receipt)
    return receipt


def _name(account: Account | None) -> str:
    return "installation" if account is None else "account"
