"""Serve the files of exports of activity behind signed links, which need no key."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, re_path, reverse
from rest_framework.request import Request

from api.caller import key_of
from api.sendgrid.contact_files.links import TOKEN, answering, file_response, job_of
from audience.jobs.event_exports import read_event_export
from audience.jobs.files import sign_link
from audience.models import Job

EVENTS: Final = "events"
"""The purpose of a link."""


def file_link(request: Request, job: Job) -> str:
    """Return the address of the file of an export."""
    return request.build_absolute_uri(reverse("activity", args=[sign_link(job, EVENTS, key_of(request))]))


@answering("GET")
def activity_file(request: HttpRequest, token: str) -> HttpResponseBase:
    """Answer with the file of an export, as CSV."""
    job = job_of(token, EVENTS)
    return file_response(read_event_export(job), f"activity-{job.uuid}.csv", "text/csv; charset=utf-8")


urlpatterns: list[URLPattern] = [
    re_path(rf"^files/{TOKEN}$", activity_file, name="activity"),
]
