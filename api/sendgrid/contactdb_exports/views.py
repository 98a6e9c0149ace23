"""Answer the legacy calls for exports of recipients: the jobs of the newer API, in another form."""

from __future__ import annotations

from typing import Final

from django.urls import URLPattern, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import done_once
from api.sendgrid.contact_files.views import HIGHEST_PAGE, PAGE, urls_of
from api.sendgrid.contactdb.views import CREATE, READ, ContactDatabase
from api.sendgrid.contactdb_exports import inputs, outputs, schema
from api.sendgrid.errors import Answer, Answers
from api.sendgrid.outputs import page_of
from api.sendgrid.paging import read_page
from api.sendgrid.values import UNKNOWN_LISTS
from audience.jobs.exports import begin_export
from audience.jobs.lifecycle import get_job, jobs_of
from audience.lists import list_lists
from audience.models import JobKind
from audience.segments import list_segments

ANSWERS: Final[Answers] = {
    "unknown_job": Answer(404, "id", "not found"),
    "unknown_list": Answer(404, "list_ids", UNKNOWN_LISTS),
    "unknown_segment": Answer(404, "segment_ids", "segment_ids do not all exist"),
}


@schema.exports
class Exports(ContactDatabase):
    answers = ANSWERS
    scopes = {"POST": CREATE, "GET": READ}

    def get(self, request: Request) -> Response:
        page = read_page(request, jobs_of(self.account, kinds=[JobKind.EXPORT]), default=PAGE, highest=HIGHEST_PAGE)
        names = {
            source: dict(rows.values_list("pk", "name"))
            for source, rows in (("lists", list_lists(self.account)), ("segments", list_segments(self.account)))
        }
        lines = [outputs.export_line(request, each, urls_of(request, each), names) for each in page.rows]
        metadata = {name: value for name, value in page.metadata.items() if name != "count"}
        return Response(page_of(lines, metadata))

    @done_once
    def post(self, request: Request) -> Response:
        export = inputs.read_export(request)
        job = begin_export(
            self.account,
            list_ids=export.lists,
            segment_ids=export.segments,
            file_format=export.file_format,
            most_bytes=export.most_bytes,
        )
        return Response({"id": str(job.uuid), "_metadata": outputs.address_of(request, job)}, status=202)


@schema.one_export
class OneExport(ContactDatabase):
    answers = ANSWERS
    scopes = {"GET": READ}

    def get(self, request: Request, job_id: str) -> Response:
        job = get_job(self.account, job_id, kinds=[JobKind.EXPORT])
        return Response(outputs.export(request, job, urls_of(request, job)))


urlpatterns: list[URLPattern] = [
    re_path(r"^contactdb/exports/?$", Exports.as_view()),
    re_path(r"^contactdb/exports/(?P<job_id>[^/\0]{1,200})/?$", OneExport.as_view()),
]
