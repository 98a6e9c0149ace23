"""Move messages between parcels and out of them, for retry, reschedule, replay, drop and the stop of one message.

A message is in the mask of at most one parcel that still has to send it. To move it takes the row lock of that parcel,
which no worker may have claimed; a claimed parcel is recalled first. The counters stay right: a message that leaves a
parcel is counted there as `moved`, or by its outcome.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from django.conf import settings
from django.db import connection
from django.db.models import F, QuerySet

from batches import hints, queries
from batches.claims import Claim, bits, release, to_doubtful, to_mask, to_members
from batches.models import BatchTotals, Parcel
from batches.states import WAITING_STATES, Lane, ParcelState
from batches.stop.exact import STOP_CHANNEL
from foundation.clock import Now, database_now

RECALL_FOR = dt.timedelta(seconds=15)
"""A recalled parcel is not claimed for this time, which is longer than the wait for the recall."""
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.002, 0.05


def split_off(
    source: Parcel | Claim,
    mask: int,
    *,
    state: ParcelState,
    due_at: dt.datetime,
    attempts: int,
    is_remainder: bool,
    is_replay: bool,
    send_at: dt.datetime | None = None,
) -> None:
    """Make a new parcel for the messages of `mask`, which the caller counts as moved in the old one.

    Columns without an argument keep the values of the old parcel (`queries.COPIED`).
    """
    with connection.cursor() as cursor:
        cursor.execute(
            queries.SPLIT_OFF,
            {
                "source": source.parcel_id if isinstance(source, Claim) else source.pk,
                "state": int(state),
                "send_at": send_at,
                "due_at": due_at,
                "members": to_members(mask),
                "size": mask.bit_count(),
                "attempts": attempts,
                "is_remainder": is_remainder,
                "is_replay": is_replay,
                "doubtful": to_doubtful(mask if is_replay else 0),
            },
        )


def split_claim(claim: Claim, parts: Sequence[int]) -> bool:
    """Make parts of a claimed parcel due for other workers, between two slices; each part is a mask.

    The parcel counts their messages as moved. Return False, with nothing changed, if the parcel is no longer ours, or
    somebody waits to have it back. After a database error nobody knows whether the claim was split: nothing more may be
    sent under it then.
    """
    split_mask = sum(parts)
    assert split_mask & ~claim.members == 0, "parts that overlap, or messages of others"
    assert 0 < split_mask < claim.members, "some messages stay in the claim"
    with connection.cursor() as cursor:
        cursor.execute(
            queries.SPLIT_CLAIM,
            {
                "parcel": claim.parcel_id,
                "fence": claim.fence,
                "left": to_members(claim.members & ~split_mask),
                "moved": split_mask.bit_count(),
                "doubtful_left": to_doubtful(claim.doubtful & ~split_mask),
                "members": [to_members(part) for part in parts],
                "sizes": [part.bit_count() for part in parts],
                "doubtful": [to_doubtful(claim.doubtful & part) for part in parts],
            },
        )
        if not cursor.rowcount:
            return False
    claim.members &= ~split_mask
    claim.doubtful &= ~split_mask
    return True


def share_claims(claims: Sequence[Claim], parts: int) -> tuple[list[Claim], int]:
    """Keep about one of `parts` equal parts of the claims, and make the others due for other workers.

    The others are whole parcels, and parts of one parcel. Return the claims that were given back, and how many parcels
    are due now.
    """
    keep = size = -(-sum(claim.members.bit_count() for claim in claims) // parts)
    returned: list[Claim] = []
    due = 0
    for claim in claims:
        numbers = bits(claim.members)
        if not keep:
            returned.append(claim)
        elif len(numbers) > keep:
            shares = [numbers[n : n + size] for n in range(keep, len(numbers), size)]
            if split_claim(claim, [sum(1 << n for n in share) for share in shares]):
                due += len(shares)
        keep = max(0, keep - len(numbers))
    return returned, due + release(returned)


def keep_doubt(source: Parcel | Claim, mask: int, now: dt.datetime) -> Parcel:
    """Return a new remainder that has ended in doubt.

    It keeps messages for a person that another parcel counts as sent, since they were sent to other recipients.
    """
    return Parcel.objects.create(
        batch_id=source.batch_id,
        account_id=source.account_id,
        lane=source.lane,
        state=ParcelState.DONE,
        send_at=source.send_at,
        due_at=now,
        base=source.base,
        members=to_members(0),
        size=mask.bit_count(),
        is_remainder=True,
        in_doubt=mask.bit_count(),
        doubtful=to_doubtful(mask),
        finalized_at=now,
    )


def find_waiting(base: int, bit: int) -> Parcel | None:
    """Return the parcel that still has to send the message, its row locked; None if no waiting one has it."""
    waiting = Parcel.objects.filter(base=base, state__in=WAITING_STATES).order_by("-pk").select_for_update()
    return next((parcel for parcel in waiting if to_mask(parcel.members, parcel.size) & bit), None)


def take_out(parcel: Parcel, mask: int, counter: str) -> None:
    """Take messages out of a waiting parcel, whose row is locked, and count them as `counter` says.

    Only those that were doubtful before are counted as in doubt.
    """
    members = to_mask(parcel.members, parcel.size)
    assert mask & ~members == 0
    setattr(parcel, counter, getattr(parcel, counter) + mask.bit_count())
    parcel.members = to_members(members & ~mask)
    if counter != "in_doubt":
        parcel.doubtful = to_doubtful(to_mask(parcel.doubtful, 0) & ~mask)
    if members == mask:
        parcel.state, parcel.finalized_at = ParcelState.DONE, database_now()
    parcel.save(update_fields=[counter, "members", "doubtful", "state", "finalized_at"])


def settle_doubt(parcel: Parcel, mask: int, counter: str) -> bool:
    """Count messages in doubt as `counter` says: their fate is known, or they were moved.

    The row is locked and not claimed, or the caller is late to record it. Return False, with nothing changed, unless
    all of them are in doubt.
    """
    doubtful = to_mask(parcel.doubtful, 0) & ~to_mask(parcel.members, parcel.size)
    if mask & ~doubtful:
        return False
    number = mask.bit_count()
    parcel.doubtful = to_doubtful(to_mask(parcel.doubtful, 0) & ~mask)
    parcel.in_doubt -= number
    setattr(parcel, counter, getattr(parcel, counter) + number)
    parcel.save(update_fields=[counter, "in_doubt", "doubtful"])
    if parcel.is_folded and not parcel.is_remainder:
        # Moved messages are counted with the parcel that holds them now.
        change = {"accepted": F("accepted") - number} if counter == "moved" else {counter: F(counter) + number}
        BatchTotals.objects.filter(pk=parcel.batch_id).update(in_doubt=F("in_doubt") - number, **change)
    return True


def recall_all(parcel_ids: Collection[int], *, deadline: float) -> bool:
    """Have workers give these parcels back, and let nobody claim them for `RECALL_FOR`, in committed statements.

    Return False if some were not given back before `deadline` (of `time.monotonic`).
    """
    claimed = Parcel.objects.filter(pk__in=parcel_ids, state=ParcelState.CLAIMED)
    if claimed.update(recalled_until=Now() + RECALL_FOR):
        with connection.cursor() as cursor:
            cursor.execute("select pg_notify(%s, '')", [STOP_CHANNEL])
    return _wait_until_gone(claimed, deadline)


@contextmanager
def recalled(parcel_id: int) -> Iterator[bool]:
    """Have the worker that holds a parcel give it back, and let no other claim it meanwhile.

    Yield True as soon as no worker has claimed it, and False if it was not given back within `STOP_WAIT_SECONDS`.
    """
    claimed = Parcel.objects.filter(pk=parcel_id, state=ParcelState.CLAIMED)
    if claimed.update(recalled_until=Now() + RECALL_FOR):
        with connection.cursor() as cursor:
            cursor.execute("select pg_notify(%s, '')", [STOP_CHANNEL])
    try:
        yield _wait_until_gone(claimed, time.monotonic() + settings.STOP_WAIT_SECONDS)
    finally:
        if Parcel.objects.filter(pk=parcel_id, recalled_until__isnull=False).update(recalled_until=None):
            hints.hint_due(Lane(Parcel.objects.values_list("lane", flat=True).get(pk=parcel_id)), 1)


def _wait_until_gone(claimed: QuerySet[Parcel], deadline: float) -> bool:
    pause = FIRST_WAIT_SECONDS
    while claimed.exists():
        if time.monotonic() >= deadline:
            return False
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_WAIT_SECONDS)
    return True
