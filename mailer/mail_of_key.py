"""Find and stop the waiting mail that was accepted with an API key, in a batch that is not the key's.

The mail of a batch is looked at in pages. What a worker has claimed is recalled, so that it is not sent after its stop.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection

from accounts.models import ApiKey
from batches.admit import BEGINNING, Place, discard_parcels
from batches.counts import LOOKED_AT, Tally
from batches.models import Parcel
from batches.moving import recall_all
from batches.states import FINAL_STATES
from mailer.key_queries import COUNT, READ_PAGE

PAGE = 2000


@dataclass(frozen=True, slots=True)
class StoppedPage:
    """A page whose mail of the key was stopped: the messages that were discarded, and those that are in doubt."""

    stopped: int
    in_doubt: int
    is_claimed: bool
    """A worker has some of it. It has to be recalled, and the page stopped again."""
    next_place: Place | None
    """The place where the next page begins; None after the last one."""


def first_place() -> Place:
    """Return the place before the first parcel of a batch."""
    return BEGINNING, 0


def stop_page(key: ApiKey, batch_id: int, after: Place, reason: str) -> StoppedPage:
    """Stop the key's mail among the next parcels of a batch, in the caller's transaction."""
    page = _read(key, batch_id, after)
    parcels = [parcel for _, parcel, is_of_key in page if is_of_key]
    stopped, in_doubt = discard_parcels(parcels, reason) if parcels else (0, 0)
    is_claimed = Parcel.objects.filter(pk__in=parcels).exclude(state__in=FINAL_STATES).exists()
    return StoppedPage(stopped, in_doubt, is_claimed, page[-1][:2] if len(page) == PAGE else None)


def recall_page(key: ApiKey, batch_id: int, after: Place, *, deadline: float) -> bool:
    """Have workers give the key's mail of a page back. Return False if they did not before `deadline`."""
    return recall_all([parcel for _, parcel, is_of_key in _read(key, batch_id, after) if is_of_key], deadline=deadline)


def count_waiting(key: ApiKey, batch_ids: Collection[int]) -> Tally:
    """Return how many messages of the key wait in these batches, among `LOOKED_AT` parcels."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"key": key.pk, "batches": list(batch_ids), "limit": LOOKED_AT})
        messages, looked_at = cursor.fetchone()
    return Tally(int(messages), looked_at < LOOKED_AT)


def _read(key: ApiKey, batch_id: int, after: Place) -> list[tuple[dt.datetime, int, bool]]:
    with connection.cursor() as cursor:
        cursor.execute(
            READ_PAGE,
            {"key": key.pk, "batch": batch_id, "after_due": after[0], "after_id": after[1], "limit": PAGE},
        )
        return list(cursor.fetchall())
