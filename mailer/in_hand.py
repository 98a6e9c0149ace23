"""Replay or drop mail in hand: it is held because it is late, or in doubt because nobody knows whether it was sent.

A person looks at it, and replays it (it is sent, or sent again with the same Message-ID) or drops it.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, F, QuerySet, Sum
from django.db.models.expressions import Combinable

from accounts.models import Account
from batches import hints
from batches.claims import bits, to_mask
from batches.counts import LOOKED_AT, PENDING, Tally
from batches.handles import find_batch
from batches.models import PARCEL_SPAN, Batch, Parcel, Receipt
from batches.moving import settle_doubt, split_off, take_out
from batches.states import BatchStatus, Lane, ParcelState
from batches.stop.exact import open_receipt, settle
from foundation.clock import Now, database_now
from mailer.models import EventKind
from mailer.outcomes.writing import Entry, write_events
from mailer.pipeline.cargo import ending_events
from mailer.pipeline.sorting import sent_again
from mailer.queries import Trace, trace


class Why(enum.Enum):
    """The reason why mail is in hand; the values are states of messages."""

    HELD = "held"
    IN_DOUBT = "in_doubt"


Place = tuple[int, int]
"""A parcel's id, and the number of a message in it."""


@dataclass(frozen=True, slots=True)
class Selection:
    """A selection of mail in hand: all of the account's, or of one batch (its public id), or some messages."""

    why: Why
    batch_id: str | None = None
    message_ids: frozenset[int] | None = None


def list_in_hand(
    account: Account, why: Why, *, batch: Batch | None = None, after: Place = (0, -1), limit: int
) -> tuple[list[Trace], Place | None]:
    """Return the account's messages in hand after a place, and the place where the next page starts.

    The place is None after the last page.
    """
    parcels, place = find_in_hand(account, why, batch=batch, after=after, limit=limit)
    return trace(list(parcels)), place


def find_in_hand(
    account: Account, why: Why, *, batch: Batch | None = None, after: Place = (0, -1), limit: int
) -> tuple[dict[int, Parcel], Place | None]:
    """Return the same page as the ids of the messages, each with its parcel, in one statement.

    Each parcel has its batch, and the time at which it was read.
    """
    places: list[Place] = []
    parcel_of: dict[int, Parcel] = {}
    parcels = _parcels(account, why, batch).filter(pk__gte=after[0]).select_related("batch").order_by("pk")
    for parcel in parcels.annotate(read_at=Now())[: limit + 2]:
        for n in bits(mask_in_hand(parcel, why)):
            if (parcel.pk, n) > after and len(places) <= limit:
                places.append((parcel.pk, n))
                if len(places) <= limit:
                    parcel_of[parcel.base * PARCEL_SPAN + n] = parcel
        if len(places) > limit:
            break
    return parcel_of, places[limit - 1] if len(places) > limit else None


def tally_in_hand(
    why: Why, account: Account | None = None, *, batch: Batch | None = None, looked_at: int = LOOKED_AT
) -> Tally:
    """Return how many messages are in hand, of the account or of all, among this many parcels."""
    totals = _parcels(account, why, batch)[:looked_at].aggregate(messages=Sum(_in_hand(why)), parcels=Count("pk"))
    return Tally(totals["messages"] or 0, totals["parcels"] < looked_at)


def tally_all_in_hand(looked_at: int) -> Tally:
    """Return how many messages of all accounts are in hand, for either reason, in one statement.

    It reads this many parcels for each reason at most.
    """
    held, doubtful = (
        _parcels(None, why).annotate(messages=_in_hand(why)).values_list("messages", flat=True)[:looked_at]
        for why in Why
    )
    numbers = list(held.union(doubtful, all=True))
    # With fewer rows than one of the reasons may have, neither was cut short.
    return Tally(sum(numbers), is_exact=len(numbers) < looked_at)


def accounts_in_hand(why: Why) -> dict[int, int]:
    """Return the accounts with mail in hand, by id, with how many messages, among `LOOKED_AT` parcels."""
    parcels = _parcels(None, why).order_by("account", "pk").values("pk")[:LOOKED_AT]
    totals = Parcel.objects.filter(pk__in=parcels).values("account").annotate(messages=Sum(_in_hand(why)))
    return dict(totals.order_by("account").values_list("account", "messages"))


def replay(account: Account, selection: Selection, *, actor: str, reason: str = "") -> Receipt:
    """Replay mail in hand: it is due now, and is sent unless its batch is stopped. Raises UnknownBatch.

    Purged or cancelled mail is not changed, and neither is mail that a worker is about to record. `affected` in the
    receipt is the number of messages that were replayed.
    """
    lanes: set[int] = set()
    affected = 0
    for parcel, mask in _selected(account, selection):
        if not may_replay(parcel):
            continue
        replay_members(parcel, selection.why, mask, actor)
        lanes.add(parcel.lane)
        affected += mask.bit_count()
    receipt = _receipt(account, selection, Receipt.Action.REPLAY, affected, actor=actor, reason=reason)
    for lane in lanes:
        hints.hint_due(Lane(lane), 1)
    return receipt


