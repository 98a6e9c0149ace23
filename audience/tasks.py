"""Define the Celery task of the audience: a hint that a job may be ready to continue."""

from __future__ import annotations

from celery import shared_task

from audience.jobs import run
from audience.jobs.lifecycle import RUN_JOB


@shared_task(name=RUN_JOB)
def run_job(job_id: int) -> None:
    """Continue the job whose turn it is, as PostgreSQL says; the hinted job may be another one."""
    run.run_next_job()
