"""Contacts of a JSON request are stored by a job."""

from __future__ import annotations

import json

import pytest

from accounts.models import Account
from audience.errors import TooManyContacts, UnknownList
from audience.fields import create_field
from audience.jobs import upserts
from audience.jobs.run import run_job
from audience.jobs.upserts import ContactValues, begin_upsert
from audience.lists import create_list, delete_list, find_list
from audience.models import Contact, FieldType, Job, JobChunk, JobStatus
from tests.audience.jobs.jobs_done import counts, done, emails, rejected


def test_contacts_are_stored_and_put_on_lists(alice: Account) -> None:
    readers = create_list(alice, "readers")
    points = create_field(alice, "points", FieldType.NUMBER)
    contacts = [
        ContactValues({"email": "Ann@example.com", "alternate_emails": ["ann@example.org"]}, {points.pk: 7}),
        ContactValues({"external_id": "b", "first_name": "Bob"}),
    ]
    job = begin_upsert(alice, contacts, list_ids=[readers.pk])
    assert (job.status, job.requested_count) == (JobStatus.PENDING, 2)
    assert counts(done(job)) == (2, 2, 0, 0)
    assert job.status == JobStatus.COMPLETED
    ann, bob = Contact.objects.order_by("pk")
    assert (ann.email, ann.alternate_emails) == ("ann@example.com", ["ann@example.org"])
    assert ann.custom == {str(points.pk): 7}
    assert (bob.email, bob.external_id, bob.first_name) == (None, "b", "Bob")
    assert find_list(alice, readers.pk).contact_count == 2
    assert not JobChunk.objects.exists()


def test_an_invalid_contact_is_reported(alice: Account, charlie: Account) -> None:
    his = create_field(charlie, "points", FieldType.NUMBER)
    contacts = [
        ContactValues({"email": "ann@example.com"}),
        ContactValues({"email": "nobody"}),
        ContactValues({"first_name": "\ud800"}),
        ContactValues({"email": "bob@example.com", "first_name": "\ud800\0"}),
        ContactValues({"email": "cyd@example.com"}, {his.pk: 1}),
        ContactValues({"email": ["dan@example.com"]}),
    ]
    job = done(begin_upsert(alice, contacts))
    assert (job.status, counts(job)) == (JobStatus.ERRORED, (6, 1, 0, 5))
    assert emails(alice) == ["ann@example.com"]
    assert [number for number, _, _ in rejected(job)] == [2, 3, 4, 5, 6]
    assert json.loads(rejected(job)[2][1]) == [{"email": "bob@example.com", "first_name": "\ud800\0"}, {}]


def test_an_upsert_continues_where_it_stopped(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upserts, "PAGE_ROWS", 3)
    monkeypatch.setattr(upserts, "CHUNK_BYTES", 50)
    job = begin_upsert(alice, [ContactValues({"email": f"c{n}@example.com" if n != 5 else "?"}) for n in range(10)])
    for done_so_far in (3, 6, 9):
        run_job(job.pk, seconds=0)
        job.refresh_from_db()
        assert job.cursor == done_so_far
    assert counts(done(job)) == (10, 9, 0, 1)
    assert [number for number, _, _ in rejected(job)] == [6]


def test_more_than_one_request_may_have_are_refused(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upserts, "UPSERT_LIMIT", 2)
    with pytest.raises(TooManyContacts):
        begin_upsert(alice, [ContactValues({"email": "a@example.com"})] * 3)
    assert not Job.objects.exists()


def test_lists_have_to_exist(alice: Account, charlie: Account) -> None:
    with pytest.raises(UnknownList):
        begin_upsert(alice, [ContactValues({"email": "a@example.com"})], list_ids=[create_list(charlie, "his").pk])
    readers = create_list(alice, "readers")
    job = begin_upsert(alice, [ContactValues({"email": "a@example.com"})], list_ids=[readers.pk])
    delete_list(alice, readers.pk)
    assert done(job).status == JobStatus.FAILED
    assert "was deleted" in job.message
    assert emails(alice) == []
