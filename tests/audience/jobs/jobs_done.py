"""Create jobs for tests through the core, and run them as a worker does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from accounts.models import Account
from audience.jobs.files import upload_file
from audience.jobs.imports import Column, begin_import
from audience.jobs.run import run_job
from audience.models import Contact, Job, RejectedRow


def uploaded(
    account: Account, file: bytes, columns: Sequence[Column] = ("email",), *, list_ids: Iterable[int] = ()
) -> Job:
    """Create an import whose file is uploaded."""
    return upload_file(begin_import(account, columns, list_ids=list(list_ids)), [file])


def done(job: Job) -> Job:
    """Run a job for a worker's turn and return it."""
    run_job(job.pk, seconds=60)
    job.refresh_from_db()
    return job


def counts(job: Job) -> tuple[int, int, int, int]:
    """Return how many rows were requested, created, updated and rejected."""
    return job.requested_count, job.created_count, job.updated_count, job.errored_count


def rejected(job: Job) -> list[tuple[int, str, str]]:
    """Return number, text and reason of each rejected row."""
    return list(RejectedRow.objects.filter(job=job).order_by("number").values_list("number", "text", "reason"))


def emails(account: Account) -> list[str | None]:
    """Return the addresses of the account's contacts, oldest first."""
    return list(Contact.objects.filter(account=account).order_by("pk").values_list("email", flat=True))
