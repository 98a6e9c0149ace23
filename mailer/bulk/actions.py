"""Open an action on all messages that filters select, and carry it out step by step.

A step takes the next messages of the list. The messages of a parcel are changed in one transaction, which also counts
them and writes the receipt; the place of the list is stored after it. So a process may die at any line: the next
process repeats a part of a step, and messages that were changed there no longer match, or are not changed again.
Nothing is done or counted twice. Mail that is accepted after the confirmation is not selected, whatever it matches.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Final

from django.db import transaction
from django.db.models import F, QuerySet

from batches import hints
from batches.claims import to_mask
from batches.counts import Tally
from batches.models import PARCEL_SPAN, Batch, Parcel, Receipt
from batches.moving import recalled
from batches.states import WAITING_STATES, BatchStatus, Lane, ParcelState
from batches.stop.exact import open_receipt
from batches.stop.reschedule import hint_time
from foundation.clock import Now, database_now
from mailer.in_hand import Why, drop_members, mask_in_hand, may_replay, replay_members
from mailer.listing.filters import IN_HAND, MOVABLE, Filters, read_day
from mailer.listing.finding import find_messages
from mailer.listing.parcels import Group, Place, groups_of
from mailer.models import BulkAction
from mailer.one_message import move_members, stop_members
from mailer.partitions import newest_parcel_id
from mailer.queries import parcels_that_hold

Action = Receipt.Action
STATES: Final[Mapping[Action, frozenset[str]]] = {
    Action.CANCEL: MOVABLE,
    Action.RESCHEDULE: MOVABLE,
    Action.REPLAY: IN_HAND,
    Action.DROP: IN_HAND,
}
"""The states of the messages that each action changes."""
COUNTED: Final = 5_000
"""The most messages that are counted before an action is confirmed."""
STEP: Final = 500
"""The most messages of a step."""
LEASE: Final = dt.timedelta(seconds=60)
"""No other process continues an action for this time after its last step."""
SELECTION_LENGTH: Final = 1_000


def count_selected(action: Action, filters: Filters) -> Tally:
    """Return how many messages an action would change now, at most `COUNTED`."""
    matches = find_messages(replace(filters, only=STATES[action]), Place(), limit=COUNTED, checked=COUNTED)
    return Tally(len(matches.ids), is_exact=matches.end is None)


def open_action(
    action: Action,
    filters: Filters,
    expected: Tally,
    *,
    actor: str,
    reason: str = "",
    send_at: dt.datetime | None = None,
) -> BulkAction:
    """Open an action on the messages that match now. A `send_at` that has passed means now."""
    query = {name: value for name, value in filters.as_query().items() if name not in {"account", "batch"}}
    bulk = BulkAction.objects.create(
        account=filters.account,
        batch=filters.batch,
        filters=query,
        action=action,
        send_at=None if send_at is None else max(send_at, database_now()),
        actor=actor[:200],
        reason=reason[:500],
        expected=expected.messages,
        is_exact=expected.is_exact,
        before=(newest_parcel_id() + 1) * PARCEL_SPAN,
    )
    bulk.refresh_from_db()
    return bulk


def filters_of(bulk: BulkAction) -> Filters:
    """Return the filters of an action, with the states that it is carried out on."""
    query = bulk.filters
    return Filters(
        text=query.get("q", ""),
        account=bulk.account,
        batch=bulk.batch,
        state=query.get("state", ""),
        day=read_day(query.get("day", "")),
        domain=query.get("domain", ""),
        reply=query.get("reply", ""),
        only=STATES[Action(bulk.action)],
    )


def end_early(bulk_id: int, *, actor: str) -> bool:
    """End an action. Its changes so far stay. Return False if it had ended before."""
    unfinished = BulkAction.objects.filter(pk=bulk_id, finished_at=None)
    return bool(unfinished.update(finished_at=Now(), ended_by=actor[:200], leased_until=None))


def take_lease(bulk_id: int) -> BulkAction | None:
    """Take an action that no process works on; None if one does, or it has ended."""
    with transaction.atomic():
        rows = BulkAction.objects.select_for_update(skip_locked=True, of=("self",)).select_related("account", "batch")
        bulk = rows.filter(pk=bulk_id, finished_at=None).first()
        now = database_now()
        if bulk is None or (bulk.leased_until is not None and bulk.leased_until > now):
            return None
        bulk.leased_until = now + LEASE
        bulk.save(update_fields=["leased_until"])
    return bulk


def continue_action(bulk: BulkAction, *, seconds: float) -> bool:
    """Do steps of an action whose lease was taken, for about this time. Return whether it has ended."""
    until = time.monotonic() + seconds
    while _do_step(bulk):
        if time.monotonic() >= until:
            _held(bulk).update(leased_until=None)
            return False
    return True


def _held(bulk: BulkAction) -> QuerySet[BulkAction]:
    return BulkAction.objects.filter(pk=bulk.pk, finished_at=None, leased_until=bulk.leased_until)


def _do_step(bulk: BulkAction) -> bool:
    """Carry an action out on the next messages. Return whether this process has to continue it."""
    place = Place(bulk.before)
    matches = find_messages(filters_of(bulk), place, limit=STEP, checked=STEP)
    not_changed = 0
    for group in groups_of(matches.ids, place):
        changed = _carry_out(bulk, group)
        if changed is None:
            return False
        not_changed += group.mask.bit_count() - changed
    is_over = matches.end is None
    before, leased_until = matches.end or 0, None if is_over else database_now() + LEASE
    finished = {"finished_at": Now()} if is_over else {}
    is_held = _held(bulk).update(
        before=before, leased_until=leased_until, not_changed=F("not_changed") + not_changed, **finished
    )
    bulk.before, bulk.leased_until = before, leased_until
    return bool(is_held) and not is_over


# --- the messages of a parcel -----------------------------------------------------------------------------------------


def _carry_out(bulk: BulkAction, group: Group) -> int | None:
    """Change messages that are numbered from one parcel; return how many, or None if the action has ended meanwhile."""
    changed = 0
    with ExitStack() as recalls:
        if STATES[Action(bulk.action)] is MOVABLE:
            # A parcel that its worker does not give back stays claimed, and is left out below.
            for parcel_id in _claimed(group):
                recalls.enter_context(recalled(parcel_id))
        for parcel_id in list(parcels_that_hold([group.base]).values_list("pk", flat=True)):
            with transaction.atomic():
                number = _change_parcel(bulk, parcel_id, group.mask & ~changed)
            if number is None:
                return None
            changed |= number
    return changed.bit_count()


def _claimed(group: Group) -> list[int]:
    claimed = parcels_that_hold([group.base]).filter(state=ParcelState.CLAIMED)
    return [parcel.pk for parcel in claimed if to_mask(parcel.members, parcel.size) & group.mask]


def _change_parcel(bulk: BulkAction, parcel_id: int, selected: int) -> int | None:
    """Change the selected messages that a parcel has, in a transaction, and return their mask."""
    locked = BulkAction.objects.select_for_update().filter(pk=bulk.pk, finished_at=None).first()
    if locked is None:
        return None
    changed = 0
    for change, mask, counter, parcel in _changes(bulk, parcel_id, selected):
        _count(locked, parcel, mask, counter)
        # The last step, since it writes events.
        change()
        changed |= mask
    return changed


def _changes(
    bulk: BulkAction, parcel_id: int, selected: int
) -> Iterator[tuple[Callable[[], object], int, str, Parcel]]:
    """Lock a parcel, and yield each change of it with the mask of its messages and their counter."""
    if bulk.action == Action.RESCHEDULE:
        # The batch is locked first, as by a stop and by a reschedule of all of it.
        batch_id = Parcel.objects.values_list("batch_id", flat=True).get(pk=parcel_id)
        Batch.objects.select_for_update(no_key=True).get(pk=batch_id)
    rows = Parcel.objects.select_for_update(of=("self",)).select_related("batch", "account")
    parcel = rows.exclude(state=ParcelState.CLAIMED).filter(pk=parcel_id).first()
    if parcel is None:
        return
    if STATES[Action(bulk.action)] is MOVABLE:
        mask = to_mask(parcel.members, parcel.size) & selected if parcel.state in WAITING_STATES else 0
        if not mask:
            return
        if bulk.action == Action.CANCEL:
            counter = "in_doubt" if parcel.is_replay else "affected"
            yield partial(stop_members, parcel, mask, f"stopped by {bulk.actor}"), mask, counter, parcel
        elif bulk.send_at is not None and _may_move(parcel, bulk.send_at):
            yield partial(_move, parcel, mask, bulk.send_at), mask, "affected", parcel
        return
    for why in Why:
        is_there = parcel.state == ParcelState.HELD if why is Why.HELD else parcel.in_doubt > 0
        mask = mask_in_hand(parcel, why) & selected if is_there else 0
        if not mask or (bulk.action == Action.REPLAY and not may_replay(parcel)):
            continue
        change = _replay if bulk.action == Action.REPLAY else drop_members
        yield partial(change, parcel, why, mask, bulk.actor), mask, "affected", parcel


def _may_move(parcel: Parcel, send_at: dt.datetime) -> bool:
    """Return whether mail of a parcel can get this time: its batch is not cancelled, and its time is different."""
    return parcel.batch.status != BatchStatus.CANCELLED and parcel.send_at != send_at


def _move(parcel: Parcel, mask: int, send_at: dt.datetime) -> None:
    now = database_now()
    move_members(parcel, mask, send_at, now)
    transaction.on_commit(partial(hint_time, parcel.batch_id, send_at, now=now), robust=True)


def _replay(parcel: Parcel, why: Why, mask: int, actor: str) -> None:
    replay_members(parcel, why, mask, actor)
    transaction.on_commit(partial(hints.hint_due, Lane(parcel.lane), 1), robust=True)


def _count(bulk: BulkAction, parcel: Parcel, mask: int, counter: str) -> None:
    """Count messages in the action and in its receipt for their account; both rows are locked until the commit."""
    number = mask.bit_count()
    receipt_id = bulk.receipts.get(str(parcel.account_id))
    if receipt_id is None:
        receipt = open_receipt(parcel.account, bulk.batch, Action(bulk.action), actor=bulk.actor, reason=bulk.reason)
        receipt.selection = filters_of(bulk).describe()[:SELECTION_LENGTH]
        receipt.claims, receipt.settled_at = [], database_now()
        receipt.save(update_fields=["selection", "claims", "settled_at"])
        receipt_id = bulk.receipts[str(parcel.account_id)] = receipt.pk
    setattr(bulk, counter, getattr(bulk, counter) + number)
    bulk.save(update_fields=[counter, "receipts"])
    counters = {"affected": F("affected") + number}
    if bulk.action == Action.CANCEL:
        name = "stopped" if counter == "affected" else "in_doubt"
        counters = {name: F(name) + number}
    Receipt.objects.filter(pk=receipt_id).update(**counters)
