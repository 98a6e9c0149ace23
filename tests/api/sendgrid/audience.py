"""Provide helpers for tests of the audience's calls: they read errors, and run jobs as a worker does."""

from __future__ import annotations

from typing import Any

from audience.jobs.lifecycle import jobs_left_behind
from audience.jobs.run import run_job


def refusal_of(answer: Any) -> tuple[int, list[tuple[str | None, str]]]:
    """Return the status of an error answer, and the field and text of each of its errors."""
    return answer.status_code, [(each["field"], each["message"]) for each in answer.json()["errors"]]


def do_jobs() -> None:
    """Run all waiting jobs to their end."""
    for job_id in list(jobs_left_behind().values_list("pk", flat=True)):
        run_job(job_id, seconds=60)
