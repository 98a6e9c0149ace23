"""Answer the calls for the jobs of imports and exports. Their files go by links (`links.py`)."""

from __future__ import annotations

from typing import Final

from django.urls import URLPattern, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from api.caller import needing
from api.idempotency import done_once
from api.sendgrid.contact_files import inputs, links, outputs, schema
from api.sendgrid.endpoint import MarketingEndpoint
from api.sendgrid.errors import Answer, Answers
from api.sendgrid.ids import numbers_of_lists, numbers_of_segments
from api.sendgrid.outputs import metadata_of, page_of
from api.sendgrid.paging import read_page
from api.sendgrid.values import UNKNOWN_LISTS
from audience.jobs.exports import begin_export, parts_of
from audience.jobs.imports import begin_import
from audience.jobs.lifecycle import get_job, jobs_of
from audience.lists import list_lists
from audience.models import Job, JobKind
from audience.segments import list_segments

PAGE, HIGHEST_PAGE = 50, 100
CHANGES = (JobKind.UPSERT, JobKind.IMPORT, JobKind.DELETE)
UPLOAD_HEADERS = [{"header": "Content-Type", "value": "application/octet-stream"}]
"""The headers that a client must send with its file. Any header will do, but clients expect at least one."""

ANSWERS: Final[Answers] = {
    "unknown_job": Answer(404, "id", "not found"),
    "unknown_list": Answer(404, "list_ids", UNKNOWN_LISTS),
    "unknown_segment": Answer(404, "segment_ids", "segment_ids do not all exist"),
    "unknown_field": Answer(400, "field_mappings", "field_mappings do not all exist"),
}


class FileEndpoint(MarketingEndpoint):
    """An endpoint of imports and exports."""

    answers = ANSWERS


@schema.imports
class Imports(FileEndpoint):
    scopes = needing(PUT="update")

    def put(self, request: Request) -> Response:
        columns, list_ids = inputs.read_import(request, self.account)
        job = begin_import(self.account, columns, list_ids=list_ids)
        address = links.upload_link(request, job)
        return Response({"job_id": str(job.uuid), "upload_uri": address, "upload_headers": UPLOAD_HEADERS})


@schema.one_import
class OneImport(FileEndpoint):
    """Return the progress of an import, or of a PUT or DELETE of contacts."""

    scopes = needing(GET="read")

    def get(self, request: Request, job_id: str) -> Response:
        job = get_job(self.account, job_id, kinds=CHANGES)
        return Response(outputs.job(job, links.errors_link(request, job) if job.errored_count else ""))


def urls_of(request: Request, job: Job) -> list[str]:
    """Return the addresses of the files of an export."""
    return [links.export_link(request, job, part) for part in range(len(parts_of(job)))]


@schema.exports
class Exports(FileEndpoint):
    scopes = needing(POST="create", GET="read")

    def get(self, request: Request) -> Response:
        page = read_page(request, jobs_of(self.account, kinds=[JobKind.EXPORT]), default=PAGE, highest=HIGHEST_PAGE)
        names = {
            source: {pk: (str(uuid), name) for pk, uuid, name in rows.values_list("pk", "uuid", "name")}
            for source, rows in (("lists", list_lists(self.account)), ("segments", list_segments(self.account)))
        }
        lines = [outputs.export_line(request, each, urls_of(request, each), names) for each in page.rows]
        return Response(page_of(lines, page.metadata))

    @done_once
    def post(self, request: Request) -> Response:
        export = inputs.read_export(request)
        job = begin_export(
            self.account,
            list_ids=numbers_of_lists(self.account, export.lists),
            segment_ids=numbers_of_segments(self.account, export.segments),
            file_format=export.file_format,
            most_bytes=export.most_bytes,
        )
        return Response(
            {"id": str(job.uuid), "_metadata": metadata_of(request, f"contacts/exports/{job.uuid}")}, status=202
        )


@schema.one_export
class OneExport(FileEndpoint):
    scopes = needing(GET="read")

    def get(self, request: Request, job_id: str) -> Response:
        job = get_job(self.account, job_id, kinds=[JobKind.EXPORT])
        return Response(outputs.export(request, job, urls_of(request, job)))


JOB_ID = r"(?P<job_id>[^/\0]{1,200})"

urlpatterns: list[URLPattern] = [
    re_path(r"^marketing/contacts/imports/?$", Imports.as_view()),
    re_path(rf"^marketing/contacts/imports/{JOB_ID}/?$", OneImport.as_view()),
    re_path(r"^marketing/contacts/exports/?$", Exports.as_view()),
    re_path(rf"^marketing/contacts/exports/{JOB_ID}/?$", OneExport.as_view()),
]
