"""Export the contacts of lists and segments, or all contacts, as a CSV or JSON file packed with gzip.

A page of contacts becomes one chunk, which is a complete gzip member, in the transaction that moves the cursor. So the
chunks in order are one gzip file, even if a worker dies between two of them. The parts that are the same in every file
(the header of a CSV, the brackets of a JSON list) are added when it is read. Each page selects its contacts when it is
written; contacts created after the job are not exported.
"""

from __future__ import annotations

import gzip
from collections.abc import Collection, Iterator
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import connection

from accounts.models import Account
from audience import queries
from audience.contacts import last_contact_id
from audience.errors import UnknownSegment
from audience.fields import list_fields
from audience.jobs.csv_files import PROTECTED, write_row
from audience.jobs.lifecycle import JobFailure, keep_lease, open_job, write_page
from audience.lists import check_lists, list_lists
from audience.locks import time_limit
from audience.models import Job, JobChunk, JobKind, JobStatus
from audience.query.compiling import compile_condition
from audience.query.conditions import Or
from audience.segments import condition_of, list_segments

PAGE = 5000


class FileFormat(StrEnum):
    """The format of an export."""

    CSV = "csv"
    JSON = "json"


def begin_export(
    account: Account,
    *,
    list_ids: Collection[int] = (),
    segment_ids: Collection[int] = (),
    file_format: FileFormat = FileFormat.CSV,
    most_bytes: int | None = None,
) -> Job:
    """Start a job that exports the contacts of lists and segments, each once, or all contacts if neither is given.

    The export is split into files of at most `most_bytes` after compression. Raises UnknownList and UnknownSegment.
    """
    check_lists(account, list_ids)
    if list_segments(account).filter(pk__in=segment_ids).count() < len(set(segment_ids)):
        raise UnknownSegment(field="segment_ids")
    options = {
        "lists": sorted(set(list_ids)),
        "segments": sorted(set(segment_ids)),
        "format": file_format.value,
        "most_bytes": most_bytes,
        "through": last_contact_id(account),
        # The current fields, so that all pages have the same columns.
        "fields": [[field.pk, field.name] for field in list_fields(account)],
    }
    return open_job(account, JobKind.EXPORT, options)


def export_pages(job: Job) -> Iterator[None]:
    """Write the remaining contacts, one page per step.

    `cursor` is the last contact, `row` the number of the next chunk, and `requested_count` the number of contacts so
    far. Raises JobFailure and LeaseLost.
    """
    while contacts := _choose(job):
        texts = _write(job, contacts)
        between = b"," if job.options["format"] == FileFormat.JSON else b""
        data = gzip.compress(between.join(texts), compresslevel=6, mtime=0)
        with write_page(job):
            if texts:
                JobChunk.objects.create(job=job, number=job.row, data=data)
                job.row += 1
            job.cursor = contacts[-1]
            job.requested_count += len(texts)
        yield


def parts_of(job: Job) -> list[range]:
    """Return the files of a finished export as ranges of chunk numbers. An empty export has one file, too."""
    if job.status != JobStatus.COMPLETED:
        return []
    with connection.cursor() as cursor:
        cursor.execute(queries.CHUNK_SIZES, [job.pk])
        sizes = cursor.fetchall()
    parts, begin, size = [], 0, 0
    for number, more in sizes:
        if number > begin and job.options["most_bytes"] and size + more > job.options["most_bytes"]:
            parts.append(range(begin, number))
            begin, size = number, 0
        size += more
    return [*parts, range(begin, len(sizes))]


def read_export(job: Job, part: range) -> Iterator[bytes]:
    """Yield one of the files, packed with gzip."""
    is_json = job.options["format"] == FileFormat.JSON
    head = "[" if is_json else f"{write_row([*queries.SHOWN, *(name for _, name in job.options['fields'])])}\r\n"
    yield gzip.compress(head.encode(), mtime=0)
    chunks = JobChunk.objects.filter(job=job).values_list("data", flat=True)
    for number in part:
        if is_json and number > part.start:
            yield gzip.compress(b",", mtime=0)
        yield bytes(chunks.get(number=number))
    if is_json:
        yield gzip.compress(b"]\n", mtime=0)


def _choose(job: Job) -> list[int]:
    """Return the ids of the next contacts."""
    keep_lease(job)
    account, options = job.account, job.options
    segments = list(list_segments(account).filter(pk__in=options["segments"]))
    if list_lists(account).filter(pk__in=options["lists"]).count() < len(options["lists"]):
        raise JobFailure("A list was deleted before it was exported.")
    if len(segments) < len(options["segments"]):
        raise JobFailure("A segment was deleted before it was exported.")
    parameters: dict[str, Any] = {
        "account": account.pk,
        "lists": options["lists"],
        "after": job.cursor,
        "through": options["through"],
        "page": PAGE,
    }
    statement = queries.CHOSEN_ALL
    if options["lists"] or options["segments"]:
        expression, condition_parameters = compile_condition(
            Or(tuple(map(condition_of, segments))), account_id=account.pk
        )
        matching = queries.CHOSEN_MATCHING.format(condition=expression)
        statement, parameters = (
            queries.CHOSEN.format(queries.CHOSEN_LISTED, matching),
            parameters | condition_parameters,
        )
    with time_limit(settings.JOB_STATEMENT_SECONDS), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [contact_id for (contact_id,) in cursor.fetchall()]


def _write(job: Job, contacts: list[int]) -> list[bytes]:
    """Return the text of each of these contacts. Contacts that were deleted meanwhile are left out."""
    parameters: dict[str, Any] = {"account": job.account_id, "contacts": contacts}
    with connection.cursor() as cursor:
        if job.options["format"] == FileFormat.JSON:
            cursor.execute(queries.CONTACTS_AS_JSON, parameters)
            return [text.encode() for (text,) in cursor.fetchall()]
        fields = [field_id for field_id, _ in job.options["fields"]]
        parameters |= {"protected": PROTECTED} | {
            f"field_{place}": str(field_id) for place, field_id in enumerate(fields)
        }
        custom = "".join(queries.CUSTOM_COLUMN.format(place) for place in range(len(fields)))
        with cursor.copy(queries.CONTACTS_AS_CSV.format(custom=custom), parameters) as copy:
            return list(map(bytes, copy))
