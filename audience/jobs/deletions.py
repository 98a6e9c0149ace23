"""Delete contacts in a job, page by page: some, all, those of a segment, or a list with its contacts.

A job can also take an identifier from a contact.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from uuid import UUID

from accounts.models import Account
from audience.contacts import (
    check_identifier,
    count_contacts,
    delete_contacts,
    delete_contacts_of_list,
    delete_some,
    find_contact,
    find_contacts,
    last_contact_id,
    remove_identifier,
)
from audience.errors import LastIdentifier, SearchTooSlow, UnknownContact, UnknownIdentifier, UnknownList
from audience.jobs.lifecycle import JobFailure, open_job, write_page
from audience.lists import delete_list, find_list, remove_from_list
from audience.models import Contact, ContactList, Job, JobKind, Segment
from audience.query.condition_json import from_json, to_json
from audience.segments import condition_of, find_matching_for_job

PAGE = 5000
SEARCH_TOO_SLOW = "Finding the contacts took too long. Simplify the segment and start the deletion again."


def begin_deletion(account: Account, contacts: Collection[UUID]) -> Job:
    """Start a job that deletes these contacts. UUIDs without a contact are ignored."""
    return open_job(account, JobKind.DELETE, {"contacts": _written(contacts)}, requested=len(contacts))


def begin_deletion_of_all(account: Account) -> Job:
    """Start a job that deletes all current contacts of the account."""
    options = {"through": last_contact_id(account)}
    return open_job(account, JobKind.DELETE, options, requested=count_contacts(account))


def begin_deletion_of_list(contact_list: ContactList) -> Job:
    """Start a job that deletes the contacts of a list, and then the list."""
    return open_job(
        contact_list.account, JobKind.DELETE, {"list": contact_list.pk}, requested=contact_list.contact_count
    )


def begin_deletion_of_segment(segment: Segment) -> Job:
    """Start a job that deletes the contacts of a segment, as they are when the job reaches them."""
    options = {"condition": to_json(condition_of(segment)), "through": last_contact_id(segment.account)}
    return open_job(segment.account, JobKind.DELETE, options)


def begin_removal(contact_list: ContactList, contacts: Collection[UUID]) -> Job:
    """Start a job that takes these contacts off a list without deleting them. `deleted_count` counts them."""
    options = {"list": contact_list.pk, "contacts": _written(contacts)}
    return open_job(contact_list.account, JobKind.DELETE, options, requested=len(contacts))


def begin_identifier_removal(account: Account, contact_id: UUID, identifier: str, value: str) -> Job:
    """Start a job that takes an identifier from a contact, and fails if it has no other one.

    Raises UnknownContact and UnknownIdentifier.
    """
    check_identifier(find_contact(account, contact_id), identifier, value)
    options = {"contact": str(contact_id), "identifier": identifier, "value": value}
    return open_job(account, JobKind.DELETE, options, requested=1)


def deletion_pages(job: Job) -> Iterator[None]:
    """Delete the remaining contacts, one page per step. Raises JobFailure and LeaseLost."""
    try:
        if "identifier" in job.options:
            yield from _remove_identifier(job)
        elif "contacts" in job.options:
            yield from _delete_named(job)
        elif "list" in job.options:
            yield from _delete_list(job)
        elif "condition" in job.options:
            yield from _delete_matching(job)
        else:
            yield from _delete_all(job)
    except UnknownList:
        raise JobFailure("The list was deleted.") from None
    except (UnknownContact, UnknownIdentifier):
        raise JobFailure("The contact was deleted or changed.") from None
    except LastIdentifier:
        raise JobFailure("The contact has no other identifier, and each contact needs one.") from None
    except SearchTooSlow:
        raise JobFailure(SEARCH_TOO_SLOW) from None


def _remove_identifier(job: Job) -> Iterator[None]:
    """Take an identifier from a contact, after which `cursor` is 1."""
    if not job.cursor:
        options = job.options
        with write_page(job):
            remove_identifier(job.account, UUID(options["contact"]), options["identifier"], options["value"])
            job.updated_count = job.cursor = 1
        yield


def _delete_named(job: Job) -> Iterator[None]:
    account, list_id = job.account, job.options.get("list")
    uuids = [UUID(text) for text in job.options["contacts"]]
    while page := uuids[job.cursor : job.cursor + PAGE]:
        with write_page(job):
            ids = [contact.pk for contact in find_contacts(account, page)]
            deleted = delete_contacts(account, ids) if list_id is None else remove_from_list(account, list_id, ids)
            job.deleted_count += deleted
            job.cursor += len(page)
        yield


def _delete_list(job: Job) -> Iterator[None]:
    """Delete the contacts of a list and then the list, after which `cursor` is 1."""
    while not job.cursor:
        with write_page(job):
            deleted = delete_contacts_of_list(find_list(job.account, job.options["list"]), limit=PAGE)
            job.deleted_count += deleted
            if not deleted:
                delete_list(job.account, job.options["list"])
                job.cursor = 1
        yield


def _delete_matching(job: Job) -> Iterator[None]:
    """Delete the contacts that match a condition. `cursor` is the id of the last contact examined."""
    condition, through = from_json(job.options["condition"]), job.options["through"]
    while page := _up_to(through, find_matching_for_job(job.account, condition, after=job.cursor, limit=PAGE)):
        with write_page(job):
            deleted = delete_contacts(job.account, page)
            job.requested_count += deleted
            job.deleted_count += deleted
            job.cursor = page[-1]
        yield


def _up_to(through: int, contacts: Iterable[Contact]) -> list[int]:
    return [contact.pk for contact in contacts if contact.pk <= through]


def _delete_all(job: Job) -> Iterator[None]:
    deleted = PAGE
    while deleted:
        with write_page(job):
            deleted = delete_some(job.account, through=job.options["through"], limit=PAGE)
            job.deleted_count += deleted
        yield


def _written(uuids: Collection[UUID]) -> list[str]:
    return [str(each) for each in dict.fromkeys(uuids)]
