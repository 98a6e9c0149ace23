"""Reschedule a batch: give another `send_at` to all of its waiting mail that no worker has claimed."""

from __future__ import annotations

import datetime as dt

from django.db import connection

from accounts.models import Account
from batches import hints, queries
from batches.errors import StatusConflict
from batches.handles import find_batch
from batches.hints import hint_near_wave
from batches.models import Batch, Receipt
from batches.states import BatchStatus
from batches.stop.exact import open_receipt, settle, stop_transaction
from foundation.clock import database_now

RESCHEDULABLE = frozenset(BatchStatus) - {BatchStatus.CANCELLED}


def reschedule_batch(
    account: Account, public_id: str, send_at: dt.datetime, *, actor: str, reason: str = ""
) -> Receipt:
    """Give all waiting mail of a batch one `send_at`; one that has passed means now.

    Retained and held mail waits for it like all other mail. Mail that a worker has claimed is sent. `affected` in the
    receipt is the number of messages moved. Raises UnknownBatch, and StatusConflict for a cancelled one.
    """
    batch = find_batch(account, public_id)
    with stop_transaction():
        # This lock is as strong as that of a stop, so no verdict is carried out between the old time and the new one.
        batch = Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)
        if batch.status not in RESCHEDULABLE:
            raise StatusConflict("the batch is cancelled", field="batch_id")
        now = database_now()
        with connection.cursor() as cursor:
            cursor.execute(queries.RESCHEDULE, {"batch": batch.pk, "send_at": max(send_at, now), "now": now})
            row = cursor.fetchone()
        receipt = open_receipt(account, batch, Receipt.Action.RESCHEDULE, actor=actor, reason=reason)
        receipt.affected = int(row[0]) if row else 0
        receipt.save(update_fields=["affected"])
        settle(receipt)
    hint_time(batch.pk, send_at, now=now)
    return receipt


def hint_time(batch_id: int, send_at: dt.datetime, *, now: dt.datetime) -> None:
    """Have mail of the batch with a new time planned, or admitted at once, after the commit."""
    if send_at > now:
        hint_near_wave(batch_id, send_at, now=now)
    else:
        hints.hint_admission(batch_id)
