"""Upload: the file of an import becomes chunks of `CHUNK_BYTES` while it streams in, so that no process holds it.

Each chunk is committed by itself, under the job's lease: of two uploads at the same moment one is refused, and one that
broke off is begun anew by the next. The job begins when the last chunk is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.conf import settings
from django.db import transaction

from audience.errors import FileTooLarge, FileUploaded, UploadInProgress, UploadsFull
from audience.jobs.lifecycle import LEASE, LeaseLost, check_bytes, hint_job, release_lease, renew_lease
from audience.models import Job, JobChunk, JobStatus
from foundation.clock import database_now

CHUNK_BYTES = 2**20


def upload_file(job: Job, blocks: Iterable[bytes]) -> Job:
    """Store the file, plain or gzip, as its blocks come, and let the import begin.

    Raises FileUploaded, UploadInProgress, FileTooLarge, UploadsFull, and whatever `blocks` raises: the file can then be
    sent again.
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
    """The same bytes in blocks of `size`, the last of which may be shorter."""
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
