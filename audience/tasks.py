"""The Celery task of the audience: a hint that a job may be worth going on with."""

from __future__ import annotations

from celery import shared_task

from audience.jobs import run
from audience.jobs.lifecycle import RUN_JOB


@shared_task(name=RUN_JOB)
def run_job(job_id: int) -> None:
    """Somebody has made a job, or it was left behind. Whose turn it is, is asked of PostgreSQL."""
    run.run_next_job()
