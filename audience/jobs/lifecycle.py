"""Create, take and end jobs: work on an audience that no caller waits for, in rows that any worker can continue.

A job is done in pages. Each page is one transaction that writes its results, its counts and the cursor after it. So a
crash at any line leaves whole pages, and the next worker continues after the last one. The worker of a job holds its
lease: the exact time in `leased_until`, which every page renews and which only this worker knows. A page of a worker
whose lease was taken over changes nothing.

A request creates a job as pending; an import waits until its file was uploaded (`uploaded_at`). The worker ends it as
completed, errored or failed. The sweeper ends it if that did not happen within `STALE_HOURS`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet, Sum

from accounts.models import Account
from audience import QUEUE, queries
from audience.errors import TooManyJobs, UnknownJob, UploadsFull
from audience.locks import time_limit
from audience.models import Job, JobChunk, JobKind, JobStatus, JobTurn
from batches import hints
from foundation.clock import Now, database_now

RUN_JOB = "audience.tasks.run_job"
LEASE = dt.timedelta(seconds=60)
"""A job is left alone for this time after its worker's last page."""
FREE = Q(leased_until=None) | Q(leased_until__lte=Now())
"""Selects jobs that no worker is doing."""
EXPORTS = frozenset({JobKind.EXPORT, JobKind.EVENTS})
"""The kinds of jobs whose chunks are their result."""
PROGRESS = (
    "requested_count",
    "created_count",
    "updated_count",
    "deleted_count",
    "errored_count",
    "cursor",
    "row",
)
"""The columns that a page may change."""
ALL_REJECTED: Final = "All rows were rejected."


class JobFailure(Exception):
    """The job cannot be done, or not to its end. The text tells the owner why."""


class LeaseLost(Exception):
    """Another worker has taken the job over, or the job has ended. Nothing of this page was stored."""


def open_job(
    account: Account, kind: JobKind, options: dict[str, Any], *, requested: int = 0, stored_bytes: int = 0
) -> Job:
    """Create a job that may start once this transaction commits. Raises TooManyJobs and UploadsFull."""
    now = database_now()
    job = _create_job(account, kind, options, requested_count=requested, uploaded_at=now, bytes=stored_bytes)
    hint_job(job.pk)
    return job


def open_waiting_job(account: Account, kind: JobKind, options: dict[str, Any]) -> Job:
    """Create a job that waits for its file. Raises TooManyJobs."""
    return _create_job(account, kind, options)


def _create_job(account: Account, kind: JobKind, options: dict[str, Any], **values: Any) -> Job:
    with transaction.atomic():
        _lock_turn(account.pk)
        if unfinished_jobs(account.pk).count() >= settings.AUDIENCE_JOBS_RUNNING + settings.AUDIENCE_JOBS_WAITING:
            raise TooManyJobs(f"{settings.AUDIENCE_JOBS_WAITING} jobs of the account are waiting already")
        job = Job.objects.create(account=account, kind=kind, options=options, **values)
        check_bytes(job)
    job.refresh_from_db()
    return job


def unfinished_jobs(account_id: int) -> QuerySet[Job]:
    """Return the account's jobs that run, that wait, or that wait for their file."""
    return Job.objects.filter(account_id=account_id, status=JobStatus.PENDING)


def check_bytes(job: Job) -> None:
    """Raise UploadsFull if the unfinished jobs of the account, with this one, hold more than `UPLOAD_BYTES`."""
    unfinished_bytes = unfinished_jobs(job.account_id).exclude(pk=job.pk).aggregate(total=Sum("bytes"))["total"] or 0
    if job.bytes and unfinished_bytes + job.bytes > settings.UPLOAD_BYTES:
        raise UploadsFull(
            f"the account's files that are not imported yet would have more than {settings.UPLOAD_BYTES} bytes"
        )


def _lock_turn(account_id: int, *, waits: bool = True) -> bool:
    """Lock the account's turn until the transaction ends, so that no job of it is taken or created meanwhile.

    Without waiting, return False if another transaction holds the lock.
    """
    with connection.cursor() as cursor:
        cursor.execute(queries.JOIN_TURNS, [account_id])
    turns = JobTurn.objects.select_for_update(skip_locked=not waits)
    return turns.filter(pk=account_id).first() is not None


def hint_job(job_id: int) -> None:
    """Publish a hint after the commit that the job can be done."""
    transaction.on_commit(partial(hints.publish, RUN_JOB, [job_id], queue=QUEUE), robust=True)


def get_job(account: Account, uuid: UUID | str, *, kinds: Iterable[JobKind] = JobKind) -> Job:
    """Return a job of the account that is of one of these kinds. Raises UnknownJob."""
    try:
        job = jobs_of(account, kinds=kinds).filter(uuid=UUID(str(uuid))).first()
    except ValueError:
        job = None
    if job is None:
        raise UnknownJob(field="id")
    return job


