"""Rescue parcels: take them from a dead worker.

In: a claim whose worker was marked dead. Out: the outcomes that the hand-over note has of its unrecorded slice; other
messages are due again. After a crash nothing has happened, and the next sweep begins again.
"""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import transaction

from batches.claims import Claim, bits, next_fence, to_doubtful, to_mask, to_members
from batches.models import Parcel
from batches.states import Lane, ParcelState
from foundation.clock import database_now
from mailer.models import EventKind
from mailer.outcomes.writing import write_events
from mailer.pipeline.cargo import find_earlier, is_first, load_messages
from mailer.pipeline.note import NOT_BEGUN, ReadNote, read_note
from mailer.pipeline.record import backoff, insert_moves, is_resent
from mailer.pipeline.sorting import Outcomes, add_result
from mailer.transports.base import InDoubt, NotSent, Outcome, Refused, Result, Sent

NOTED = "from the hand-over note of a worker that died"
OUTCOMES: dict[int, Outcome] = {
    int(EventKind.SENT): Sent(NOTED),
    int(EventKind.REFUSED): Refused(NOTED),
    int(EventKind.IN_DOUBT): InDoubt("the worker that sent it died"),
    NOT_BEGUN: NotSent(NOTED),
}
"""The outcomes by the kind that the note has for a recipient."""


def rescue_parcel(parcel_id: int, fence: int) -> bool:
    """Take a parcel from a worker that is marked dead and claimed it under this fence.

    Return False if another process was first: a living worker may have the parcel by now, under another fence.

    The hand-over note of the worker shows which messages were begun and which were answered: only messages that were
    begun and not answered are in doubt. Without a note of exactly this slice, all of the slice is. Messages that were
    not begun are due again.

    The row is locked and its state is read again. So a record of the worker that is under way comes before or after
    this, and never in between.
    """
    claimed = Parcel.objects.filter(pk=parcel_id, state=ParcelState.CLAIMED, fence=fence)
    worker_id = claimed.values_list("worker_id", flat=True).first()
    if worker_id is None:
        return False
    note = read_note(settings.REDIS_URL, worker_id)
    with transaction.atomic():
        parcel = claimed.select_for_update(skip_locked=True).first()
        if parcel is None:
            return False
        outcomes, now = Outcomes(_claim_of(parcel)), database_now()
        _add_noted(note, parcel, outcomes)
        if outcomes.resendable and is_resent(parcel):
            outcomes.resend_doubt()
        # Messages that a dead worker had begun are due at once, and from the second time on after a pause: one of them
        # may be the reason why workers die.
        insert_moves(outcomes, now, pause=backoff(parcel.attempts) if parcel.attempts else dt.timedelta())
        _write(parcel, outcomes, now)
        write_events(outcomes.entries_at(now), now)
    return True


def _write(parcel: Parcel, outcomes: Outcomes, now: dt.datetime) -> None:
    for counter, number in outcomes.counters.items():
        setattr(parcel, counter, getattr(parcel, counter) + number)
    members = outcomes.members_left
    parcel.members = to_members(members)
    parcel.doubtful = to_doubtful(outcomes.doubtful_afterwards)
    parcel.state = ParcelState.DUE if members else ParcelState.DONE
    parcel.finalized_at = None if members else now
    parcel.worker_id = parcel.slice_from = parcel.slice_to = None
    # With a new fence, a later record of the old worker is late, and not mistaken for one that was made already.
    parcel.fence = next_fence()
    parcel.save()


def _claim_of(parcel: Parcel) -> Claim:
    """Return the dead worker's claim."""
    return Claim(
        parcel_id=parcel.pk,
        batch_id=parcel.batch_id,
        account_id=parcel.account_id,
        fence=parcel.fence,
        base=parcel.base,
        members=to_mask(parcel.members, parcel.size),
        size=parcel.size,
        attempts=parcel.attempts,
        send_at=parcel.send_at,
        slice_no=parcel.slice_no,
        is_remainder=parcel.is_remainder,
        is_replay=parcel.is_replay,
        lane=Lane(parcel.lane),
        doubtful=to_mask(parcel.doubtful, 0),
    )


def _add_noted(note: ReadNote, parcel: Parcel, outcomes: Outcomes) -> None:
    """Add the known outcomes of the messages of the unrecorded slice. Other messages were never begun."""
    claim = outcomes.claim
    ids = {claim.first_message_id + n for n in bits(_unrecorded(parcel, claim.members))}
    if not note.covers(parcel.pk, parcel.fence, parcel.slice_no):
        note = ReadNote(whole=dict.fromkeys(ids, int(EventKind.IN_DOUBT)))
    begun_ids = sorted(ids & (note.whole.keys() | note.in_parts.keys()))
    loads = load_messages(begun_ids) if begun_ids else {}
    earlier = {} if is_first(claim) else find_earlier(begun_ids, loads)
    for message_id in begun_ids:
        previous, kinds_in_parts = earlier.get(message_id), note.in_parts.get(message_id, {})
        everyone = loads[message_id].everyone if message_id in loads else tuple(kinds_in_parts)
        recipients = tuple(
            recipient for recipient in everyone if previous is None or recipient not in previous.finished
        )
        default = note.whole.get(message_id, NOT_BEGUN)
        kinds = [kinds_in_parts.get(recipient, default) for recipient in recipients] or [default]
        add_result(outcomes, Result(message_id, tuple(OUTCOMES[kind] for kind in kinds)), recipients, previous)


def _unrecorded(parcel: Parcel, members: int) -> int:
    """Return the mask of the slice that was announced and never recorded."""
    if parcel.slice_from is None or parcel.slice_to is None:
        return 0
    return members & ((1 << parcel.slice_to) - (1 << parcel.slice_from))
