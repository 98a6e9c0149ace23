"""Pages for what went wrong: below an API's prefix in that API's dialect, elsewhere Django's own."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.views import defaults

from api.sendgrid import views as sendgrid


def is_sendgrid(request: HttpRequest) -> bool:
    """Whether the path belongs to SendGrid's dialect."""
    return request.path == "/v3" or request.path.startswith("/v3/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """handler400: a host that is not allowed, a request line that makes no sense."""
    return sendgrid.bad_request(request) if is_sendgrid(request) else defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """handler404."""
    return sendgrid.not_found(request) if is_sendgrid(request) else defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """handler500: never a stack trace, never HTML to a program."""
    return sendgrid.server_error(request) if is_sendgrid(request) else defaults.server_error(request)
