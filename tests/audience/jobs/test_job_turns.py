"""One account's jobs do not hold up another's: accounts take turns, and each has a bounded share."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings

from accounts.models import Account
from audience.errors import SearchTooSlow, TooManyJobs, UploadsFull
from audience.jobs.exports import begin_export
from audience.jobs.files import CHUNK_BYTES, upload_file
from audience.jobs.imports import begin_import
from audience.jobs.lifecycle import LEASE, fail_job, release_lease, take_next_job
from audience.jobs.run import run_next_job
from audience.jobs.upserts import ContactValues, begin_upsert
from audience.models import Job, JobChunk, JobStatus
from audience.tasks import run_job
from batches import hints
from tests.audience.jobs.jobs_done import done, emails, uploaded
from tests.conftest import Clock
from tests.examples import further

FILE = b"email\na@example.com\n"


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hints, "publish", lambda *_, **__: True)


def test_one_row_does_not_wait_behind_another_accounts_many_jobs(
    alice: Account, charlie: Account, settings: LazySettings
) -> None:
    settings.AUDIENCE_JOBS_WAITING = 20
    many = [uploaded(alice, FILE).pk for _ in range(12)] + [begin_export(alice).pk for _ in range(8)]
    run_job(many[0])
    job_of_charlie = uploaded(charlie, FILE)
    run_job(many[1])
    job_of_charlie.refresh_from_db()
    assert job_of_charlie.status == JobStatus.COMPLETED, (
        "the next task serves who has waited longest, whatever it was a hint of"
    )
    assert Job.objects.filter(account=alice, status=JobStatus.PENDING).count() == 19


def test_the_running_jobs_of_an_account_are_limited(alice: Account, charlie: Account) -> None:
    for _ in range(4):
        uploaded(alice, FILE)
    first, second = take_next_job(), take_next_job()
    assert first is not None
    assert second is not None
    assert first.pk != second.pk
    assert take_next_job() is None
    uploaded(charlie, FILE)
    job = take_next_job()
    assert job is not None
    assert job.account_id == charlie.pk, "others have room"
    release_lease(second)
    third = take_next_job()
    assert third is not None
    assert third.pk not in {first.pk, second.pk}, "the jobs of an account take turns, too"


def test_a_killed_workers_job_gives_its_place_back(alice: Account, clock: Clock) -> None:
    for _ in range(3):
        uploaded(alice, FILE)
    assert take_next_job()
    assert take_next_job()
    assert take_next_job() is None
    clock.advance(seconds=LEASE.total_seconds() + 1)
    assert take_next_job() is not None


def test_a_job_that_was_held_back_is_hinted_when_there_is_room(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = uploaded(alice, FILE), uploaded(alice, FILE)
    hinted: list[Any] = []
    monkeypatch.setattr(hints, "publish", lambda task, args, **_: hinted.append(args[0]))
    run_next_job()
    assert hinted == [second.pk]
    run_next_job()
    assert hinted == [second.pk]
    assert Job.objects.filter(pk__in=[first.pk, second.pk], status=JobStatus.COMPLETED).count() == 2


def test_a_task_publishes_at_most_one_hint(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [uploaded(alice, FILE + b"b@example.com\n"), uploaded(alice, FILE)]
    monkeypatch.setattr("audience.jobs.imports.PAGE_ROWS", 1)
    hinted: list[Any] = []
    monkeypatch.setattr(hints, "publish", lambda task, args, **_: hinted.append(args[0]))
    run_next_job(seconds=0)
    assert hinted == [jobs[0].pk], "it goes on itself, and the other has its own"


def test_more_jobs_than_may_wait_are_refused(alice: Account, charlie: Account, settings: LazySettings) -> None:
    settings.AUDIENCE_JOBS_RUNNING, settings.AUDIENCE_JOBS_WAITING = 1, 2
    jobs = [
        begin_import(alice, ["email"]),
        begin_export(alice),
        begin_upsert(alice, [ContactValues({"email": "a@x.org"})]),
    ]
    for begin in (lambda: begin_import(alice, ["email"]), lambda: begin_export(alice), lambda: begin_upsert(alice, [])):
        with pytest.raises(TooManyJobs):
            begin()
    assert Job.objects.count() == 3
    begin_export(charlie)
    fail_job(jobs[0], "test")
    begin_export(alice)


@further
def test_the_files_of_an_account_are_bounded_together(alice: Account, charlie: Account, settings: LazySettings) -> None:
    settings.UPLOAD_BYTES = 3 * CHUNK_BYTES
    first = upload_file(begin_import(alice, ["email"]), [FILE.ljust(2 * CHUNK_BYTES)])
    second = begin_import(alice, ["email"])
    with pytest.raises(UploadsFull):
        upload_file(second, [b" " * CHUNK_BYTES] * 2)
    assert not JobChunk.objects.filter(job=second).exists()
    second.refresh_from_db()
    assert (second.bytes, second.leased_until) == (0, None)
    upload_file(begin_import(charlie, ["email"]), [b" " * CHUNK_BYTES] * 2)
    done(first)
    upload_file(second, [b" " * CHUNK_BYTES] * 2)
    settings.UPLOAD_BYTES = 2 * CHUNK_BYTES + 10
    with pytest.raises(UploadsFull):
        begin_upsert(alice, [ContactValues({"email": "b@example.com"})])
    assert emails(alice) == ["a@example.com"]


def test_a_page_that_takes_too_long_fails_its_job(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object, **__: object) -> None:
        raise SearchTooSlow

    job = begin_export(alice)
    monkeypatch.setattr("audience.jobs.exports.time_limit", slow)
    assert (done(job).status, job.message) == (
        JobStatus.FAILED,
        "A page of the job took too long. Start the job again later.",
    )
