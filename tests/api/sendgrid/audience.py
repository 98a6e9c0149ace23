"""What tests of the audience's wire share: errors as the wire tells them, and jobs done as a worker does them."""

from __future__ import annotations

from typing import Any

from audience.jobs.lifecycle import jobs_left_behind
from audience.jobs.work import run_job


def told(answer: Any) -> tuple[int, list[tuple[str | None, str]]]:
    """The status of a refusal, and the field and the text of each of its errors."""
    return answer.status_code, [(each["field"], each["message"]) for each in answer.json()["errors"]]


def do_jobs() -> None:
    """All that wait, to their ends."""
    for job_id in list(jobs_left_behind().values_list("pk", flat=True)):
        run_job(job_id, seconds=60)