def drop(account: Account, selection: Selection, *, actor: str, reason: str = "") -> Receipt:
    """End mail in hand: it is never sent, or never sent again. Raises UnknownBatch. `affected` says how many."""
    affected = 0
    for parcel, mask in _selected(account, selection):
        drop_members(parcel, selection.why, mask, actor)
        affected += mask.bit_count()
    return _receipt(account, selection, Receipt.Action.DROP, affected, actor=actor, reason=reason)


def may_replay(parcel: Parcel) -> bool:
    """Return whether mail in hand of a parcel can be replayed: it is neither cancelled nor purged."""
    return parcel.batch.status != BatchStatus.CANCELLED and parcel.base > parcel.account.purged_through


def replay_members(parcel: Parcel, why: Why, mask: int, actor: str) -> None:
    """Replay messages in hand of a parcel whose row is locked."""
    if why is Why.HELD:
        _let_go(parcel, mask)
    else:
        _send_again(parcel, mask, f"sent again by {actor}")


def drop_members(parcel: Parcel, why: Why, mask: int, actor: str) -> None:
    """Drop messages in hand of a parcel whose row is locked."""
    if why is Why.HELD:
        take_out(parcel, mask, "dropped")
    else:
        settle_doubt(parcel, mask, "dropped")
    first = parcel.base * PARCEL_SPAN
    reason = f"dropped by {actor}" + ("" if why is Why.HELD else "; it may have been sent")
    dropped = ending_events([first + n for n in bits(mask)], EventKind.DROPPED, reason)
    write_events([Entry(parcel, parcel.fence, events=dropped)], database_now())


def _in_hand(why: Why) -> Combinable:
    return PENDING if why is Why.HELD else F("in_doubt")


def _parcels(account: Account | None, why: Why, batch: Batch | None = None) -> QuerySet[Parcel]:
    parcels = Parcel.objects.all() if account is None else Parcel.objects.filter(account=account)
    parcels = parcels if batch is None else parcels.filter(batch=batch)
    return parcels.filter(state=ParcelState.HELD) if why is Why.HELD else parcels.filter(in_doubt__gt=0)


def mask_in_hand(parcel: Parcel, why: Why) -> int:
    """Return the mask of the messages in hand of a parcel in any state, without those that wait to be sent again."""
    members = to_mask(parcel.members, parcel.size)
    return members if why is Why.HELD else to_mask(parcel.doubtful, 0) & ~members


def _selected(account: Account, selection: Selection) -> Iterator[tuple[Parcel, int]]:
    """Yield each parcel, locked, with the mask of its selected messages. Its transaction ends with the step."""
    batch = None if selection.batch_id is None else find_batch(account, selection.batch_id)
    parcels = _parcels(account, selection.why, batch)
    if selection.message_ids is not None:
        parcels = parcels.filter(base__in={message_id // PARCEL_SPAN for message_id in selection.message_ids})
    for parcel_id in list(parcels.order_by("pk").values_list("pk", flat=True)):
        with transaction.atomic():
            still = _parcels(account, selection.why).select_for_update(of=("self",)).filter(pk=parcel_id)
            parcel = still.exclude(state=ParcelState.CLAIMED).select_related("batch", "account").first()
            mask = _select_mask(parcel, selection) if parcel else 0
            if parcel and mask:
                yield parcel, mask


def _select_mask(parcel: Parcel, selection: Selection) -> int:
    mask = mask_in_hand(parcel, selection.why)
    if selection.message_ids is None:
        return mask
    first = parcel.base * PARCEL_SPAN
    return sum(1 << n for n in bits(mask) if first + n in selection.message_ids)


def _let_go(parcel: Parcel, mask: int) -> None:
    """Count late mail as due now, so that it is not late again."""
    now = database_now()
    if mask == to_mask(parcel.members, parcel.size):
        parcel.state, parcel.due_at = ParcelState.DUE, now
        parcel.save(update_fields=["state", "due_at"])
        return
    take_out(parcel, mask, "moved")
    _split_due(parcel, mask, now, is_replay=parcel.is_replay)


def _send_again(parcel: Parcel, mask: int, reason: str) -> None:
    settle_doubt(parcel, mask, "moved")
    first = parcel.base * PARCEL_SPAN
    write_events([Entry(parcel, 0, events=[sent_again(first + n, reason) for n in bits(mask)])], database_now())
    _split_due(parcel, mask, database_now(), is_replay=True)


def _split_due(parcel: Parcel, mask: int, now: dt.datetime, *, is_replay: bool) -> None:
    split_off(
        parcel,
        mask,
        state=ParcelState.DUE,
        due_at=now,
        attempts=parcel.attempts,
        is_remainder=parcel.is_remainder,
        is_replay=is_replay,
    )


def _receipt(
    account: Account, selection: Selection, action: Receipt.Action, affected: int, *, actor: str, reason: str
) -> Receipt:
    batch = None if selection.batch_id is None else find_batch(account, selection.batch_id)
    receipt = open_receipt(account, batch, action, actor=actor, reason=reason)
    receipt.affected = affected
    receipt.save(update_fields=["affected"])
    settle(receipt)
    return receipt
