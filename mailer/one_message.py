"""Stop or reschedule one message, independently of the rest of its batch.

If a worker has claimed the parcel of the message, the parcel is recalled. Then the message is taken out of it, while
the row is locked. If the message was sent before, the receipt says so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from accounts.models import Account
from batches.claims import bits, to_mask
from batches.errors import MessageEnded, MessageInFlight, StatusConflict, UnknownMessage
from batches.models import PARCEL_SPAN, Batch, Parcel, Receipt
from batches.moving import find_waiting, recalled, split_off, take_out
from batches.states import FINAL_STATES, BatchStatus, ParcelState
from batches.stop.exact import open_receipt
from batches.stop.reschedule import hint_time
from foundation.clock import database_now
from mailer.models import EventKind
from mailer.outcomes.writing import Entry, write_events
from mailer.pipeline.cargo import ending_events
from mailer.queries import states_of

TRIES = 3
"""The number of tries. A message may be deferred and claimed again between the recall and the lock, but rarely."""
ENDINGS = {"sent": "sent", "in_doubt": "in_doubt"} | dict.fromkeys(
    ("refused", "dropped", "stopped", "discarded", "expired"), "ended"
)
"""The receipt's counter for a message that has ended, by its state."""


def stop_message(account: Account, message_id: int, *, actor: str, reason: str = "") -> Receipt:
    """Stop one message, and return a settled receipt.

    The receipt has the outcome: `stopped` is 1, or the message was sent before (`sent`), may have been sent
    (`in_doubt`), or had ended unsent (`ended`). Raises UnknownMessage, and MessageInFlight when a worker that has it
    does not answer: nothing is changed then.
    """
    batch = _batch_of(account, message_id)
    with _holder_of(message_id) as holder:
        counts = stop_members(holder, _bit(message_id), f"stopped by {actor}") if holder else _ending_of(message_id)
        return _receipt(batch, Receipt.Action.CANCEL, message_id, counts, actor=actor, reason=reason)


def reschedule_message(
    account: Account, message_id: int, send_at: dt.datetime, *, actor: str, reason: str = ""
) -> Receipt:
    """Give one waiting message another `send_at`; one that has passed means now.

    Raises UnknownMessage; StatusConflict when its batch is cancelled; MessageEnded when it was sent or has ended;
    MessageInFlight when a worker that has it does not answer.
    """
    batch = _batch_of(account, message_id)
    with _holder_of(message_id, locked=batch) as holder:
        if Batch.objects.get(pk=batch.pk).status == BatchStatus.CANCELLED:
            raise StatusConflict("the batch is cancelled", field="batch_id")
        if holder is None:
            raise MessageEnded(f"the message is {states_of([message_id])[message_id].replace('_', ' ')}")
        now = database_now()
        move_members(holder, _bit(message_id), max(send_at, now), now)
        receipt = _receipt(batch, Receipt.Action.RESCHEDULE, message_id, "affected", actor=actor, reason=reason)
    hint_time(batch.pk, send_at, now=now)
    return receipt


def _batch_of(account: Account, message_id: int) -> Batch:
    base, n = divmod(message_id, PARCEL_SPAN)
    first = Parcel.objects.filter(pk=base, base=base, account=account, size__gt=n).select_related("batch").first()
    if first is None:
        raise UnknownMessage(field="message_id")
    return first.batch


def _bit(message_id: int) -> int:
    return 1 << message_id % PARCEL_SPAN


@contextmanager
def _holder_of(message_id: int, *, locked: Batch | None = None) -> Iterator[Parcel | None]:
    """Recall and lock the waiting parcel that has to send the message, in a transaction; None: it has ended.

    `locked` is a batch to lock as well. It is locked first, because a reschedule locks the row of the batch before
    those of its parcels.
    """
    base, bit = message_id // PARCEL_SPAN, _bit(message_id)
    for _ in range(TRIES):
        parcels = Parcel.objects.filter(base=base).exclude(state__in=FINAL_STATES).order_by("-pk")
        newest = next((parcel for parcel in parcels if to_mask(parcel.members, parcel.size) & bit), None)
        if newest is None:
            if states_of([message_id])[message_id] in ENDINGS:
                with transaction.atomic():
                    _lock(locked)
                    yield None
                return
            continue
        with recalled(newest.pk) as is_back:
            if not is_back:
                break
            with transaction.atomic():
                _lock(locked)
                holder = find_waiting(base, bit)
                if holder is not None:
                    yield holder
                    return
    raise MessageInFlight(field="message_id")


def _lock(batch: Batch | None) -> None:
    """Lock a batch as strongly as a stop does."""
    if batch is not None:
        Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)


def stop_members(holder: Parcel, mask: int, reason: str) -> str:
    """Stop messages of a waiting parcel whose row is locked, and return the receipt's counter for them.

    If they may have been sent before, they are in doubt again.
    """
    if holder.is_replay:
        take_out(holder, mask, "in_doubt")
        return "in_doubt"
    take_out(holder, mask, "stopped")
    message_ids: set[int] = set()
    events = []
    for event in ending_events([holder.base * PARCEL_SPAN + n for n in bits(mask)], EventKind.STOPPED, reason):
        # Stops are counted by message, and a message that was sent to other recipients is counted as sent.
        is_counted = event.message_id not in message_ids and not holder.is_remainder
        message_ids.add(event.message_id)
        events.append(event._replace(recipients=int(is_counted)))
    write_events([Entry(holder, holder.fence, events=events)], database_now())
    return "stopped"


def _ending_of(message_id: int) -> str:
    return ENDINGS[states_of([message_id])[message_id]]


def move_members(holder: Parcel, mask: int, send_at: dt.datetime, now: dt.datetime) -> None:
    """Give messages of a waiting parcel, whose row is locked, another time, in a new parcel if others stay in it."""
    state = ParcelState.SCHEDULED if send_at > now else ParcelState.DUE
    if to_mask(holder.members, holder.size) == mask:
        holder.state, holder.send_at, holder.due_at = state, send_at, send_at
        holder.save(update_fields=["state", "send_at", "due_at"])
        return
    take_out(holder, mask, "moved")
    split_off(
        holder,
        mask,
        state=state,
        due_at=send_at,
        send_at=send_at,
        attempts=holder.attempts,
        is_remainder=holder.is_remainder,
        is_replay=holder.is_replay,
    )


def _receipt(
    batch: Batch, action: Receipt.Action, message_id: int, counter: str, *, actor: str, reason: str
) -> Receipt:
    """Return a settled receipt about one message, with a 1 in its counter."""
    receipt = open_receipt(batch.account, batch, action, actor=actor, reason=reason)
    receipt.message_id, receipt.claims, receipt.settled_at = message_id, [], database_now()
    receipt.doubtful_messages = [message_id] if counter == "in_doubt" else []
    setattr(receipt, counter, 1)
    receipt.save()
    return receipt
