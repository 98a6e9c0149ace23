"""Doing a job: page after page, until it is done or it is another job's turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

import structlog

from campaigns.audience.deletions import deletion_pages
from campaigns.audience.exports import export_pages
from campaigns.audience.imports import import_pages
from campaigns.audience.jobs import JobFailure, LeaseLost, fail_job, finish_job, hint_job, release_lease, take_job
from campaigns.audience.models import Job, JobKind
from campaigns.audience.upsert_jobs import upsert_pages

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
    if job is None:
        return
    until = 0.0
    try:
        for _ in PAGES[JobKind(job.kind)](job):
            # A packed file is read from its beginning: what that takes does not count.
            until = until or time.monotonic() + seconds
            if time.monotonic() >= until:
                release_lease(job)
                hint_job(job.pk)
                return
        finish_job(job)
    except JobFailure as failure:
        fail_job(job, str(failure))
    except LeaseLost:
        log.warning("job was taken over", job=str(job.uuid))
