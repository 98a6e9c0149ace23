"""What belongs to a job beside its row: the bytes it reads or has written, the rows it did not take, and links to them
for who cannot show an API key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from django.core import signing

from accounts.keys import find_living
from accounts.models import ApiKey
from audience import queries
from audience.errors import UnknownLink
from audience.jobs.csv_rows import LONGEST_SHOWN, protect, write_row
from audience.models import Job, JobChunk, RejectedRow
from foundation.clock import database_now
from mailer.copying import copy_rows

PAGE = 1000
SALT = "campaigns.job"


class Rejected(NamedTuple):
    """A row that was not taken: its number, how it was written, and why not."""

    number: int
    text: str
    reason: str


def reject_rows(job: Job, rows: Iterable[Rejected]) -> None:
    """In a page: keep what was not taken, and count it."""
    values = [(job.pk, number, text[:LONGEST_SHOWN], reason) for number, text, reason in rows]
    job.errored_count += len(values)
    copy_rows(queries.REJECTED_ROWS, values)


def write_rejected(job: Job) -> Iterator[bytes]:
    """The rejected rows as CSV: their numbers, why, and how they were written."""
    yield b"row,reason,text\r\n"
    after = -1
    while page := list(RejectedRow.objects.filter(job=job, number__gt=after).order_by("number")[:PAGE]):
        rows = ([str(row.number), protect(row.reason), protect(row.text)] for row in page)
        yield "".join(f"{write_row(row)}\r\n" for row in rows).encode()
        after = page[-1].number


def read_chunks(job: Job, *, first: int = 0) -> Iterator[bytes]:
    """The bytes that belong to the job, in their order, from chunk number `first`."""
    while (data := JobChunk.objects.filter(job=job, number=first).values_list("data", flat=True).first()) is not None:
        yield bytes(data)
        first += 1


def sign_link(job: Job, purpose: str, key: ApiKey) -> str:
    """Return a token for one file of the job, named by its purpose. It is valid while job and key live."""
    return signing.dumps([job.pk, purpose, key.key_id], salt=SALT)


def is_genuine(token: str) -> bool:
    """Return whether `sign_link` has made the token, without asking the database whether it is still good."""
    try:
        signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return False
    return True


def read_link(token: str, purpose: str) -> Job:
    """Return the job for which `sign_link` made the token with this purpose. Raises UnknownLink."""
    try:
        job_id, made_for, key_id = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError) as error:
        raise UnknownLink from error
    key = find_living(key_id)
    job = Job.objects.filter(pk=job_id).select_related("account").first()
    if key is None or made_for != purpose or job is None:
        raise UnknownLink
    if job.expires_at is not None and job.expires_at <= database_now():
        raise UnknownLink
    return job
