"""Doing a job: page after page, until it is done or it is another job's turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

import structlog

from audience.errors import SearchTooSlow
from audience.jobs.deletions import deletion_pages
from audience.jobs.exports import export_pages
from audience.jobs.imports import import_pages
from audience.jobs.lifecycle import (
    JobFailure,
    LeaseLost,
    fail_job,
    finish_job,
    hint_job,
    jobs_left_behind,
    release_lease,
    take_job,
    take_next_job,
)
from audience.jobs.upserts import upsert_pages
from audience.models import Job, JobKind

log = structlog.get_logger(__name__)

PAGES: Final[dict[JobKind, Callable[[Job], Iterator[None]]]] = {
    JobKind.IMPORT: import_pages,
    JobKind.UPSERT: upsert_pages,
    JobKind.DELETE: deletion_pages,
    JobKind.EXPORT: export_pages,
}
"""Each writes a page, with the progress, between two steps."""
RUN_SECONDS = 2.0
"""How long one task goes on after its first page; then it leaves a hint, so that jobs take turns, also with what else
is in the queue."""


def run_job(job_id: int, *, seconds: float = RUN_SECONDS) -> None:
    """Go on with a job, if nobody else does. What neither this nor the job's own failure accounts for is raised; the
    sweeper then finds the job when its lease is over."""
    job = take_job(job_id)
    if job is not None:
        _go_on(job, seconds)


def run_next_job(*, seconds: float = RUN_SECONDS) -> None:
    """Go on with the job whose turn it is, and leave a hint for the next."""
    job = take_next_job()
    if job is None or not _go_on(job, seconds):
        # One task leaves one hint at most, or they would become ever more.
        return
    # It may have kept another of its account waiting, whose hint came to nothing.
    waiting = jobs_left_behind().exclude(pk=job.pk).values_list("pk", flat=True).first()
    if waiting is not None:
        hint_job(waiting)


def _go_on(job: Job, seconds: float) -> bool:
    """Do a part of a job; return whether it is over, or another worker's. Else it has left a hint."""
    until = 0.0
    try:
        for _ in PAGES[JobKind(job.kind)](job):
            # A packed file is read from its beginning: what that takes does not count.
            until = until or time.monotonic() + seconds
            if time.monotonic() >= until:
                release_lease(job)
                hint_job(job.pk)
                return False
        finish_job(job)
    except JobFailure as failure:
        fail_job(job, str(failure))
    except SearchTooSlow:
        fail_job(job, "A part of it took too long.")
    except LeaseLost:
        log.warning("job was taken over", job=str(job.uuid))
    return True
