"""Create and find batches: the handles by which callers stop what they scheduled."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import Account, ApiKey
from batches.errors import UnknownBatch
from batches.models import OF_CALLERS, Batch, Parcel
from batches.states import STOPPED
from foundation.clock import database_now
from foundation.ids import url_safe


def create_batch(account: Account, *, key: ApiKey | None = None) -> Batch:
    """Create an open batch of the account, with an id that nobody can guess. `key` is the caller's."""
    return Batch.objects.create(account=account, public_id=url_safe(24), api_key=key)


def find_batch(account: Account, public_id: str) -> Batch:
    """Return the account's batch of that id, never a hidden one. Raises UnknownBatch."""
    batch = Batch.objects.filter(OF_CALLERS, account=account, public_id=public_id).first()
    if batch is None:
        raise UnknownBatch(field="batch_id")
    return batch


def default_batch(account: Account) -> Batch:
    """Return the hidden batch of the account's mail that was sent without one; it is made at its first use."""
    batch = Batch.objects.filter(account=account, is_default=True).first()
    if batch is None:
        Batch.objects.bulk_create(
            [Batch(account=account, public_id=url_safe(24), is_default=True)], ignore_conflicts=True
        )
        batch = Batch.objects.get(account=account, is_default=True)
    return batch


def is_usable(batch: Batch) -> bool:
    """Return whether the id of the batch is still valid: the batch is new enough, or mail of it still waits."""
    oldest = database_now() - dt.timedelta(days=settings.BATCH_ID_DAYS)
    return batch.created_at > oldest or pending_parcels(batch).exists()


def pending_parcels(batch: Batch | OuterRef) -> QuerySet[Parcel]:
    """Return the parcels of a batch that are not final."""
    return Parcel.objects.filter(batch=batch, is_folded=False, finalized_at=None)


def stopped_batches(account: Account) -> QuerySet[Batch]:
    """Return the account's paused and cancelled batches, the newest stop last."""
    return Batch.objects.filter(OF_CALLERS, account=account, status__in=STOPPED).order_by("stopped_at", "id")


def is_pending(batch: str = "pk") -> Exists:
    """Return the condition that a batch has parcels that are not final. `batch` names its id in the query."""
    return Exists(pending_parcels(OuterRef(batch)))
