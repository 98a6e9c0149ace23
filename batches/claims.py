"""Claim parcels for a worker, and look at the gate before each slice.

The exact stop rests on an order. A worker commits its claim and *then* looks at the gate; a stop commits the status and
*then* reads the claims. So one of the two always sees the other, and no lock is held in a session that could
lose its connection.
"""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from batches import queries
from batches.models import PARCEL_SIZE, PARCEL_SPAN, Worker
from batches.states import BatchStatus, Lane
from batches.verdict import Gate, GateStatus
from foundation.ids import instance_id
from foundation.statements import fetch_prepared

ACCOUNTS_IN_TURN = 64


@dataclass(slots=True)
class Claim:
    """A claimed parcel as its worker knows it. `members` is the mask of messages still to be sent."""

    parcel_id: int
    batch_id: int
    account_id: int
    fence: int
    base: int
    members: int
    size: int
    attempts: int
    send_at: dt.datetime
    slice_no: int
    is_remainder: bool
    is_replay: bool
    lane: Lane
    doubtful: int
    open_since: dt.datetime | None = field(default=None, init=False)
    """The time from which its mail may be sent, as of the last look: its `send_at`, or the last opening of its gate."""

    @property
    def first_message_id(self) -> int:
        """Return the id of the message of bit 0 of `members`."""
        return self.base * PARCEL_SPAN


@dataclass(frozen=True, slots=True)
class Slice:
    """The part of a claim that is to be sent next: members from `start` to below `end`."""

    claim: Claim
    start: int
    end: int


class Claimer:
    """Claim parcels for one worker instance. The claimer knows the id of the instance, and whose turn it is by lane."""

    def __init__(self) -> None:
        self.worker_id = 0
        self._turns: dict[Lane, int] = {}
        self._parcels_to_try = 4

    def claim_next(
        self, *lanes: Lane, messages: int = PARCEL_SIZE, slow: Sequence[int] = (), is_slow: bool = False
    ) -> list[Claim]:
        """Claim due parcels with about `messages` messages, from the first of these lanes that has any.

        The claims are committed when this returns; the list is empty if no parcel is due. Mail of the batches `slow` is
        the only mail that is claimed if `is_slow`, and the only mail that is not claimed otherwise.
        """
        self._enrol()
        return next((claims for lane in lanes if (claims := self._claim(lane, messages, slow, is_slow=is_slow))), [])

    def claim_slow(self, *lanes: Lane, slow: Sequence[int], messages: int, workers: int) -> list[Claim]:
        """Claim mail of the batches `slow` like `claim_next`, but none while `workers` other workers have some.

        Claims of slow mail take turns, so that each sees the earlier ones.
        """
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(queries.LOCK_SLOW)
            rows = fetch_prepared(queries.COUNT_OTHERS_AT, {"batches": list(slow), "worker": self.worker_id})
            if rows[0][0] >= workers:
                return []
            return self.claim_next(*lanes, messages=messages, slow=slow, is_slow=True)

    def _enrol(self) -> None:
        """Make sure that the table of workers has a living row for this instance. A dead one takes a new id."""
        if not (self.worker_id and fetch_prepared(queries.FIND_LIVING_WORKER, [self.worker_id])):
            self.worker_id = instance_id()
            Worker.objects.create(id=self.worker_id, node=platform.node())

    def _claim(self, lane: Lane, messages: int, slow: Sequence[int], *, is_slow: bool) -> list[Claim]:
        after = self._turns.get(lane, 0)
        rows = fetch_prepared(
            queries.CLAIM,
            {
                "lane": int(lane),
                "after": after,
                "accounts": ACCOUNTS_IN_TURN,
                "parcels": self._parcels_to_try,
                "messages": messages,
                "worker": self.worker_id,
                "slow": list(slow),
                "is_slow": is_slow,
            },
        )
        claims = [_claim_from(row) for row in rows]
        if claims:
            # Accounts up to `after` come last: the round has begun again.
            behind = [claim.account_id for claim in claims if claim.account_id <= after]
            self._turns[lane] = max(behind or [claim.account_id for claim in claims])
            # Of small parcels more are tried at a time. Of large ones no more are locked than are used.
            self._parcels_to_try = max(4, min(PARCEL_SIZE, 2 * len(claims)))
        return claims

    def look(self, slices: Sequence[Slice]) -> dict[int, GateStatus]:
        """Look before a slice: return the status of the gate for each parcel, by parcel id.

        A parcel that is missing in the answer no longer belongs to this worker (its fence has changed, or this worker
        was declared dead): send nothing of it. The bounds of the slice are on disk when this returns.
        """
        for piece in slices:
            piece.claim.slice_no += 1
        rows = fetch_prepared(
            queries.LOOK,
            {
                "worker": self.worker_id,
                "parcels": [piece.claim.parcel_id for piece in slices],
                "fences": [piece.claim.fence for piece in slices],
                "starts": [piece.start for piece in slices],
                "ends": [piece.end for piece in slices],
                "numbers": [piece.claim.slice_no for piece in slices],
            },
        )
        open_since = {row[0]: row[-1] for row in rows}
        for piece in slices:
            piece.claim.open_since = open_since.get(piece.claim.parcel_id)
        return _gates(row[:-1] for row in rows)

    def glance(self, parcel_ids: Sequence[int]) -> dict[int, GateStatus]:
        """Look in the middle of a slice: renew the heartbeat while a peer is slow, and see stops."""
        return _gates(fetch_prepared(queries.GLANCE, {"worker": self.worker_id, "parcels": list(parcel_ids)}))

    def abandon(self) -> None:
        """Take another id for later claims. The rescuer takes over the claims of the old id."""
        self.worker_id = 0

    def sign_off(self) -> None:
        """Note that this instance has ended in order. It must have no claim any more."""
        if self.worker_id:
            Worker.objects.filter(pk=self.worker_id).delete()
            self.worker_id = 0


