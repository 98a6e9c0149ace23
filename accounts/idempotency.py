"""Do each request once: a caller chooses a key, and the answer to its first request is kept.

A key is known for `IDEMPOTENCY_HOURS`, to the account that used it, and for one method and path. Only successful
answers are kept. After any other answer the caller frees the key, so that the request can be repeated.

If the work only writes rows, `reserve` is the first statement of its transaction and `keep_answer` the last: a crash at
any line leaves all of it or nothing. A second request with the key waits for the end of the first.

If the work has to commit before it can wait (a stop), the reservation is committed separately. If its process dies
before the answer is kept, it is stale after `STALE_SECONDS` and the request can be done again. For stops that is
harmless: each is a guarded move to a status, so repeating it has no effect, or reports that there is nothing to move.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.conf import settings
from django.db import OperationalError, connection, models

from accounts import queries
from accounts.errors import BadIdempotencyKey, IdempotencyInProgress, IdempotencyKeyReused
from accounts.models import Account, IdempotencyKey
from foundation.postgresql import SqlState, sqlstate_of

KEY = re.compile(r"[!-~]{1,255}")
"""The form of a key: visible ASCII characters."""
STALE_SECONDS = 60
"""A reservation without an answer counts as under way for this time: ten times that of the longest stop."""
WAIT_SECONDS = 10
"""A request waits this long for the transaction of another request with its key before it is refused."""
PAGE = 10_000


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request with a key: its account, and two digests of 32 bytes, of method, path and key, and of the body."""

    account_id: int
    digest: bytes
    body_digest: bytes


@dataclass(frozen=True, slots=True)
class Reservation:
    """The right to do a request. It ends when another request takes it over as stale, which changes `reserved_at`."""

    id: int
    reserved_at: dt.datetime


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The kept answer: its status, the headers that are repeated, and its body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


def identify_request(key: str, account: Account, *, method: str, path: str, body: bytes) -> KeyedRequest:
    """Return the request that `key` stands for. Raises BadIdempotencyKey."""
    if not KEY.fullmatch(key):
        raise BadIdempotencyKey
    # A key contains no space, so no other method, path and key give the same text.
    identity = f"{method} {path} {key}"
    return KeyedRequest(account.pk, hashlib.sha256(identity.encode()).digest(), hashlib.sha256(body).digest())


def reserve(request: KeyedRequest) -> Reservation | KeptAnswer:
    """Reserve a request, or return its answer if it was done before.

    Raises IdempotencyKeyReused when the key was used with another body, and IdempotencyInProgress while the request is
    under way elsewhere.
    """
    if connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute(f"set local lock_timeout = '{WAIT_SECONDS}s'")
    for _ in range(3):
        result = _try_to_reserve(request) or _find(request)
        if result is not None:
            return result
        # The conflicting row has been freed or deleted meanwhile.
    raise IdempotencyInProgress


def _try_to_reserve(request: KeyedRequest) -> Reservation | None:
    values: dict[str, int | bytes] = {
        "account": request.account_id,
        "digest": request.digest,
        "body_digest": request.body_digest,
        "hours": settings.IDEMPOTENCY_HOURS,
        "stale": STALE_SECONDS,
    }
    try:
        with connection.cursor() as cursor:
            cursor.execute(queries.RESERVE, values)
            row = cursor.fetchone()
    except OperationalError as error:
        if sqlstate_of(error) == SqlState.LOCK_NOT_AVAILABLE:
            raise IdempotencyInProgress from error
        raise
    return Reservation(*row) if row else None


def _find(request: KeyedRequest) -> KeptAnswer | None:
    row = IdempotencyKey.objects.filter(account_id=request.account_id, digest=request.digest).first()
    if row is None:
        return None
    if bytes(row.body_digest) != request.body_digest:
        raise IdempotencyKeyReused
    if row.status is None:
        raise IdempotencyInProgress
    return KeptAnswer(row.status, row.headers, row.body)


def keep_answer(reservation: Reservation, answer: KeptAnswer) -> None:
    """Store the answer. It does nothing if the reservation was taken over meanwhile."""
    _row_of(reservation).update(status=answer.status, headers=dict(answer.headers), body=answer.body)


def free_key(reservation: Reservation) -> None:
    """Forget the reservation: the request was not done. Do nothing if it was taken over meanwhile."""
    _row_of(reservation).delete()


def _row_of(reservation: Reservation) -> models.QuerySet[IdempotencyKey]:
    return IdempotencyKey.objects.filter(pk=reservation.id, reserved_at=reservation.reserved_at)


def forget_old_keys() -> int:
    """Delete expired keys, a page at a time. Return their number. A duty of the sweeper."""
    forgotten = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(queries.FORGET_OLD_KEYS, {"hours": settings.IDEMPOTENCY_HOURS, "page": PAGE})
            deleted = int(cursor.rowcount)
        forgotten += deleted
        if deleted < PAGE:
            return forgotten
