"""Store up to `UPSERT_LIMIT` contacts of one request in a job, as an import stores the rows of a file."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from django.db import transaction

from accounts.models import Account
from audience.drafts import ContactDraft, make_draft
from audience.errors import InvalidContact, TooManyContacts
from audience.fields import list_fields
from audience.jobs.files import CHUNK_BYTES, Rejected, cut, read_chunks, reject_rows
from audience.jobs.imports import PAGE_ROWS, store_page
from audience.jobs.lifecycle import open_job, write_page
from audience.lists import check_lists
from audience.models import FieldDefinition, Job, JobChunk, JobKind

UPSERT_LIMIT = 30_000
"""The largest number of contacts in one request."""


class ContactValues(NamedTuple):
    """The arguments of `make_draft` are values keyed by column name, and custom values keyed by field id."""

    columns: Mapping[str, object]
    custom: Mapping[int, object] = {}


def begin_upsert(account: Account, contacts: Sequence[ContactValues], *, list_ids: Collection[int] = ()) -> Job:
    """Start a job that stores these contacts and puts them on lists. Invalid contacts are rejected by the job.

    Raises TooManyContacts, UnknownList, TooManyJobs and UploadsFull.
    """
    if len(contacts) > UPSERT_LIMIT:
        raise TooManyContacts(f"more than {UPSERT_LIMIT} contacts")
    check_lists(account, list_ids)
    # One contact per line, in ASCII: characters that PostgreSQL cannot store in a text are escaped.
    lines = (json.dumps(contact).encode() + b"\n" for contact in contacts)
    with transaction.atomic():
        options = {"lists": sorted(set(list_ids))}
        chunks = list(cut(lines, CHUNK_BYTES))
        stored = sum(map(len, chunks))
        job = open_job(account, JobKind.UPSERT, options, requested=len(contacts), stored_bytes=stored)
        JobChunk.objects.bulk_create(JobChunk(job=job, number=number, data=data) for number, data in enumerate(chunks))
    return job


def upsert_pages(job: Job) -> Iterator[None]:
    """Store the remaining contacts, one page per step. `cursor` counts them. Raises JobFailure and LeaseLost."""
    fields = {field.pk: field for field in list_fields(job.account)}
    lines = islice(_read_lines(read_chunks(job)), job.cursor, None)
    while page := list(islice(lines, PAGE_ROWS)):
        with write_page(job):
            refused = store_page(job, [_read(line, fields) for line in page])
            reject_rows(job, (Rejected(job.cursor + n + 1, page[n].decode(), reason) for n, reason in refused))
            job.cursor += len(page)
        yield


def _read_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    remainder = b""
    for block in blocks:
        *lines, remainder = (remainder + block).split(b"\n")
        yield from lines


def _read(line: bytes, fields: Mapping[int, FieldDefinition]) -> ContactDraft | InvalidContact:
    columns, custom = json.loads(line)
    try:
        return make_draft(columns, {int(field): value for field, value in custom.items()}, fields=fields)
    except InvalidContact as error:
        return error
