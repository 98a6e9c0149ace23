"""Answer errors outside of views: below an API's prefix in the form of that API, elsewhere with a page and a way back.

The pages need neither the database nor a session, since these may be what has failed.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple, Protocol

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string

from api.easymail import views as easymail
from api.native import views as native
from api.sendgrid import endpoint as sendgrid
from api.soap import views as soap
from foundation.responses import PUBLIC_POLICY

BUSY_SECONDS = 2
"""The Retry-After of a 503 from the web server."""


class Dialect(Protocol):
    """Define the answers that an API's views provide for the site."""

    def bad_request(self, request: HttpRequest) -> HttpResponseBase: ...
    def not_found(self, request: HttpRequest) -> HttpResponseBase: ...
    def server_error(self, request: HttpRequest) -> HttpResponseBase: ...
    def busy(self, request: HttpRequest) -> HttpResponseBase: ...


DIALECTS: dict[str, Dialect] = {
    "/v3": sendgrid,
    "/api/v1": easymail,
    "/sluice": native,
    "/Service.asmx": soap,
    "/service.asmx": soap,
}
"""The views of each API, keyed by the prefix of its paths."""


class Page(NamedTuple):
    """The text of an error page."""

    status: int
    title: str
    sentences: tuple[str, ...]


MALFORMED = Page(
    400,
    "The request is malformed",
    ("The address or the name of the host is not one that this server accepts. Nothing was changed.",),
)
FORBIDDEN = Page(
    403,
    "You do not have the permission for this",
    (
        "Nothing was changed.",
        "A superuser can add you to a group that has the permission: Viewer, Operator or Administrator.",
    ),
)
FORGED = Page(
    403,
    "The form was not accepted",
    (
        "The page was open for too long, you have signed in again in another tab, or the browser blocks cookies. "
        "Nothing was changed.",
        "Go back, reload the page, and submit the form again.",
    ),
)
MISSING = Page(
    404,
    "This page does not exist",
    ("The address may be incomplete. Or the page showed something that was deleted, or older than the kept history.",),
)
FAILED = Page(
    500,
    "Something went wrong",
    (
        "The server could not finish this request because of an error. It may be a fault of Sluice, or the database "
        "or Redis is away.",
        "Try again in a moment. If you were about to stop mail, look for its receipt: without one, the stop was not "
        "made. The log of the web server has the details.",
    ),
)


def dialect_of(request: HttpRequest) -> Dialect | None:
    """Return the views of the API to which a path belongs, or None."""
    path = request.path
    return next((views for prefix, views in DIALECTS.items() if path == prefix or path.startswith(f"{prefix}/")), None)


def draw(page: Page, *, at: dt.datetime | None = None) -> HttpResponse:
    """Return an error page. It is rendered without the request, since a session needs the database."""
    text = render_to_string("config/error.html", {"page": page, "at": at})
    return HttpResponse(text, status=page.status, headers={"Content-Security-Policy": PUBLIC_POLICY})


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a host that is not allowed or a malformed request line (handler400)."""
    dialect = dialect_of(request)
    return dialect.bad_request(request) if dialect else draw(MALFORMED)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer an operator who does not have the permission (handler403)."""
    return draw(FORBIDDEN)


def forged(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """Answer a form without the token of its session (CSRF_FAILURE_VIEW)."""
    return draw(FORGED)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer an unknown path (handler404)."""
    dialect = dialect_of(request)
    return dialect.not_found(request) if dialect else draw(MISSING)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Answer an unexpected error (handler500) without a stack trace, and without HTML for programs."""
    dialect = dialect_of(request)
    return dialect.server_error(request) if dialect else draw(FAILED, at=dt.datetime.now(dt.UTC))


def busy(request: HttpRequest) -> HttpResponseBase:
    """Return the 503 for a request that finds all threads occupied, without a query."""
    dialect = dialect_of(request)
    plain = HttpResponse("The server is busy: try again.\n", status=503, content_type="text/plain; charset=utf-8")
    response = dialect.busy(request) if dialect else plain
    response["Retry-After"] = str(BUSY_SECONDS)
    return response
