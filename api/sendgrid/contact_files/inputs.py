"""The requests of imports and exports of contacts. The texts are ours: no document has any for what is wrong there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from rest_framework.request import Request

from accounts.models import Account
from api.http import keep_body
from api.sendgrid.contacts.inputs import MAX_IDS, MAX_LISTS, numbers_of_lists, numbers_of_segments, read_list_ids
from api.sendgrid.errors import Problem, Refusal
from api.sendgrid.field_readers import Field, Wrong, read_fields, several_uuids
from api.sendgrid.fields.ids import read_column
from api.sendgrid.reading import read_object, said_of
from audience.errors import UnknownField
from audience.jobs.exports import FileFormat
from audience.jobs.imports import Column

MAX_COLUMNS: Final = 500
FILE_MEGABYTES: Final = 5000

CSV_ONLY: Final = Problem("file_type must be csv", "file_type")
INVALID_MAPPINGS: Final = Problem(
    f"field_mappings must be an array of 1 to {MAX_COLUMNS} ids of fields, or nulls", "field_mappings"
)


def read_import(request: Request, account: Account) -> tuple[list[Column], list[int]]:
    """The body of PUT imports: what the columns are, and the numbers of lists. Raises UnknownField and UnknownList."""
    given = read_object(request)
    problems = [] if given.get("file_type") == "csv" else [CSV_ONLY]
    mappings = given.get("field_mappings")
    if not is_mapping(mappings):
        problems.append(INVALID_MAPPINGS)
    lists = read_list_ids(given, account, problems)
    if problems:
        raise Refusal(400, *problems)
    columns = [None if each is None else read_column(each) for each in mappings or ()]
    if any(column is None and each is not None for column, each in zip(columns, mappings or (), strict=True)):
        raise UnknownField(field="field_mappings")
    return columns, lists


def is_mapping(value: Any) -> bool:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_COLUMNS:
        return False
    return all(each is None or (isinstance(each, str) and len(each) <= MAX_IDS) for each in value)


def read_file_format(value: Any) -> FileFormat:
    if not isinstance(value, str) or value not in list(FileFormat):
        raise Wrong("{name} must be csv or json")
    return FileFormat(value)


def read_file_size(value: Any) -> int:
    if type(value) is not int or not 1 <= value <= FILE_MEGABYTES:
        raise Wrong(f"{{name}} must be an integer from 1 to {FILE_MEGABYTES}")
    return value * 2**20


def read_notifications(value: Any) -> None:
    """Taken, for nobody is mailed a link: who made the export asks for it."""
    if not isinstance(value, dict):
        raise Wrong("{name} must be an object")


EXPORT: Final = (
    Field("list_ids", several_uuids(MAX_LISTS), "lists"),
    Field("segment_ids", several_uuids(MAX_LISTS), "segments"),
    Field("notifications", read_notifications, "notifications"),
    Field("file_type", read_file_format, "format"),
    Field("max_file_size", read_file_size, "bytes"),
)


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Whose contacts are exported, by numbers, and how; sizes in bytes, packed."""

    list_ids: list[int]
    segment_ids: list[int]
    file_format: FileFormat
    most_bytes: int | None


def read_export(request: Request, account: Account) -> ExportRequest:
    """The body of POST exports, which may be empty. Raises UnknownList and UnknownSegment."""
    given = read_object(request) if keep_body(request._request) else {}
    found, problems = read_fields(said_of(given, *(field.name for field in EXPORT)), EXPORT)
    if problems:
        raise Refusal(400, *problems)
    return ExportRequest(
        numbers_of_lists(account, found.get("lists", ())),
        numbers_of_segments(account, found.get("segments", ())),
        found.get("format", FileFormat.CSV),
        found.get("bytes"),
    )