def release(claims: Iterable[Claim]) -> int:
    """Give parcels back, to be claimed again or to get their verdict. Return the number of claims still valid."""
    claims = list(claims)
    if not claims:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            queries.RELEASE,
            {"parcels": [claim.parcel_id for claim in claims], "fences": [claim.fence for claim in claims]},
        )
        return int(cursor.rowcount)


def next_fence() -> int:
    """Return a fence number higher than every one before it."""
    with connection.cursor() as cursor:
        cursor.execute("select nextval('batches_fence')")
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def to_mask(members: bytes | memoryview | None, size: int) -> int:
    """Return the mask of a parcel's `members` column; null means all `size` of them."""
    return (1 << size) - 1 if members is None else int.from_bytes(bytes(members), "little")


def to_members(mask: int) -> bytes:
    """Return the `members` column of a mask: the reverse of `to_mask`."""
    return mask.to_bytes(PARCEL_SPAN // 8, "little")


def to_doubtful(mask: int) -> bytes | None:
    """Return a parcel's `doubtful` column: null when no message is in doubt, so that its index is small."""
    return to_members(mask) if mask else None


def bits(mask: int) -> list[int]:
    """Return the numbers of the bits that are set, ascending."""
    return [n for n in range(mask.bit_length()) if mask >> n & 1]


def _claim_from(row: tuple[object, ...]) -> Claim:
    claim = Claim(*row)  # type: ignore[arg-type]
    claim.members = to_mask(claim.members, claim.size)  # type: ignore[arg-type]
    claim.doubtful = to_mask(claim.doubtful, 0)  # type: ignore[arg-type]
    claim.lane = Lane(claim.lane)
    return claim


def _gates(rows: Iterable[Sequence[Any]]) -> dict[int, GateStatus]:
    """Return the status of the gate for each parcel.

    A recalled parcel waits as if it were paused: its worker gives it back.
    """
    return {
        parcel: GateStatus.PAUSED if is_recalled else Gate(BatchStatus(status), *flags).status
        for parcel, status, *flags, is_recalled in rows
    }
