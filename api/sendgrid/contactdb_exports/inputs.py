"""Read the requests of legacy exports: lists and segments have numbers, and the rest is as in the newer API."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from rest_framework.request import Request

from api.sendgrid.contact_files.inputs import EXPORT_TEXTS, ExportFiles
from api.sendgrid.contacts.inputs import MAX_LISTS
from api.sendgrid.reading import has_body, read_fields, read_object, without_nulls
from api.sendgrid.values import Ids


class Export(ExportFiles):
    """Lists and segments whose recipients are exported, and the files."""

    lists: Annotated[list[int], Ids(MAX_LISTS)] = Field([], alias="list_ids")
    segments: Annotated[list[int], Ids(MAX_LISTS)] = Field([], alias="segment_ids")


def read_export(request: Request) -> Export:
    """Return the export that the body of POST exports, which may be empty, asks for."""
    return read_fields(Export, without_nulls(read_object(request)) if has_body(request) else {}, EXPORT_TEXTS)
