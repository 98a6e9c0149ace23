"""List the batches and receipts of an account, a page at a time, newest first.

A page is requested by the public id of the last row of the page before it, so rows that are created meanwhile do not
move the pages.
"""

from __future__ import annotations

from typing import TypeVar

from django.db.models import QuerySet

from accounts.models import Account
from batches.models import OF_CALLERS, Batch, Receipt
from batches.states import BatchStatus

Row = TypeVar("Row", Batch, Receipt)


class UnknownPlace(LookupError):
    """Raised when no row of the list has the id after which a page is to begin."""


def list_batches(
    account: Account,
    *,
    search: str = "",
    status: BatchStatus | None = None,
    after: str | None = None,
    limit: int,
) -> tuple[list[Batch], str | None]:
    """Return the account's batches, never a hidden one, and where the next page starts. Raises UnknownPlace.

    `search` is a part of their label.
    """
    batches = Batch.objects.filter(OF_CALLERS, account=account)
    matches = batches.filter(label__icontains=search) if search else batches
    matches = matches if status is None else matches.filter(status=status)
    return _take(matches, batches, after=after, limit=limit)


def list_receipts(
    account: Account,
    *,
    batch_id: str | None = None,
    action: Receipt.Action | None = None,
    after: str | None = None,
    limit: int,
) -> tuple[list[Receipt], str | None]:
    """Return a page of the account's receipts and where the next page starts. Raises UnknownPlace.

    Their lists of claims and of messages in doubt, which may be long, are left out. `batch_id` selects the receipts of
    one batch, and `action` those of one kind.
    """
    receipts = Receipt.objects.filter(account=account)
    light = receipts.select_related("batch").defer("claims", "doubtful_messages")
    matches = light if batch_id is None else light.filter(batch__public_id=batch_id, batch__is_default=False)
    matches = matches if action is None else matches.filter(action=action)
    return _take(matches, receipts, after=after, limit=limit)


def find_receipt(account: Account, public_id: str) -> Receipt | None:
    """Return the account's receipt of that id."""
    return Receipt.objects.filter(account=account, public_id=public_id).select_related("batch").first()


def _take(
    matches: QuerySet[Row], all_rows: QuerySet[Row], *, after: str | None, limit: int
) -> tuple[list[Row], str | None]:
    """Return a page of rows.

    `after` may name any row of the account: its status may have changed since it was on a page.
    """
    if after is not None:
        place = all_rows.filter(public_id=after).values_list("pk", flat=True).first()
        if place is None:
            raise UnknownPlace(after)
        matches = matches.filter(pk__lt=place)
    rows = list(matches.order_by("-pk")[: limit + 1])
    return rows[:limit], rows[limit - 1].public_id if len(rows) > limit else None
