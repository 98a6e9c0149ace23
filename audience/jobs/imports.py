"""Import the rows of an uploaded CSV file as contacts.

A page of rows is stored in one transaction with the position of the byte after it. A worker that is killed has stored
whole pages, and the next worker continues after them. A row that is broken or is not a contact is stored with its
number and the reason, and the import continues.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from accounts.models import Account
from audience.drafts import ContactDraft, make_draft
from audience.errors import InvalidContact, UnknownField, UnknownList, UnusableColumns
from audience.fields import list_fields
from audience.jobs.csv_files import CsvFormat, CsvRows, Row, read_header, restore, write_row
from audience.jobs.files import CHUNK_BYTES, Rejected, read_chunks, reject_rows
from audience.jobs.lifecycle import JobFailure, keep_lease, open_waiting_job, write_page
from audience.jobs.unpacking import GZIP_MAGIC, UnreadableFile, limit, skip, unpack
from audience.lists import check_lists
from audience.models import IDENTIFIERS, TEXT_FIELDS, FieldDefinition, Job, JobKind
from audience.upsert import upsert_contacts

PAGE_ROWS = 5000
PAGE_BYTES = 8 * 2**20
"""The largest part of a file that is stored in one transaction, and so held in memory."""
COLUMNS: Final = frozenset({*IDENTIFIERS, *TEXT_FIELDS, "alternate_emails"})
"""The fields that a column of a file may have, in addition to custom fields."""
ALTERNATES_END: Final = re.compile("[,;]")

Column = str | int | None
"""A field of a contact by its name, a custom field by its id, or None."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A layout tells which cells of a row make a contact: the imported columns, and the number of all columns."""

    width: int
    columns: Sequence[tuple[int, str]]
    custom: Sequence[tuple[int, int]]
    fields: dict[int, FieldDefinition]
    delimiter: str

    def read(self, row: Row) -> ContactDraft | InvalidContact:
        """Return the contact of a row, or why it is not one. Empty and missing cells leave a field unchanged."""
        if row.problem:
            return InvalidContact(row.problem)
        cells = row.cells
        if any(map(restore, cells[self.width :])):
            return InvalidContact(f"The row has {len(cells)} columns, and the header {self.width}.")
        columns: dict[str, object] = {name: cell for place, name in self.columns if (cell := _value(cells, place))}
        custom: dict[int, object] = {field: cell for place, field in self.custom if (cell := _value(cells, place))}
        if "alternate_emails" in columns:
            columns["alternate_emails"] = ALTERNATES_END.split(str(columns["alternate_emails"]))
        try:
            return make_draft(columns, custom, fields=self.fields)
        except InvalidContact as error:
            return error

    def show(self, row: Row) -> str:
        """Return the original text of the row, without unnecessary quotes."""
        return row.cells[0] if row.problem else write_row(row.cells, delimiter=self.delimiter)


def _value(cells: Sequence[str], place: int) -> str:
    return restore(cells[place]) if place < len(cells) else ""


def begin_import(account: Account, columns: Sequence[Column], *, list_ids: Collection[int] = ()) -> Job:
    """Create a job that waits for its file (`files.py`).

    `columns` are the fields of the file's columns in order. The contacts are put on the lists. Raises UnusableColumns,
    UnknownField and UnknownList.
    """
    imported = [column for column in columns if column is not None]
    if len(set(imported)) < len(imported):
        raise UnusableColumns("two columns are the same field", field="field_mappings")
    if not set(IDENTIFIERS).intersection(map(str, imported)):
        raise UnusableColumns(f"no column is one of {', '.join(IDENTIFIERS)}", field="field_mappings")
    custom = {column for column in imported if isinstance(column, int)}
    if set(imported) - custom - COLUMNS or custom - _fields_of(account).keys():
        raise UnknownField(field="field_mappings")
    check_lists(account, list_ids)
    return open_waiting_job(account, JobKind.IMPORT, {"columns": list(columns), "lists": sorted(set(list_ids))})


