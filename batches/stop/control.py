"""Pause, cancel and resume a batch for its caller, within the limits of an API. `exact.py` has the stop itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q

from accounts.models import Account
from batches import hints
from batches.errors import NoStopPlaceLeft, PauseIsOver, StatusConflict, StopTooLate
from batches.handles import find_batch, is_pending, stopped_batches
from batches.models import Batch, Parcel, Receipt
from batches.states import STOPPED, BatchStatus, ParcelState
from batches.stop.exact import (
    NO_TERMS,
    PauseTerms,
    begin_stop,
    change_status,
    finish_stop,
    open_receipt,
    settle,
    stop_transaction,
)
from foundation.clock import Now, database_now
from foundation.locks import lock_account
from foundation.postgresql import AdvisoryLock

ENDED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class StopLimits:
    """The limits of an API (None: no limit): stopped batches at one time, and how near to `send_at` a stop may be."""

    places: int | None = None
    cutoff_seconds: float | None = None


NO_LIMITS = StopLimits()


def stop_batch(
    account: Account,
    public_id: str,
    status: BatchStatus,
    *,
    actor: str,
    reason: str = "",
    allowed_from: Collection[BatchStatus],
    limits: StopLimits = NO_LIMITS,
    terms: PauseTerms = NO_TERMS,
) -> Receipt:
    """Pause or cancel a batch, and return as soon as no more of its mail is sent.

    Raises UnknownBatch; StatusConflict unless its status is one of `allowed_from`; NoStopPlaceLeft and StopTooLate as
    `limits` say; PauseIsOver for `terms` with a time that has passed. The receipt is settled, or says how many messages
    were still in flight after `STOP_WAIT_SECONDS`.
    """
    batch = find_batch(account, public_id)
    check_terms(terms)
    with stop_transaction():
        if limits.places is not None:
            _take_place(account, limits.places, public_id)
        receipt = begin_stop(batch, status, actor=actor, reason=reason, allowed_from=allowed_from, terms=terms)
        if limits.cutoff_seconds:
            _refuse_when_late(batch, limits.cutoff_seconds)
    return finish_stop(receipt)


def check_terms(terms: PauseTerms) -> None:
    """Accept terms whose time has not passed. Raises PauseIsOver."""
    if terms.until is not None and terms.until <= database_now():
        raise PauseIsOver(field="until")


def resume_batch(
    account: Account,
    public_id: str,
    *,
    actor: str,
    reason: str = "",
    allowed_from: Collection[BatchStatus] = STOPPED,
    version: int | None = None,
) -> Receipt:
    """Open a batch again. Retained mail is sent as fast as the workers can; discarded and expired mail has ended.

    Raises UnknownBatch, and StatusConflict unless its status is one of `allowed_from`, and its version this one.
    """
    batch = find_batch(account, public_id)
    with stop_transaction():
        receipt = begin_resume(batch, actor=actor, reason=reason, allowed_from=allowed_from, version=version)
    hints.hint_admission(batch.pk)
    return receipt


def begin_resume(
    batch: Batch,
    *,
    actor: str,
    reason: str = "",
    allowed_from: Collection[BatchStatus] = STOPPED,
    version: int | None = None,
) -> Receipt:
    """Open a batch again and make its receipt, in the caller's `stop_transaction`. Raises StatusConflict.

    After the commit the caller publishes the hint for the admission.
    """
    change_status(batch, BatchStatus.OPEN, allowed_from, version=version)
    receipt = open_receipt(batch.account, batch, Receipt.Action.RESUME, actor=actor, reason=reason)
    settle(receipt)
    return receipt


def _take_place(account: Account, places: int, public_id: str) -> None:
    """Raise NoStopPlaceLeft if other batches take all places of the account. Its stops wait for each other.

    A batch whose mail is all final takes no place: nobody has to clean up after old stops.
    """
    lock_account(AdvisoryLock.STOP_PLACES, account.pk)
    others = stopped_batches(account).exclude(public_id=public_id)
    if others.filter(is_pending() | ~_has_had_mail()).count() >= places:
        raise NoStopPlaceLeft(f"{places} batches are paused or cancelled already")


def _has_had_mail() -> Q:
    return Q(Exists(Parcel.objects.filter(batch=OuterRef("pk"), is_folded=False))) | Q(totals__isnull=False)


def end_pauses() -> int:
    """Resume the batches whose pause has ended, and return their number."""
    expired = Batch.objects.filter(paused_until__lte=Now()).select_related("account")
    count = 0
    for batch in expired[:ENDED_AT_ONCE]:
        with suppress(StatusConflict):
            resume_batch(
                batch.account, batch.public_id, actor="sluice", reason="end of the pause", version=batch.version
            )
            count += 1
    return count


def _refuse_when_late(batch: Batch, cutoff_seconds: float) -> None:
    """Raise StopTooLate if the next `send_at` of the batch is too near. Without a coming `send_at` no stop is late."""
    now = database_now()
    ahead = Parcel.objects.filter(batch=batch, is_folded=False, due_at__gt=now, state=ParcelState.SCHEDULED, attempts=0)
    first = ahead.order_by("due_at").values_list("due_at", flat=True).first()
    if first is not None and first - now < dt.timedelta(seconds=cutoff_seconds):
        raise StopTooLate(field="batch_id")
