"""Test jobs: which worker runs them, what happens to abandoned ones, and how long they are kept."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.core import signing
from django.db import DatabaseError

from accounts.keys import create_key
from accounts.models import Account
from audience.errors import UnknownJob, UnknownLink
from audience.jobs import imports
from audience.jobs import sweep as job_sweep
from audience.jobs.files import find_linked_job, open_link, sign_link, write_rejected
from audience.jobs.imports import begin_import
from audience.jobs.lifecycle import (
    QUEUE,
    RUN_JOB,
    LeaseLost,
    fail_job,
    get_job,
    jobs_of,
    keep_lease,
    release_lease,
    take_job,
    write_page,
)
from audience.jobs.run import run_job
from audience.jobs.sweep import end_stale_jobs, forget_jobs, hint_left_behind
from audience.models import Job, JobChunk, JobKind, JobStatus, RejectedRow
from batches import hints
from mailer.sweep import sweep
from tests.audience.jobs.jobs_done import counts, done, emails, rejected, uploaded
from tests.conftest import Clock
from tests.forked import forked
from tests.waiting import wait_until

FILE = b"email\na@example.com\nb@example.com\nc@example.com\nnobody\n"
Published = list[tuple[str, list[object], str]]


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Published:
    """Return the hints that were published, in place of a broker."""
    published: Published = []

    def publish(task: str, args: list[object], *, queue: str, **_: object) -> bool:
        published.append((task, args, queue))
        return True

    monkeypatch.setattr(hints, "publish", publish)
    return published


def test_a_job_is_hinted_when_its_file_has_come(alice: Account, published: Published) -> None:
    begin_import(alice, ["email"])
    assert published == []
    job = uploaded(alice, FILE)
    assert published == [(RUN_JOB, [job.pk], QUEUE)]


def test_a_job_that_takes_long_gives_way_to_others(
    alice: Account, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "PAGE_ROWS", 1)
    job = uploaded(alice, FILE)
    published.clear()
    turns = 0
    while job.status == JobStatus.PENDING:
        run_job(job.pk, seconds=0)
        job.refresh_from_db()
        turns += 1
        assert counts(job)[0] == min(turns, 4), "its counts can be read while it runs"
    assert turns == 5
    assert published == [(RUN_JOB, [job.pk], QUEUE)] * 4


def test_one_worker_has_a_job_at_a_time(alice: Account, clock: Clock) -> None:
    job = uploaded(alice, FILE)
    first = take_job(job.pk)
    assert first is not None
    assert take_job(job.pk) is None
    assert done(job).status == JobStatus.PENDING
    clock.advance(seconds=50)
    assert take_job(job.pk) is None
    clock.advance(seconds=11)
    second = take_job(job.pk)
    assert second is not None
    assert second.started_at == first.started_at
    with pytest.raises(LeaseLost), write_page(first):
        first.created_count = 99
    with pytest.raises(LeaseLost):
        fail_job(first, "too late")
    release_lease(first)
    assert take_job(job.pk) is None, "what is lost cannot be released"
    with write_page(second):
        second.created_count = 1
    job.refresh_from_db()
    assert (job.created_count, job.status) == (1, JobStatus.PENDING)


def test_long_work_keeps_its_lease(alice: Account, clock: Clock) -> None:
    job = take_job(uploaded(alice, FILE).pk)
    assert job is not None
    for _ in range(5):
        clock.advance(seconds=40)
        keep_lease(job)
    assert take_job(job.pk) is None


def test_a_page_that_fails_stores_nothing_and_keeps_the_lease(alice: Account) -> None:
    job = take_job(uploaded(alice, FILE).pk)
    assert job is not None
    twice = RejectedRow(job=job, number=1, text="", reason="")
    with pytest.raises(DatabaseError), write_page(job):
        RejectedRow.objects.bulk_create([twice, twice])
    job.created_count = 5
    fail_job(job, "It could not be done.")
    assert (job.status, job.created_count) == (JobStatus.FAILED, 0)
    assert not RejectedRow.objects.exists()


def test_a_job_that_is_done_is_not_done_again(alice: Account) -> None:
    job = done(uploaded(alice, FILE))
    before = Job.objects.values().get()
    run_job(job.pk)
    assert Job.objects.values().get() == before


def test_the_sweeper_finds_an_abandoned_job(alice: Account, published: Published, clock: Clock) -> None:
    job = uploaded(alice, FILE)
    take_job(job.pk)
    begin_import(alice, ["email"])
    published.clear()
    hint_left_behind()
    assert published == []
    clock.advance(seconds=61)
    assert hint_left_behind() == 1
    assert hint_left_behind() == 0, "not at every round"
    assert published == [(RUN_JOB, [job.pk], QUEUE)]
    done(job)
    clock.advance(seconds=61)
    assert hint_left_behind() == 0


def test_the_duties_are_done_in_every_round(alice: Account) -> None:
    assert {"hint_jobs", "end_stale_jobs", "forget_jobs"} <= sweep().keys()


def test_an_unfinished_job_fails_after_a_day(alice: Account, clock: Clock) -> None:
    waiting, undone = begin_import(alice, ["email"]), uploaded(alice, FILE)
    assert end_stale_jobs() == 0
    clock.advance(hours=25)
    taken = take_job(undone.pk)
    assert taken is not None
    assert end_stale_jobs() == 1
    release_lease(taken)
    assert end_stale_jobs() == 1
    waiting.refresh_from_db()
    undone.refresh_from_db()
    assert (waiting.status, waiting.message) == (JobStatus.FAILED, "No file was uploaded within 24 hours.")
    assert (undone.status, undone.message) == (JobStatus.FAILED, "The job was not finished within 24 hours.")


def test_a_job_is_kept_for_some_days_and_then_deleted_completely(
    alice: Account, clock: Clock, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    settings.JOB_DAYS = 2
    monkeypatch.setattr(job_sweep, "ROWS", 2)
    done(uploaded(alice, b"email\nx\ny\nz\n"))
    young = uploaded(alice, FILE)
    clock.advance(hours=47)
    assert forget_jobs() == 0
    clock.advance(hours=2)
    assert [forget_jobs() for _ in range(4)] == [2, 1, 1, 0]
    assert list(Job.objects.all()) == [young]
    assert not RejectedRow.objects.exists()


def test_a_job_belongs_to_its_account(alice: Account, charlie: Account) -> None:
    job = uploaded(alice, FILE)
    assert get_job(alice, job.uuid) == get_job(alice, str(job.uuid), kinds=[JobKind.IMPORT]) == job
    strange: list[tuple[Account, Any]] = [(charlie, job.uuid), (alice, uuid4()), (alice, "x"), (alice, "")]
    for account, uuid in strange:
        with pytest.raises(UnknownJob):
            get_job(account, uuid)
    with pytest.raises(UnknownJob):
        get_job(alice, job.uuid, kinds=[JobKind.EXPORT])
    assert list(jobs_of(charlie, kinds=JobKind)) == []


def read_link(token: str, purpose: str) -> Job:
    return find_linked_job(open_link(token), purpose)


def test_a_link_is_good_for_one_file_and_as_long_as_the_job(alice: Account, clock: Clock) -> None:
    key = create_key(alice, "asks")[0]
    job = done(uploaded(alice, FILE))
    other = done(uploaded(alice, FILE))
    token = sign_link(job, "errors", key)
    assert read_link(token, "errors") == job != other
    for bad in (token[:-1], token + "x", "", signing.dumps([other.pk, "errors", key.key_id])):
        with pytest.raises(UnknownLink):
            read_link(bad, "errors")
    with pytest.raises(UnknownLink):
        read_link(token, "export")
    clock.advance(hours=8 * 24)
    with pytest.raises(UnknownLink):
        read_link(token, "errors")


def test_rejected_rows_are_written_in_pages(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audience.jobs.files.PAGE", 2)
    job = done(uploaded(alice, b"email\nx\ny\nz\n"))
    assert b"".join(write_rejected(job)).decode() == (
        "row,reason,text\r\n2,Invalid email.,x\r\n3,Invalid email.,y\r\n4,Invalid email.,z\r\n"
    )


# --- killed for real --------------------------------------------------------------------------------------------------


@pytest.mark.large
def test_a_worker_that_is_killed_leaves_whole_pages(alice: Account, clock: Clock) -> None:
    rows = [f"c{n}@example.com" if n % 10 else "broken" for n in range(600)]
    job = uploaded(alice, "\n".join(["email", *rows]).encode())
    with forked(work_in_small_pages, job.pk) as worker:
        wait_until(lambda: counts(refreshed(job))[0] > 50, seconds=60, why="some pages")
        worker.kill()
    begun = refreshed(job)
    assert begun.status == JobStatus.PENDING
    assert len(emails(alice)) == begun.created_count
    assert len(rejected(job)) == begun.errored_count
    assert sum(counts(begun)[1:]) == begun.requested_count < 600
    clock.advance(seconds=61)
    assert counts(done(job)) == (600, 540, 0, 60)
    assert emails(alice) == [row for row in rows if row != "broken"]
    assert not JobChunk.objects.exists()


def refreshed(job: Job) -> Job:
    job.refresh_from_db()
    return job


def work_in_small_pages(job_id: int) -> None:
    """Run a job as a worker does, in another process."""
    imports.PAGE_ROWS = 10
    run_job(job_id, seconds=60)