def jobs_of(account: Account, *, kinds: Iterable[JobKind]) -> QuerySet[Job]:
    """Return the account's jobs of these kinds, the newest first."""
    return Job.objects.filter(account=account, kind__in=list(kinds)).order_by("-pk")


# --- the lease --------------------------------------------------------------------------------------------------------


def take_job(job_id: int) -> Job | None:
    """Take the lease of a job and return the job; None if it is done, waits for its file, or has a worker."""
    with transaction.atomic():
        job = jobs_left_behind().select_for_update(skip_locked=True).filter(pk=job_id).first()
        if job is None:
            return None
        _lease(job)
    return job


def take_next_job() -> Job | None:
    """Take the lease of the job whose turn it is and return the job; None if no job can be done now.

    Accounts take turns: the one that has waited longest is next, and so is its job that has waited longest. An account
    has at most `AUDIENCE_JOBS_RUNNING` valid leases. The lease of a killed worker expires without help.
    """
    with connection.cursor() as cursor:
        cursor.execute(queries.ACCOUNTS_IN_TURN, {"running": settings.AUDIENCE_JOBS_RUNNING})
        accounts = [account_id for (account_id,) in cursor.fetchall()]
    return next((job for account_id in accounts if (job := _take_one_of(account_id))), None)


def _take_one_of(account_id: int) -> Job | None:
    with transaction.atomic():
        if not _lock_turn(account_id, waits=False):
            return None
        ready = unfinished_jobs(account_id).filter(uploaded_at__isnull=False)
        if ready.filter(leased_until__gt=Now()).count() >= settings.AUDIENCE_JOBS_RUNNING:
            return None
        waiting = ready.filter(FREE).order_by(F("turn_at").asc(nulls_first=True), "pk")
        job = waiting.select_for_update(skip_locked=True).first()
        if job is not None:
            _lease(job)
            JobTurn.objects.filter(pk=account_id).update(at=job.turn_at)
    return job


def _lease(job: Job) -> None:
    now = database_now()
    job.leased_until = now + LEASE
    job.started_at = job.started_at or now
    job.turn_at = now
    job.save(update_fields=["leased_until", "started_at", "turn_at"])


def jobs_left_behind() -> QuerySet[Job]:
    """Return the jobs that could be done and have no worker."""
    return Job.objects.filter(FREE, status=JobStatus.PENDING, uploaded_at__isnull=False)


def renew_lease(job: Job) -> None:
    """Keep the job for another `LEASE`. Raises LeaseLost."""
    until = database_now() + LEASE
    if not _held(job).update(leased_until=until):
        raise LeaseLost
    job.leased_until = until


def keep_lease(job: Job) -> None:
    """Renew the lease if half of it has passed, for long work before a page is ready. Raises LeaseLost."""
    if job.leased_until is None or job.leased_until - database_now() < LEASE / 2:
        renew_lease(job)


def release_lease(job: Job) -> None:
    """Let other workers continue the job at once. Does nothing if the lease was taken over."""
    _held(job).update(leased_until=None)


def _held(job: Job) -> QuerySet[Job]:
    return Job.objects.filter(pk=job.pk, status=JobStatus.PENDING, leased_until=job.leased_until)


@contextmanager
def write_page(job: Job) -> Iterator[None]:
    """Open the transaction of a page: everything inside is stored with the job's progress, or not at all.

    Raises LeaseLost and SearchTooSlow. After any error the counts of the job in memory are ahead of its row: the only
    thing that may still be done with it is to end it.
    """
    before = job.leased_until
    try:
        with time_limit(settings.JOB_STATEMENT_SECONDS):
            renew_lease(job)
            yield
            job.save(update_fields=PROGRESS)
    except BaseException:
        job.leased_until = before
        raise


# --- the end of a job -------------------------------------------------------------------------------------------------


def finish_job(job: Job) -> None:
    """End a job all of whose rows were processed. Raises LeaseLost."""
    succeeded = job.created_count + job.updated_count + job.deleted_count
    if not job.errored_count:
        _end(job, JobStatus.COMPLETED)
    elif job.errored_count < job.requested_count or succeeded:
        _end(job, JobStatus.ERRORED)
    else:
        fail_job(job, ALL_REJECTED)


def fail_job(job: Job, message: str) -> None:
    """End a job that cannot be done, or not to its end. The message is a sentence. Raises LeaseLost."""
    _end(job, JobStatus.FAILED, message)


def _end(job: Job, status: JobStatus, message: str = "") -> None:
    with transaction.atomic():
        now = database_now()
        ended = _held(job).update(
            status=status,
            message=message,
            leased_until=None,
            finished_at=now,
            expires_at=now + dt.timedelta(days=settings.JOB_DAYS),
        )
        if not ended:
            raise LeaseLost
        if job.kind not in EXPORTS:
            # The uploaded bytes are no longer needed. The rejected rows and the file of an export are.
            JobChunk.objects.filter(job=job).delete()
    job.refresh_from_db()
