"""Find the work that a lost, late or repeated hint, or a dead worker, has left behind.

Each duty is a function in short guarded steps, so that two sweepers at once are harmless and a stuck duty
blocks no other.

`mailer/sweep.py` adds the duties that need messages and events, and runs them all.
"""

from __future__ import annotations

import datetime as dt
import time

from django.conf import settings
from django.db import connection

from batches import hints, queries
from batches.admit import admit_batch
from batches.models import Node, NodeMinute, Parcel, Receipt, Worker, WorkerReport
from batches.states import Lane, ParcelState
from batches.stop.exact import settle_if_idle
from foundation.clock import Now, boottime

FOLD_PAGE = 5000
TOKENS_AT_MOST = 1000
ADMIT_SECONDS = 2.0
"""The time that a duty which admits may take in one round."""
BATCH_SECONDS = 0.25
"""The time it spends on one batch, so that a batch of millions does not delay the others."""
STALLED_AFTER = dt.timedelta(seconds=2)


def admit_overdue() -> int:
    """Admit the batches whose wave should have been announced, and return their number."""
    return _admit_all(queries.BATCHES_WITH_DUE_SCHEDULED)


def admit_retained() -> int:
    """Look again at retained parcels whose verdict may have changed, because of a resume, thaw, cancel or their age."""
    return _admit_all(queries.BATCHES_TO_READMIT, {"retention": settings.RETENTION_SECONDS})


def admit_stopped() -> int:
    """Retain or discard mail that was due, or came back from a worker, when its batch was stopped."""
    return _admit_all(queries.STOPPED_BATCHES_WITH_DUE)


def _admit_all(query: str, parameters: dict[str, float] | None = None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters or {})
        batches = [row[0] for row in cursor.fetchall()]
    until = time.monotonic() + ADMIT_SECONDS
    for batch_id in batches:
        if time.monotonic() >= until:
            break
        admit_batch(batch_id, until=min(until, time.monotonic() + BATCH_SECONDS))
    return len(batches)


def hint_unclaimed() -> int:
    """Publish tokens for the lanes in which due parcels wait.

    Return the number of parcels seen, `TOKENS_AT_MOST` a lane.
    """
    parcels = 0
    for lane in Lane:
        waiting = Parcel.objects.filter(lane=lane, state=ParcelState.DUE)[:TOKENS_AT_MOST].count()
        if waiting:
            hints.hint_due(lane, waiting)
        parcels += waiting
    return parcels


def settle_receipts() -> int:
    """Complete the receipts of stops that could not wait for the last claims, and return their number."""
    since = Now() - dt.timedelta(seconds=settings.STOP_WAIT_SECONDS + 1)
    unsettled = Receipt.objects.filter(settled_at=None, created_at__lt=since)[:1000]
    return sum(settle_if_idle(receipt) for receipt in unsettled)


def fold_final() -> int:
    """Fold final parcels into their batches' totals, page by page. Return the number of batches on the last page."""
    with connection.cursor() as cursor:
        cursor.execute(queries.FOLD, {"limit": FOLD_PAGE})
        return int(cursor.rowcount)


def forget_workers() -> int:
    """Delete the workers and nodes that have long been silent and have no claims, and their reports."""
    long_ago = Now() - dt.timedelta(hours=1)
    claiming = Parcel.objects.filter(state=ParcelState.CLAIMED).values("worker_id")
    workers, _ = Worker.objects.filter(seen_at__lt=long_ago).exclude(pk__in=claiming).delete()
    nodes, _ = Node.objects.filter(seen_at__lt=long_ago).delete()
    reports, _ = WorkerReport.objects.filter(at__lt=long_ago).delete()
    minutes, _ = NodeMinute.objects.filter(minute__lt=long_ago).delete()
    return workers + nodes + reports + minutes


class Watch:
    """Find the workers that have claims and have fallen silent, as one observer with one clock sees it.

    A worker is dead when its last look is the same in two reads a lease apart, on a clock that nobody sets. The lease
    is longer than the deadline of a slice, so the delivery of a silent worker has ended by then, even if the worker was
    only suspended. A worker is marked only if its last look is still the one that was read, so a look that came
    meanwhile wins.
    """

    def __init__(self, lease_seconds: float | None = None) -> None:
        self.lease_seconds = settings.LEASE_SECONDS if lease_seconds is None else lease_seconds
        self._seen: dict[int, tuple[dt.datetime, float]] = {}
        self._backend = 0

    def mark_dead(self) -> list[int]:
        """Mark the workers whose lease has run out as dead, and return their ids."""
        self._start_again_on_a_new_connection()
        holding = Parcel.objects.filter(state=ParcelState.CLAIMED).values("worker_id").distinct()
        now = boottime()
        living = dict(Worker.objects.filter(pk__in=holding, dead_at=None).values_list("pk", "seen_at"))
        self._seen = {
            worker: (seen_at, self._seen[worker][1] if self._seen.get(worker, (None,))[0] == seen_at else now)
            for worker, seen_at in living.items()
        }
        silent = [worker for worker, (_, since) in self._seen.items() if now - since >= self.lease_seconds]
        return [worker for worker in silent if self._mark(worker)]

    def _mark(self, worker: int) -> bool:
        seen_at = self._seen.pop(worker)[0]
        return bool(Worker.objects.filter(pk=worker, dead_at=None, seen_at=seen_at).update(dead_at=Now()))

    def _start_again_on_a_new_connection(self) -> None:
        """Forget the looks that were seen: a broken connection may have hidden later ones (a fail-over)."""
        with connection.cursor() as cursor:
            cursor.execute("select pg_backend_pid()")
            row = cursor.fetchone()
        assert row is not None
        if row[0] != self._backend:
            self._backend, self._seen = row[0], {}


def claims_of_the_dead() -> list[tuple[int, int]]:
    """Return the parcels that dead workers have claimed, with the fences of these claims.

    A dead worker is marked as dead, or its row is gone.
    """
    living = Worker.objects.filter(dead_at=None).values("pk")
    return list(
        Parcel.objects.filter(state=ParcelState.CLAIMED)
        .exclude(worker_id__in=living)
        .order_by("pk")
        .values_list("pk", "fence")[:1000]
    )


def is_stalled() -> bool:
    """Return whether due parcels have waited for `STALLED_AFTER` while no worker held any.

    The tokens do not get through then. A worker that lost Redis comes back to it only after a pause that grows with
    each failure.
    """
    age = oldest_due_age()
    return age is not None and age > STALLED_AFTER and not Parcel.objects.filter(state=ParcelState.CLAIMED).exists()


def oldest_due_age() -> dt.timedelta | None:
    """Return how long the oldest due parcel has been waiting for a worker; None when nothing waits."""
    row = (
        Parcel.objects.filter(state=ParcelState.DUE)
        .order_by("due_at")
        .annotate(now=Now())
        .values_list("now", "due_at")
        .first()
    )
    return None if row is None else row[0] - row[1]
