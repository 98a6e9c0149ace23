"""Stop exactly: begin, wait for the claims that existed at the commit, and then write the exact counts.

A stop changes one row and commits; *then* it reads which claims there are and waits until those are gone. Claims made
later look at the gate after it and send nothing (`batches/claims.py`).

In: a batch, an account or the installation. Out: a receipt that is settled, or says how much is in flight. After a
crash in between the receipt is still open, and the sweeper settles it.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, Sum

from accounts.models import Account
from batches import hints, queries
from batches.claims import bits, to_mask
from batches.counts import PENDING, Counts, count_account, count_batch, count_ended, count_everything
from batches.errors import StatusConflict
from batches.models import PARCEL_SPAN, Batch, Parcel, Receipt
from batches.states import FINAL_STATES, STOPPED, BatchStatus, ParcelState
from foundation.clock import Now, database_now
from foundation.ids import url_safe

STOP_CHANNEL = "sluice_stop"
"""Workers LISTEN to this channel, so that they end a slice early. Only stops notify: NOTIFY serialises commits."""
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.002, 0.05
DOUBTS_NAMED = 10_000
COUNTED = ("sent", "stopped", "in_doubt", "ended", "ended_before")
SETTLED_FIELDS = (*COUNTED, "claims", "in_flight", "doubtful_messages", "settled_at")
ACTIONS = {BatchStatus.PAUSED: Receipt.Action.PAUSE, BatchStatus.CANCELLED: Receipt.Action.CANCEL}


@dataclass(frozen=True, slots=True)
class PauseTerms:
    """The end of a pause, and how long after its `send_at` mail is retained meanwhile.

    Without an end, the pause lasts until somebody resumes it. Without a retention, the installation's setting is used.
    """

    until: dt.datetime | None = None
    retention: dt.timedelta | None = None


NO_TERMS = PauseTerms()


def begin_stop(
    batch: Batch,
    status: BatchStatus,
    *,
    actor: str,
    reason: str = "",
    allowed_from: Collection[BatchStatus],
    terms: PauseTerms = NO_TERMS,
) -> Receipt:
    """Make the change of a stop, in the caller's `stop_transaction`. Raises StatusConflict.

    After its commit comes `finish_stop`.
    """
    change_status(batch, status, allowed_from, terms=terms)
    # The row is locked, so no mail is discarded by this stop before it is counted.
    receipt = open_receipt(
        batch.account, batch, ACTIONS[status], actor=actor, reason=reason, ended_before=count_ended(batch.pk)
    )
    notify_workers(receipt)
    return receipt


def finish_stop(receipt: Receipt, *, deadline: float | None = None) -> Receipt:
    """Wait, after the commit of a stop, until no more of the stopped mail is sent.

    A `deadline` (of `time.monotonic`) is for a caller who finishes several.
    """
    if receipt.batch_id is not None:
        hints.hint_admission(receipt.batch_id)
    return wait_until_settled(receipt, deadline=deadline)


@contextmanager
def stop_transaction() -> Iterator[None]:
    """Open a transaction that gives up rather than wait for long (OperationalError, nothing changed).

    The caller of a stop must hear soon whether it was done.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(queries.LIMIT_WAITING, {"milliseconds": str(int(settings.STOP_WAIT_SECONDS * 1000))})
        yield


def open_receipt(
    account: Account | None,
    batch: Batch | None,
    action: Receipt.Action,
    *,
    actor: str,
    reason: str,
    ended_before: int = 0,
) -> Receipt:
    """Create a receipt that is not settled yet, in the transaction of the stop."""
    return Receipt.objects.create(
        public_id=url_safe(16),
        account=account,
        batch=batch,
        action=action,
        actor=actor[:200],
        reason=reason[:500],
        ended_before=ended_before,
    )


