"""Take and serve the files of imports and exports behind signed links, which need no key.

A link is made for the key that asks for it and ends when that key is revoked.

The file of an import streams into the database in pieces, so that no process holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.http.request import UnreadablePostError
from django.urls import URLPattern, re_path, reverse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.request import Request

from api.caller import RETRY_SECONDS, UnknownCredentials, find_by_id, key_of
from api.sendgrid.errors import Answer, Answers, Problem, Refusal, answer_for, plain_refusal
from api.sendgrid.outputs import json_response, marketing_envelope
from audience.errors import FileTooLarge, UnknownLink
from audience.jobs.exports import parts_of, read_export
from audience.jobs.files import find_linked_job, open_link, sign_link, upload_file, write_rejected
from audience.models import Job
from foundation.responses import accept_methods

UPLOAD, ERRORS, EXPORT = "upload", "errors", "export"
BLOCK_BYTES: Final = 2**16
TOKEN: Final = r"(?P<token>[A-Za-z0-9_:=-]{20,300})"
BROKEN_OFF: Final = Refusal(400, Problem("The upload was incomplete. Upload the file again."))

ANSWERS: Final[Answers] = {
    "unknown_link": Answer(404, None, "not found"),
    "file_uploaded": Answer(409, None, "the file of this import has been uploaded already"),
    "upload_in_progress": Answer(409, None, "the file of this import is being uploaded"),
    "file_too_large": Answer(413, None, "{error}"),
}

View = Callable[..., HttpResponseBase]


def upload_link(request: Request, job: Job) -> str:
    """Return the address that the file of an import is uploaded to."""
    return request.build_absolute_uri(reverse("upload", args=[sign_link(job, UPLOAD, key_of(request))]))


def errors_link(request: Request, job: Job) -> str:
    """Return the address of the rows that a job rejected."""
    return request.build_absolute_uri(reverse("rejected", args=[sign_link(job, ERRORS, key_of(request))]))


def export_link(request: Request, job: Job, part: int) -> str:
    """Return the address of one file of an export, by its number from 0."""
    return request.build_absolute_uri(reverse("exported", args=[sign_link(job, EXPORT, key_of(request)), part]))


def answering(*methods: str) -> Callable[[View], View]:
    """Decorate a view with these methods, whose errors are answered in the words of the family."""

    def decorate(view: View) -> View:
        @csrf_exempt
        @accept_methods(*methods, refuse=lambda: refused(plain_refusal(405)))
        @wraps(view)
        def answer(request: HttpRequest, /, **arguments: Any) -> HttpResponseBase:
            try:
                return view(request, **arguments)
            except Exception as error:
                refusal = answer_for(error, ANSWERS)
                if refusal is None:
                    raise
                return refused(refusal)

        return answer

    return decorate


def refused(refusal: Refusal) -> HttpResponse:
    response = json_response(refusal.status, marketing_envelope(refusal))
    if refusal.status == 429:
        response["Retry-After"] = str(RETRY_SECONDS)
    return response


def job_of(token: str, purpose: str) -> Job:
    """Return the job of a link that was made for this purpose. Raises UnknownLink, also when its key was revoked."""
    link = open_link(token)
    try:
        find_by_id(link.key_id)
    except UnknownCredentials:
        raise UnknownLink from None
    return find_linked_job(link, purpose)


@answering("PUT")
def upload(request: HttpRequest, token: str) -> HttpResponse:
    """Take the file of an import, plain or gzip."""
    upload_file(job_of(token, UPLOAD), read_blocks(request))
    return HttpResponse(status=200, content_type="text/plain; charset=utf-8")


@answering("GET")
def rejected(request: HttpRequest, token: str) -> HttpResponseBase:
    """Answer with the rows that a job rejected, as CSV."""
    job = job_of(token, ERRORS)
    return file_response(write_rejected(job), f"rejected-{job.uuid}.csv", "text/csv; charset=utf-8")


@answering("GET")
def exported(request: HttpRequest, token: str, part: str) -> HttpResponseBase:
    """Answer with one file of an export, packed with gzip."""
    job = job_of(token, EXPORT)
    parts = parts_of(job)
    if int(part) >= len(parts):
        raise UnknownLink
    name = f"contacts-{job.uuid}-{int(part) + 1}.{job.options['format']}.gz"
    return file_response(read_export(job, parts[int(part)]), name, "application/gzip")


def file_response(pieces: Iterator[bytes], name: str, kind: str) -> StreamingHttpResponse:
    """Return a download that is written while it is read."""
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
        # Contacts must not stay in the cache of a proxy or a browser.
        "Cache-Control": "no-store",
    }
    return StreamingHttpResponse(pieces, content_type=kind, headers=headers)


def read_blocks(request: HttpRequest) -> Iterator[bytes]:
    """Yield the body in blocks.

    Raises FileTooLarge at once if the announced length is too large, and Refusal if the body breaks off.
    """
    length = request.META.get("CONTENT_LENGTH") or ""
    announced = int(length[:20]) if length.isdecimal() else None
    if announced is not None and announced > settings.IMPORT_BYTES:
        raise FileTooLarge(f"the file is larger than {settings.IMPORT_BYTES} bytes")
    # Django reads nothing without a Content-Length; a server that unchunks a body says so.
    is_chunked = not length and request.META.get("wsgi.input_terminated", False)
    stream = request.META["wsgi.input"] if is_chunked else request
    size = 0
    try:
        while block := stream.read(BLOCK_BYTES):
            size += len(block)
            yield block
    except (UnreadablePostError, OSError) as error:
        raise BROKEN_OFF from error
    if announced is not None and size < announced:
        raise BROKEN_OFF


urlpatterns: list[URLPattern] = [
    re_path(rf"^imports/{TOKEN}/upload$", upload, name="upload"),
    re_path(rf"^imports/{TOKEN}/rejected$", rejected, name="rejected"),
    re_path(rf"^exports/{TOKEN}/(?P<part>[0-9]{{1,6}})$", exported, name="exported"),
]
