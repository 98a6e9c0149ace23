"""Contacts are deleted by a job, a page at a time."""

from __future__ import annotations

from uuid import uuid4

import pytest

from accounts.models import Account
from audience.contacts import count_contacts
from audience.jobs import deletions
from audience.jobs.deletions import begin_deletion, begin_deletion_of_all, begin_deletion_of_list, begin_removal
from audience.jobs.run import run_job
from audience.jobs.upserts import ContactValues, begin_upsert
from audience.lists import create_list, delete_list, find_list, list_lists
from audience.models import Contact, ContactList, JobStatus, Membership
from tests.audience.jobs.jobs_done import done, emails
from tests.examples import further

PEOPLE = [f"c{n}@example.com" for n in range(10)]


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletions, "PAGE", 3)


@pytest.fixture
def readers(alice: Account, charlie: Account) -> ContactList:
    """Create eleven contacts of Alice, ten of them on a list, and one of Charlie."""
    readers = create_list(alice, "readers")
    done(begin_upsert(alice, [ContactValues({"email": email}) for email in PEOPLE], list_ids=[readers.pk]))
    done(begin_upsert(alice, [ContactValues({"email": "on-no-list@example.com"})]))
    done(begin_upsert(charlie, [ContactValues({"email": "his@example.com"})]))
    return find_list(alice, readers.pk)


def test_named_contacts_are_deleted(alice: Account, charlie: Account, readers: ContactList) -> None:
    named = list(Contact.objects.filter(account=alice).order_by("pk").values_list("uuid", flat=True)[:7])
    his = Contact.objects.get(account=charlie).uuid
    job = begin_deletion(alice, [*named, named[0], his, uuid4()])
    run_job(job.pk, seconds=0)
    job.refresh_from_db()
    assert (job.status, job.deleted_count) == (JobStatus.PENDING, 3)
    done(job)
    assert (job.status, job.deleted_count, job.errored_count) == (JobStatus.COMPLETED, 7, 0)
    assert emails(alice) == [*PEOPLE[7:], "on-no-list@example.com"]
    assert emails(charlie) == ["his@example.com"]
    assert find_list(alice, readers.pk).contact_count == 3


@further
def test_all_contacts_that_there_were_are_deleted(alice: Account, charlie: Account, readers: ContactList) -> None:
    job = begin_deletion_of_all(alice)
    done(begin_upsert(alice, [ContactValues({"email": "later@example.com"})]))
    done(job)
    assert (job.status, job.requested_count, job.deleted_count) == (JobStatus.COMPLETED, 11, 11)
    assert emails(alice) == ["later@example.com"]
    assert emails(charlie) == ["his@example.com"]
    assert count_contacts(alice) == 1
    assert not Membership.objects.exists()


def test_a_list_is_deleted_with_its_contacts(alice: Account, readers: ContactList) -> None:
    job = begin_deletion_of_list(readers)
    run_job(job.pk, seconds=0)
    assert find_list(alice, readers.pk).contact_count == 7
    done(job)
    assert (job.status, job.requested_count, job.deleted_count) == (JobStatus.COMPLETED, 10, 10)
    assert emails(alice) == ["on-no-list@example.com"]
    assert not list_lists(alice).exists()


@further
def test_a_list_that_is_deleted_meanwhile_fails_the_job(alice: Account, readers: ContactList) -> None:
    job = begin_deletion_of_list(readers)
    delete_list(alice, readers.pk)
    assert (done(job).status, job.message) == (JobStatus.FAILED, "The list was deleted.")
    assert len(emails(alice)) == 11


@further
def test_contacts_are_taken_off_a_list_and_stay(alice: Account, readers: ContactList) -> None:
    named = list(Contact.objects.filter(account=alice).order_by("pk").values_list("uuid", flat=True))
    job = done(begin_removal(readers, named[:4]))
    assert (job.status, job.deleted_count) == (JobStatus.COMPLETED, 4)
    assert find_list(alice, readers.pk).contact_count == 6
    assert len(emails(alice)) == 11