def notify_workers(receipt: Receipt) -> None:
    """Wake the workers when the stop commits; called inside its transaction."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_notify(%s, %s)", [STOP_CHANNEL, receipt.public_id])


def change_status(
    batch: Batch,
    status: BatchStatus,
    allowed_from: Collection[BatchStatus],
    *,
    terms: PauseTerms = NO_TERMS,
    version: int | None = None,
) -> None:
    """Make the one guarded row change of a stop or a resume."""
    is_stop = status in STOPPED
    rows = Batch.objects.filter(pk=batch.pk, status__in=list(allowed_from))
    changed = (rows if version is None else rows.filter(version=version)).update(
        status=status,
        version=F("version") + 1,
        stopped_at=Now() if is_stop else None,
        paused_until=terms.until,
        retention_seconds=None if terms.retention is None else int(terms.retention.total_seconds()),
        **({} if is_stop else {"resumed_at": Now()}),
    )
    batch.refresh_from_db(from_queryset=Batch.objects.select_related("account"))
    if not changed:
        raise StatusConflict(f"the batch is {BatchStatus(batch.status).label}", field="batch_id")


def wait_until_settled(receipt: Receipt, *, deadline: float | None = None) -> Receipt:
    """Wait for the receipt's claims, `STOP_WAIT_SECONDS` at most or until `deadline`.

    A receipt that is still open then has the counts of that moment.
    """
    deadline = time.monotonic() + settings.STOP_WAIT_SECONDS if deadline is None else deadline
    pause = FIRST_WAIT_SECONDS
    while not settle_if_idle(receipt):
        if time.monotonic() >= deadline:
            _note_counts(receipt, _count(receipt))
            _write(receipt, COUNTED)
            break
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_WAIT_SECONDS)
    return receipt


def settle_if_idle(receipt: Receipt) -> bool:
    """Complete a receipt if its claims are gone, and return True; otherwise note how much is in flight."""
    if receipt.claims is None:
        receipt.claims = _claims_of(receipt)
    remaining = _remaining(receipt.claims)
    if remaining:
        receipt.claims = [[parcel, fence] for parcel, fence, _ in remaining]
        receipt.in_flight = sum(count for _, _, count in remaining)
        _write(receipt, ("claims", "in_flight"))
        return False
    settle(receipt)
    return True


def settle(receipt: Receipt) -> None:
    """Write the counts once. If the sweeper was faster, use the sweeper's counts."""
    counts = _count(receipt)
    _note_counts(receipt, counts)
    receipt.claims, receipt.in_flight = [], 0
    receipt.doubtful_messages = _doubtful_messages(receipt) if receipt.in_doubt else []
    receipt.settled_at = database_now()
    if not _write(receipt, SETTLED_FIELDS):
        receipt.refresh_from_db()


def _note_counts(receipt: Receipt, counts: Counts) -> None:
    """Note the counts. Mail that waits to be sent again may have been sent: it is in doubt, not stopped."""
    replays = Parcel.objects.filter(_scope(receipt), doubtful__isnull=False, is_replay=True, is_remainder=False)
    waiting = replays.exclude(state__in=FINAL_STATES).aggregate(messages=Sum(PENDING))["messages"] or 0
    receipt.sent, receipt.in_doubt = counts.sent, counts.in_doubt + waiting
    receipt.stopped = counts.waiting + counts.ended_unsent - waiting
    receipt.ended = counts.ended_unsent
    if receipt.action == Receipt.Action.FREEZE:
        # A freeze ends no mail.
        receipt.ended_before = counts.ended_unsent


def _write(receipt: Receipt, names: tuple[str, ...]) -> bool:
    """Save these fields unless somebody has settled the receipt."""
    values = {name: getattr(receipt, name) for name in names}
    return bool(Receipt.objects.filter(pk=receipt.pk, settled_at=None).update(**values))


def _scope(receipt: Receipt) -> Q:
    """Return the parcels of the receipt: a batch's, those of an account and its subusers, or all."""
    if receipt.batch_id is not None:
        return Q(batch_id=receipt.batch_id)
    if receipt.account_id is None:
        return Q()
    subusers = Account.objects.filter(parent_id=receipt.account_id).values("pk")
    return Q(account_id=receipt.account_id) | Q(account_id__in=subusers)


def _count(receipt: Receipt) -> Counts:
    if receipt.batch_id is not None:
        return count_batch(receipt.batch_id)
    return count_everything() if receipt.account_id is None else count_account(receipt.account_id)


def _claims_of(receipt: Receipt) -> list[list[int]]:
    claimed = Parcel.objects.filter(_scope(receipt), state=ParcelState.CLAIMED)
    return [list(claim) for claim in claimed.values_list("pk", "fence")]


def _doubtful_messages(receipt: Receipt) -> list[int]:
    """Return the ids of the messages in doubt, `DOUBTS_NAMED` at most."""
    parcels = Parcel.objects.filter(_scope(receipt), doubtful__isnull=False).order_by("pk")
    message_ids: list[int] = []
    for base, doubtful in parcels.values_list("base", "doubtful")[:DOUBTS_NAMED]:
        message_ids += [base * PARCEL_SPAN + n for n in bits(to_mask(doubtful, 0))]
    return message_ids[:DOUBTS_NAMED]


def _remaining(claims: list[list[int]]) -> list[tuple[int, int, int]]:
    """Return the claims that still exist: parcel, fence, and the number of messages that may be under way."""
    if not claims:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            queries.REMAINING_CLAIMS,
            {"parcels": [parcel for parcel, _ in claims], "fences": [fence for _, fence in claims]},
        )
        return list(cursor.fetchall())
