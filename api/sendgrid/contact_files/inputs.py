"""Read the requests of imports and exports of contacts. No document has texts for wrong ones: these are ours."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from annotated_types import Interval, MaxLen
from pydantic import Field
from rest_framework.request import Request

from accounts.models import Account
from api.bodies import ANY, Body, FailFast, Uuid
from api.sendgrid.contacts.inputs import MAX_IDS, MAX_LISTS
from api.sendgrid.ids import numbers_of_lists, read_column
from api.sendgrid.reading import has_body, read_fields, read_object, without_nulls
from api.sendgrid.values import Texts, Uuids
from audience.errors import UnknownField
from audience.jobs.exports import FileFormat
from audience.jobs.imports import Column

MAX_COLUMNS: Final = 500
FILE_MEGABYTES: Final = 5000


class Import(Body):
    """A file with contacts: what its columns are, and the lists that the contacts are put on."""

    file_type: Literal["csv"]
    field_mappings: Annotated[
        list[Annotated[str, MaxLen(MAX_IDS)] | None],
        FailFast(),
        Field(min_length=1, max_length=MAX_COLUMNS),
    ]
    lists: Annotated[list[Uuid], Uuids(MAX_LISTS)] = Field([], alias="list_ids")


class ExportFiles(Body):
    """The files of an export. Sizes are in megabytes, packed."""

    notifications: dict[str, Any] = {}
    """The field is accepted without effect: no link to the file is mailed."""
    file_type: Literal["csv", "json"] = "csv"
    max_file_size: Annotated[int, Interval(ge=1, le=FILE_MEGABYTES)] | None = None

    @property
    def file_format(self) -> FileFormat:
        """Return the format of the files."""
        return FileFormat(self.file_type)

    @property
    def most_bytes(self) -> int | None:
        """Return the bytes of a file, packed, or None for the default."""
        return None if self.max_file_size is None else self.max_file_size * 2**20


class Export(ExportFiles):
    """Lists and segments whose contacts are exported, and the files."""

    lists: Annotated[list[Uuid], Uuids(MAX_LISTS)] = Field([], alias="list_ids")
    segments: Annotated[list[Uuid], Uuids(MAX_LISTS)] = Field([], alias="segment_ids")


IMPORT_TEXTS: Final[Texts] = {
    ("file_type", ANY): "{name} must be csv",
    ("field_mappings", ANY): f"{{name}} must be an array of 1 to {MAX_COLUMNS} ids of fields, or nulls",
}
EXPORT_TEXTS: Final[Texts] = {
    ("file_type", ANY): "{name} must be csv or json",
    ("max_file_size", ANY): f"{{name}} must be an integer from 1 to {FILE_MEGABYTES}",
}


def read_import(request: Request, account: Account) -> tuple[list[Column], list[int]]:
    """Return the columns of a file and the core's ids of lists, from the body of PUT imports.

    Raises UnknownField and UnknownList.
    """
    body = read_fields(Import, without_nulls(read_object(request)), IMPORT_TEXTS)
    list_ids = numbers_of_lists(account, body.lists)
    columns = [None if mapping is None else read_column(mapping) for mapping in body.field_mappings]
    if any(column is None and each is not None for column, each in zip(columns, body.field_mappings, strict=True)):
        raise UnknownField(field="field_mappings")
    return columns, list_ids


def read_export(request: Request) -> Export:
    """Return the export that the body of POST exports, which may be empty, asks for."""
    return read_fields(Export, without_nulls(read_object(request)) if has_body(request) else {}, EXPORT_TEXTS)
