"""Jobs for tests: made through the core, and done as a worker does them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from accounts.models import Account
from audience.jobs.imports import Column, begin_import
from audience.jobs.uploads import upload_file
from audience.jobs.work import run_job
from audience.models import Contact, Job, RejectedRow


def uploaded(
    account: Account, file: bytes, columns: Sequence[Column] = ("email",), *, list_ids: Iterable[int] = ()
) -> Job:
    """An import whose file has come."""
    return upload_file(begin_import(account, columns, list_ids=list(list_ids)), [file])


def done(job: Job) -> Job:
    """The job after a worker's turn."""
    run_job(job.pk, seconds=60)
    job.refresh_from_db()
    return job


def counts(job: Job) -> tuple[int, int, int, int]:
    """Requested, created, updated, errored."""
    return job.requested_count, job.created_count, job.updated_count, job.errored_count


def rejected(job: Job) -> list[tuple[int, str, str]]:
    """Number, text and reason of the rows that were not taken."""
    return list(RejectedRow.objects.filter(job=job).order_by("number").values_list("number", "text", "reason"))


def emails(account: Account) -> list[str | None]:
    """Of the account's contacts, in the order in which they were made."""
    return list(Contact.objects.filter(account=account).order_by("pk").values_list("email", flat=True))
