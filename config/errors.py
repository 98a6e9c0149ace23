"""Answer errors outside of views: below an API's prefix in the form of that API, elsewhere with Django's pages."""

from __future__ import annotations

from typing import Protocol

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views import defaults

from api.easymail import views as easymail
from api.native import views as native
from api.sendgrid import endpoint as sendgrid
from api.soap import views as soap

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


def dialect_of(request: HttpRequest) -> Dialect | None:
    """Return the views of the API to which a path belongs, or None."""
    path = request.path
    return next((views for prefix, views in DIALECTS.items() if path == prefix or path.startswith(f"{prefix}/")), None)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a host that is not allowed or a malformed request line (handler400)."""
    dialect = dialect_of(request)
    return dialect.bad_request(request) if dialect else defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer an unknown path (handler404)."""
    dialect = dialect_of(request)
    return dialect.not_found(request) if dialect else defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Answer an unexpected error (handler500) without a stack trace, and without HTML for programs."""
    dialect = dialect_of(request)
    return dialect.server_error(request) if dialect else defaults.server_error(request)


def busy(request: HttpRequest) -> HttpResponseBase:
    """Return the 503 for a request that finds all threads occupied. Runs no query."""
    dialect = dialect_of(request)
    plain = HttpResponse("The server is busy: try again.\n", status=503, content_type="text/plain; charset=utf-8")
    response = dialect.busy(request) if dialect else plain
    response["Retry-After"] = str(BUSY_SECONDS)
    return response
