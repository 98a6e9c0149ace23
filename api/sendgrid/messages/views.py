"""Answer the calls of the Email Activity API."""

from __future__ import annotations

from typing import Any, Final

from django.urls import URLPattern, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import done_once
from api.sendgrid.endpoint import Endpoint
from api.sendgrid.errors import Answer, Answers, Problem, Refusal
from api.sendgrid.messages import inputs, outputs, schema
from api.sendgrid.messages.links import file_link
from audience.activity import search_activity
from audience.jobs.event_exports import begin_event_export
from audience.jobs.lifecycle import get_job
from audience.models import JobKind, JobStatus
from mailer.activity.finding import LOOKED_AT
from mailer.activity.records import find_activity

WARNING: Final = "X-Sluice-Warning"
INCOMPLETE: Final = f"older messages were not looked at: a search ends after {LOOKED_AT:,} recipients or after a time"
SCOPES: Final = ("email_activity.read", "messages.read")
ANSWERS: Final[Answers] = {"unknown_job": Answer(404, "", "download token is invalid or expired")}
NOT_FOUND: Final = Problem("not found", "message_id")
NOT_READY: Final = Problem("the download is not ready yet", "")


class ActivityEndpoint(Endpoint):
    """An endpoint of the Email Activity API."""

    answers = ANSWERS
    scopes = {"GET": SCOPES}

    def envelope(self, refusal: Refusal) -> dict[str, Any]:
        return outputs.envelope(refusal)


@schema.messages
class Messages(ActivityEndpoint):
    def get(self, request: Request) -> Response:
        limit, condition = inputs.read_limit(request), inputs.read_condition(request)
        result = search_activity(self.account, condition, limit=limit)
        headers = {} if result.is_complete else {WARNING: INCOMPLETE}
        return Response({"messages": [outputs.message_line(each) for each in result.activities]}, headers=headers)


@schema.one_message
class OneMessage(ActivityEndpoint):
    def get(self, request: Request, msg_id: str) -> Response:
        activity = find_activity(self.account, msg_id)
        if activity is None:
            raise Refusal(404, NOT_FOUND)
        return Response(outputs.message(activity))


@schema.downloads
class Downloads(ActivityEndpoint):
    scopes = {"POST": SCOPES}

    @done_once
    def post(self, request: Request) -> Response:
        """Start an export. Nobody is mailed when it is ready, so the answer names it."""
        job = begin_event_export(self.account, inputs.read_text(request))
        message = f"No mail is sent. When the file is ready, GET /v3/messages/download/{job.uuid} returns its address."
        return Response({"status": "pending", "message": message, "download_uuid": str(job.uuid)}, status=202)


@schema.one_download
class OneDownload(ActivityEndpoint):
    def get(self, request: Request, download_uuid: str) -> Response:
        job = get_job(self.account, download_uuid, kinds=[JobKind.EVENTS])
        if job.status == JobStatus.PENDING:
            raise Refusal(404, NOT_READY)
        if job.status != JobStatus.COMPLETED:
            raise Refusal(404, Problem(f"the download has failed: {job.message}", ""))
        return Response({"presigned_url": file_link(request, job)})


MSG_ID = r"(?P<msg_id>[^/\0]{1,200})"

urlpatterns: list[URLPattern] = [
    re_path(r"^messages/?$", Messages.as_view()),
    re_path(r"^messages/download/?$", Downloads.as_view()),
    re_path(r"^messages/download/(?P<download_uuid>[^/\0]{1,200})/?$", OneDownload.as_view()),
    re_path(rf"^messages/{MSG_ID}/?$", OneMessage.as_view()),
]
