"""Store and read the files of a job: the chunks of an uploaded file and the rejected rows; sign links to files.

An upload becomes chunks of `CHUNK_BYTES` while it streams in, so that no process holds the whole file. Each chunk is
committed separately, under the lease of the job: of two uploads at the same time one is refused, and the next upload
after an interrupted one starts from the beginning. The job begins when the last chunk is stored.

A signed link gives access to one file of a job to a caller who cannot send an API key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from django.conf import settings
from django.core import signing
from django.db import transaction

from accounts.models import ApiKey
from audience import queries
from audience.errors import FileTooLarge, FileUploaded, UnknownLink, UploadInProgress, UploadsFull
from audience.jobs.csv_files import LONGEST_SHOWN, protect, write_rows
from audience.jobs.lifecycle import LEASE, LeaseLost, check_bytes, hint_job, release_lease, renew_lease
from audience.models import Job, JobChunk, JobStatus, RejectedRow
from foundation.clock import database_now
from foundation.statements import copy_rows

CHUNK_BYTES = 2**20
PAGE = 1000
SALT = "campaigns.job"


def upload_file(job: Job, blocks: Iterable[bytes]) -> Job:
    """Store the file, plain or gzip, block by block, and start the import.

    Raises FileUploaded, UploadInProgress, FileTooLarge, UploadsFull, and what `blocks` raises. After an error of
    `blocks` the file can be sent again.
    """
    job = _begin(job)
    try:
        _store(job, blocks)
        return _end(job)
    except LeaseLost:
        raise UploadInProgress from None
    except BaseException:
        release_lease(job)
        raise


def cut(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Yield the same bytes in blocks of `size`. The last block may be shorter."""
    waiting = bytearray()
    for block in blocks:
        waiting += block
        while len(waiting) >= size:
            yield bytes(waiting[:size])
            del waiting[:size]
    if waiting:
        yield bytes(waiting)


def _begin(job: Job) -> Job:
    with transaction.atomic():
        locked = Job.objects.select_for_update().get(pk=job.pk)
        if locked.uploaded_at is not None or locked.status != JobStatus.PENDING:
            raise FileUploaded
        now = database_now()
        if locked.leased_until is not None and locked.leased_until > now:
            raise UploadInProgress
        JobChunk.objects.filter(job=locked).delete()
        locked.leased_until, locked.bytes = now + LEASE, 0
        locked.save(update_fields=["leased_until", "bytes"])
    return locked


def _store(job: Job, blocks: Iterable[bytes]) -> None:
    for number, chunk in enumerate(cut(blocks, CHUNK_BYTES)):
        job.bytes += len(chunk)
        try:
            if job.bytes > settings.IMPORT_BYTES:
                raise FileTooLarge(f"the file is larger than {settings.IMPORT_BYTES} bytes")
            check_bytes(job)
        except (FileTooLarge, UploadsFull):
            JobChunk.objects.filter(job=job).delete()
            Job.objects.filter(pk=job.pk).update(bytes=0)
            raise
        with transaction.atomic():
            renew_lease(job)
            job.save(update_fields=["bytes"])
            JobChunk.objects.create(job=job, number=number, data=chunk)


def _end(job: Job) -> Job:
    with transaction.atomic():
        renew_lease(job)
        job.uploaded_at, job.leased_until = database_now(), None
        job.save(update_fields=["uploaded_at", "leased_until"])
        hint_job(job.pk)
    return job


def read_chunks(job: Job, *, first: int = 0) -> Iterator[bytes]:
    """Yield the bytes of the job in order, from chunk number `first` on."""
    while (data := JobChunk.objects.filter(job=job, number=first).values_list("data", flat=True).first()) is not None:
        yield bytes(data)
        first += 1


# --- rejected rows ----------------------------------------------------------------------------------------------------


class Rejected(NamedTuple):
    """A rejected row has its number, its original text, and the reason."""

    number: int
    text: str
    reason: str


class Link(NamedTuple):
    """The content of a link's token: the job, the file of it, and the key for which the link was made."""

    job_id: int
    purpose: str
    key_id: str


def reject_rows(job: Job, rows: Iterable[Rejected]) -> None:
    """Store and count the rows that were rejected. Call it inside `write_page`."""
    values = [(job.pk, number, text[:LONGEST_SHOWN], reason) for number, text, reason in rows]
    job.errored_count += len(values)
    copy_rows(queries.REJECTED_ROWS, values)


def write_rejected(job: Job) -> Iterator[bytes]:
    """Yield the rejected rows as CSV: their numbers, the reasons, and their original texts."""
    yield b"row,reason,text\r\n"
    after = -1
    while page := list(RejectedRow.objects.filter(job=job, number__gt=after).order_by("number")[:PAGE]):
        rows = ([str(row.number), protect(row.reason), protect(row.text)] for row in page)
        yield write_rows(rows)
        after = page[-1].number


# --- signed links -----------------------------------------------------------------------------------------------------


def sign_link(job: Job, purpose: str, key: ApiKey) -> str:
    """Return a token for one file of the job, named by its purpose. It is valid as long as the job and the key are."""
    return signing.dumps([job.pk, purpose, key.key_id], salt=SALT)


def is_genuine(token: str) -> bool:
    """Return whether `sign_link` has made the token, without asking the database whether it is still good."""
    try:
        open_link(token)
    except UnknownLink:
        return False
    return True


def open_link(token: str) -> Link:
    """Return the content of a token that `sign_link` has made. Raises UnknownLink.

    The caller has to check that the key is still valid before it reads the job.
    """
    try:
        return Link(*signing.loads(token, salt=SALT))
    except (signing.BadSignature, TypeError) as error:
        raise UnknownLink from error


def find_linked_job(link: Link, purpose: str) -> Job:
    """Return the job of a link that was made for this purpose. Raises UnknownLink, also if the job has expired."""
    job = Job.objects.filter(pk=link.job_id).select_related("account").first()
    if link.purpose != purpose or job is None:
        raise UnknownLink
    if job.expires_at is not None and job.expires_at <= database_now():
        raise UnknownLink
    return job
