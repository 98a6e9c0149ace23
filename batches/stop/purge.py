"""Purge a frozen account: discard everything that it still has to send. Later mail is unchanged.

The line is drawn at a parcel id, under a lock that accept shares before it draws its ids: mail that was accepted before
the line is below it, mail that is accepted later is above it. After that the sweeper discards the mail. The gate treats
purged mail as cancelled, so none of it is sent, even if a process dies before everything is discarded.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from django.conf import settings
from django.db import connection
from django.db.models import Q

from accounts.models import Account
from batches import queries
from batches.admit import admit_batch
from batches.counts import count_account
from batches.errors import StatusConflict
from batches.models import Receipt
from batches.stop.exact import open_receipt, stop_transaction, wait_until_settled
from foundation.locks import lock_account
from foundation.postgresql import AdvisoryLock

PURGE_SECONDS = 1.0
"""The sweeper's time slice: rescue and the waves of others must not wait until a large purge has ended."""


def purge_account(account: Account, *, actor: str, reason: str = "") -> Receipt:
    """Discard all that the account and its subusers still have to send; it stays frozen.

    Raises StatusConflict unless it is frozen. `affected` in the receipt is the number of messages that were discarded
    before the answer. The sweeper discards the others: those that a worker had claimed, or that would have taken too
    long.
    """
    owners = Account.objects.filter(Q(pk=account.pk) | Q(parent=account)).order_by("pk")
    before = count_account(account.pk).discarded
    with stop_transaction():
        frozen = Account.objects.select_for_update(no_key=True).filter(pk=account.pk, frozen_at__isnull=False)
        if not frozen.exists():
            raise StatusConflict("the account is not frozen")
        # Wait for the accepts that have drawn their parcel ids and not committed, and hold off new ones.
        for owner in owners.values_list("pk", flat=True):
            lock_account(AdvisoryLock.ACCEPT, owner)
        with connection.cursor() as cursor:
            cursor.execute(queries.LAST_PARCEL_ID)
            row = cursor.fetchone()
        assert row is not None
        owners.update(purged_through=row[0], is_purging=True)
        receipt = open_receipt(account, None, Receipt.Action.PURGE, actor=actor, reason=reason)
    discard_purged(owners.values_list("pk", flat=True), seconds=settings.STOP_WAIT_SECONDS)
    # Counted, not added up: a sweeper that runs at this moment discards some of it, too.
    receipt.affected = count_account(account.pk).discarded - before
    receipt.save(update_fields=["affected"])
    return wait_until_settled(receipt)


def finish_purges() -> int:
    """Discard the rest of purged mail, such as mail that a worker had; return the number of discarded messages.

    It takes at most `PURGE_SECONDS` of a round of the sweeper. The next rounds continue.
    """
    purging = Account.objects.filter(is_purging=True).values_list("pk", flat=True)
    return discard_purged(purging, seconds=PURGE_SECONDS)


def discard_purged(accounts: Iterable[int], *, seconds: float) -> int:
    """Discard the purged mail of these accounts, for at most this time; return the number of discarded messages."""
    until, discarded = time.monotonic() + seconds, 0
    for account in accounts:
        while batches := _unfinished(account):
            before = discarded
            for batch in batches:
                discarded += admit_batch(batch, until=until).messages
                if time.monotonic() >= until:
                    return discarded
            if discarded == before:
                break
        if not batches:
            # Final parcels stay final, so no mail below the line can be sent later.
            Account.objects.filter(pk=account, is_purging=True).update(is_purging=False)
    return discarded


def _unfinished(account_id: int) -> list[int]:
    """Return some batches of the account that still have purged mail."""
    with connection.cursor() as cursor:
        cursor.execute(queries.UNFINISHED_PURGE, [account_id])
        return [row[0] for row in cursor.fetchall()]
