"""Files are uploaded in chunks, and by one request at a time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from accounts.models import Account
from audience.errors import FileTooLarge, FileUploaded, UploadInProgress
from audience.jobs.files import CHUNK_BYTES, read_chunks, upload_file
from audience.jobs.imports import begin_import
from audience.models import Job, JobChunk, JobStatus
from tests.audience.jobs.jobs_done import done, emails
from tests.conftest import Clock
from tests.examples import further


@further
def test_a_file_is_stored_in_chunks_of_one_size(alice: Account) -> None:
    job = begin_import(alice, ["email"])
    blocks = [b"a" * 700_000, b"b" * 700_000, b"", b"c" * 700_000]
    upload_file(job, blocks)
    assert [len(chunk) for chunk in read_chunks(job)] == [CHUNK_BYTES, CHUNK_BYTES, 2_100_000 - 2 * CHUNK_BYTES]
    assert b"".join(read_chunks(job)) == b"".join(blocks)
    assert b"".join(read_chunks(job, first=1)) == b"".join(blocks)[CHUNK_BYTES:]


def test_a_job_waits_for_its_file(alice: Account) -> None:
    job = begin_import(alice, ["email"])
    assert done(job).status == JobStatus.PENDING
    upload_file(job, [b"email\na@example.com\n"])
    assert done(job).status == JobStatus.COMPLETED


def test_a_file_is_uploaded_once(alice: Account) -> None:
    job = begin_import(alice, ["email"])
    upload_file(job, [b"email\n"])
    with pytest.raises(FileUploaded):
        upload_file(job, [b"email\n"])
    done(job)
    with pytest.raises(FileUploaded):
        upload_file(job, [b"email\n"])


def test_of_two_uploads_one_is_refused(alice: Account) -> None:
    job = begin_import(alice, ["email"])

    def file() -> Iterator[bytes]:
        yield b"x" * CHUNK_BYTES
        with pytest.raises(UploadInProgress):
            upload_file(job, [b"email\n"])
        yield b"y"

    upload_file(job, file())
    assert b"".join(read_chunks(job)) == b"x" * CHUNK_BYTES + b"y"


def test_an_upload_that_is_silent_for_long_may_be_overtaken(alice: Account, clock: Clock) -> None:
    job = begin_import(alice, ["email"])

    def file() -> Iterator[bytes]:
        yield b"x" * CHUNK_BYTES
        clock.advance(seconds=61)
        upload_file(job, [b"email\na@example.com\n"])
        yield b"y" * CHUNK_BYTES

    with pytest.raises(UploadInProgress):
        upload_file(job, file())
    assert done(job).status == JobStatus.COMPLETED
    assert emails(alice) == ["a@example.com"]


def test_an_interrupted_upload_can_be_repeated(alice: Account) -> None:
    job = begin_import(alice, ["email"])

    def file() -> Iterator[bytes]:
        yield b"email\nold@example.com\n" + b"\n" * 3 * CHUNK_BYTES
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        upload_file(job, file())
    assert done(job).status == JobStatus.PENDING
    upload_file(job, [b"email\nnew@example.com\n"])
    assert done(job).status == JobStatus.COMPLETED
    assert emails(alice) == ["new@example.com"]


def test_a_file_that_is_too_large_is_not_stored(alice: Account, settings: LazySettings) -> None:
    settings.IMPORT_BYTES = 2 * CHUNK_BYTES
    job = begin_import(alice, ["email"])
    with pytest.raises(FileTooLarge):
        upload_file(job, [b"x" * CHUNK_BYTES] * 3)
    assert not JobChunk.objects.exists()
    assert Job.objects.get().leased_until is None
    upload_file(job, [b"\n" * CHUNK_BYTES] * 2)