def import_pages(job: Job) -> Iterator[None]:
    """Store the remaining rows of the file, one page per step. Raises JobFailure and LeaseLost."""
    header, csv_format = _read_header(job)
    layout = _layout_of(job, header, csv_format)
    position = max(job.cursor, header.end)
    rows = CsvRows(_open_file(job, position), csv_format=csv_format, position=position, row=max(job.row, header.number))
    last = header.number + settings.IMPORT_ROWS
    for page in cut_pages(rows):
        allowed = [row for row in page if row.number <= last]
        with write_page(job):
            filled = [row for row in allowed if not row.is_empty]
            job.requested_count += len(filled)
            if filled:
                refused = store_page(job, [layout.read(row) for row in filled])
                reject_rows(
                    job,
                    (Rejected(filled[n].number, layout.show(filled[n]), reason) for n, reason in refused),
                )
            if allowed:
                job.cursor, job.row = allowed[-1].end, allowed[-1].number
        if len(allowed) < len(page):
            raise JobFailure(f"The file has more than {settings.IMPORT_ROWS} rows. The other rows were not processed.")
        yield


def store_page(job: Job, rows: Sequence[ContactDraft | InvalidContact]) -> list[tuple[int, str]]:
    """Store contacts, put them on the job's lists, and count the results. Call it inside `write_page`.

    Return the rows that were refused, by their positions from 0, with the reasons. Raises JobFailure.
    """
    try:
        stored = upsert_contacts(job.account, rows, list_ids=job.options["lists"])
    except UnknownList:
        raise JobFailure("A list that the contacts should be added to was deleted.") from None
    job.created_count += len(stored.created)
    job.updated_count += len(stored.updated) + len(stored.unmodified)
    return [(place, refused.reason) for place, refused in sorted(stored.rejected.items())]


def cut_pages(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield the rows in pages. If the file cannot be read to its end, yield the rows before, then raise JobFailure."""
    page: list[Row] = []
    begin, failure = None, None
    try:
        for row in rows:
            page.append(row)
            begin = row.end if begin is None else begin
            if len(page) >= PAGE_ROWS or row.end - begin >= PAGE_BYTES:
                yield page
                page, begin = [], None
    except UnreadableFile as error:
        failure = str(error)
    if page:
        yield page
    if failure:
        raise JobFailure(failure)


def _read_header(job: Job) -> tuple[Row, CsvFormat]:
    """Return the first row that is not empty, and the format of the file."""
    try:
        header, csv_format = read_header(_open_file(job))
    except UnreadableFile as error:
        raise JobFailure(str(error)) from None
    if header is None:
        raise JobFailure("The file is empty.")
    if header.problem:
        raise JobFailure(f"The header cannot be read. {header.problem}")
    return header, csv_format


def _layout_of(job: Job, header: Row, csv_format: CsvFormat) -> Layout:
    columns: list[Column] = job.options["columns"]
    width = len(header.cells)
    if width < len(columns):
        raise JobFailure(
            f"The file has {width} columns, separated by {csv_format.delimiters}, but {len(columns)} were expected."
        )
    fields = _fields_of(job.account)
    custom = [(place, column) for place, column in enumerate(columns) if isinstance(column, int)]
    if any(field not in fields for _, field in custom):
        raise JobFailure("A custom field of the file was deleted.")
    fixed = [(place, column) for place, column in enumerate(columns) if isinstance(column, str)]
    return Layout(width, fixed, custom, fields, csv_format.delimiter)


def _fields_of(account: Account) -> dict[int, FieldDefinition]:
    return {field.pk: field for field in list_fields(account)}


def _open_file(job: Job, position: int = 0) -> Iterator[bytes]:
    """Yield the unpacked file from this byte on. A packed file has to be read from its beginning."""
    head = next(read_chunks(job), b"")
    if head.startswith(GZIP_MAGIC):
        return skip(limit(unpack(_read_on(job, 0)), settings.IMPORT_BYTES), position)
    first, offset = divmod(position, CHUNK_BYTES)
    return skip(_read_on(job, first), offset)


def _read_on(job: Job, first: int) -> Iterator[bytes]:
    for chunk in read_chunks(job, first=first):
        keep_lease(job)
        yield chunk
