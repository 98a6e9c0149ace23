"""Run jobs page by page, until a job is done or another job has its turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

import structlog

from audience.errors import SearchTooSlow
from audience.jobs.deletions import deletion_pages
from audience.jobs.event_exports import event_export_pages
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
    JobKind.EVENTS: event_export_pages,
}
"""The generator of each kind of job. Each step writes one page with the progress."""
RUN_SECONDS = 2.0
"""One task continues for this time after its first page.

Then it publishes a hint, so that jobs take turns with each other and with the other tasks of the queue.
"""


def run_job(job_id: int, *, seconds: float = RUN_SECONDS) -> None:
    """Continue a job, unless another worker does.

    An error that is neither a failure of the job nor a lost lease is raised. The sweeper then finds the job when its
    lease has expired.
    """
    job = take_job(job_id)
    if job is not None:
        _continue_job(job, seconds)


def run_next_job(*, seconds: float = RUN_SECONDS) -> None:
    """Continue the job whose turn it is, and publish a hint for the next."""
    job = take_next_job()
    if job is None or not _continue_job(job, seconds):
        # One task publishes one hint at most, or their number would grow without limit.
        return
    # The hint of another job may have been used up while the limit of its account was reached.
    waiting = jobs_left_behind().exclude(pk=job.pk).values_list("pk", flat=True).first()
    if waiting is not None:
        hint_job(waiting)


def _continue_job(job: Job, seconds: float) -> bool:
    """Do a part of a job. Return True if it has ended or was taken over; otherwise a hint was published."""
    until = 0.0
    try:
        for _ in PAGES[JobKind(job.kind)](job):
            # A packed file is read from its beginning. The time until the first page does not count.
            until = until or time.monotonic() + seconds
            if time.monotonic() >= until:
                release_lease(job)
                hint_job(job.pk)
                return False
        finish_job(job)
    except JobFailure as failure:
        fail_job(job, str(failure))
    except SearchTooSlow:
        fail_job(job, "A page of the job took too long. Start the job again later.")
    except LeaseLost:
        log.warning("job was taken over", job=str(job.uuid))
    return True
