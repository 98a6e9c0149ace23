"""Rescue: the parcels of a dead worker are taken from it.

In: a claim whose worker was marked dead. Out: of its unrecorded slice what the hand-over note knows; the rest is due
again. After a crash nothing has happened, and the next sweep begins anew.
"""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import transaction

from batches.claims import bits, next_fence, to_doubtful, to_mask, to_members
from batches.models import PARCEL_SPAN, Parcel
from batches.moving import split_off
from batches.states import ParcelState
from foundation.clock import database_now
from mailer.models import EventKind
from mailer.pipeline.note import ReadNote, read_note
from mailer.pipeline.record import COUNTER_OF, Happened, backoff, copy_events, is_resent


def rescue_parcel(parcel_id: int, fence: int) -> bool:
    """Take a parcel from a worker that is marked dead and claimed it under this fence. False if someone was first: by
    now a living worker may have the parcel, under another fence.

    Its hand-over note says what was begun and what was answered: only what was begun and not answered is in doubt.
    Without a note of that very slice, all of the slice is. What was not begun is due again.

    The row is locked with its state read again: the worker's own record, if it was under way, is before or after this
    and never in between.
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
        members, now = to_mask(parcel.members, parcel.size), database_now()
        found = _look_into(note, parcel, _unrecorded(parcel, members))
        copy_events([(parcel.fence, event) for event in found.values()], now)
        doubtful, doubt = to_mask(parcel.doubtful, 0), 0
        for n, event in found.items():
            members, doubtful = members & ~(1 << n), doubtful & ~(1 << n)
            if event.kind is EventKind.IN_DOUBT:
                doubt |= 1 << n
            else:
                setattr(parcel, COUNTER_OF[event.kind], getattr(parcel, COUNTER_OF[event.kind]) + 1)
        if doubt and is_resent(parcel):
            parcel.moved += doubt.bit_count()
            _resend_at_once(parcel, doubt, now)
        else:
            parcel.in_doubt += doubt.bit_count()
            doubtful |= doubt
        parcel.members = to_members(members)
        parcel.doubtful = to_doubtful(doubtful)
        parcel.state = ParcelState.DUE if members else ParcelState.DONE
        parcel.finalized_at = None if members else now
        parcel.worker_id = parcel.slice_from = parcel.slice_to = None
        # A new fence: what the old worker may still record is then late, and not mistaken for recorded already.
        parcel.fence = next_fence()
        parcel.save()
    return True


def _resend_at_once(parcel: Parcel, doubt: int, now: dt.datetime) -> None:
    """What a dead worker had begun goes out again now; the second time, and later, after a pause: what it holds may be
    what its workers die of."""
    pause = backoff(parcel.attempts) if parcel.attempts else dt.timedelta()
    split_off(
        parcel,
        doubt,
        state=ParcelState.SCHEDULED if pause else ParcelState.DUE,
        due_at=now + pause,
        attempts=parcel.attempts + 1,
        is_remainder=parcel.is_remainder,
        is_replay=True,
    )


def _look_into(note: ReadNote, parcel: Parcel, unrecorded: int) -> dict[int, Happened]:
    """What happened to the members of an unrecorded slice, as far as it is known; the others were never begun."""
    first = parcel.base * PARCEL_SPAN
    is_noted = note.covers(parcel.pk, parcel.fence, parcel.slice_no)
    found: dict[int, Happened] = {}
    for n in bits(unrecorded):
        if is_noted and first + n not in note.begun:
            continue
        kind = note.answered.get(first + n, EventKind.IN_DOUBT) if is_noted else EventKind.IN_DOUBT
        if kind in (EventKind.SENT, EventKind.REFUSED):
            found[n] = Happened(first + n, EventKind(kind), None, "from the hand-over note of a worker that died")
        elif kind == EventKind.IN_DOUBT:
            found[n] = Happened(first + n, EventKind.IN_DOUBT, None, "the worker that sent it died")
    return found


def _unrecorded(parcel: Parcel, members: int) -> int:
    """The mask of the slice that was announced and never recorded."""
    if parcel.slice_from is None or parcel.slice_to is None:
        return 0
    return members & ((1 << parcel.slice_to) - (1 << parcel.slice_from))
