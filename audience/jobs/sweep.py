"""Sweep jobs: hint those that were left behind, end those that are stale, delete those that have expired."""

from __future__ import annotations

import datetime as dt

from django.db import connection

from audience import QUEUE, queries
from audience.jobs.lifecycle import FREE, RUN_JOB, LeaseLost, fail_job, jobs_left_behind
from audience.models import Job, JobStatus
from batches import hints
from foundation.clock import Now
from mailer.sweep import take_turn

HINT_EVERY = dt.timedelta(seconds=5)
JOBS = 20
"""The number of jobs that are processed per round."""
CHUNKS = 100
ROWS = 10_000
STALE_HOURS = 24
"""A job without a result after this time is ended."""


def hint_left_behind() -> int:
    """Publish a hint for each job that no worker is doing, and return their number.

    All of them get one in turn, since a worker that could take a hint may be busy with another job. Without a broker
    jobs wait: the sweeper's time is needed for mail.
    """
    if not take_turn("hint_jobs", HINT_EVERY):
        return 0
    waiting = list(jobs_left_behind().order_by("pk").values_list("pk", flat=True)[:JOBS])
    for job_id in waiting:
        hints.publish(RUN_JOB, [job_id], queue=QUEUE, expires=HINT_EVERY.total_seconds())
    return len(waiting)


def end_stale_jobs() -> int:
    """Fail the jobs that are older than `STALE_HOURS` and have no worker. Return their number."""
    long_ago = Now() - dt.timedelta(hours=STALE_HOURS)
    ended = 0
    stale = Job.objects.filter(FREE, status=JobStatus.PENDING, created_at__lte=long_ago)
    for job in stale.order_by("pk")[:JOBS]:
        outcome = "The job was not finished" if job.uploaded_at else "No file was uploaded"
        try:
            fail_job(job, f"{outcome} within {STALE_HOURS} hours.")
        except LeaseLost:
            continue
        ended += 1
    return ended


def forget_jobs() -> int:
    """Delete a page of expired jobs with their chunks and rejected rows. Return the number of rows deleted."""
    job = Job.objects.filter(expires_at__lte=Now()).order_by("expires_at").first()
    if job is None:
        return 0
    forgotten = 0
    with connection.cursor() as cursor:
        for statement, page in ((queries.DELETE_CHUNKS, CHUNKS), (queries.DELETE_REJECTED, ROWS)):
            cursor.execute(statement, {"job": job.pk, "page": page})
            forgotten += int(cursor.rowcount)
    if not forgotten:
        job.delete()
        return 1
    return forgotten


DUTIES = {"hint_jobs": hint_left_behind, "end_stale_jobs": end_stale_jobs, "forget_jobs": forget_jobs}
