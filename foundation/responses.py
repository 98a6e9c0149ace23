"""Answer OPTIONS and methods that a URL does not support, and add the security headers of pages.

`Allow` lists exactly what the URL supports (RFC 9110, 9.3.7 and 15.5.6): the methods of its view, HEAD where there is
GET, and OPTIONS. Plain views are decorated with `accept_methods`; the views of the REST framework use `list_methods`
and `answer_options` (`api/caller.py`).

The admin shows text that strangers wrote: subjects, names, replies of mail servers. Templates escape it. The
Content-Security-Policy is the second line of defence: a mistake in a template cannot load or run anything. A preview of
HTML is a frame with `srcdoc`, which inherits the policy and has a stricter one (`mailer/preview.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

# Unfold's pages use Alpine.js, which evaluates expressions in attributes. The widths of bars are inline styles. The
# form of a periodic task has an inline script that describes a crontab in words; it does not run, since that is not
# worth 'unsafe-inline'.
ADMIN_POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
PUBLIC_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'"
"""The policy of pages that need no login."""

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def list_methods(methods: Iterable[str]) -> list[str]:
    """Return the methods of a URL whose view has `methods`, with HEAD where there is GET, and OPTIONS."""
    names = list(methods)
    return [*names, *(["HEAD"] if "GET" in names and "HEAD" not in names else []), "OPTIONS"]


def write_allow(methods: Iterable[str]) -> str:
    """Return the value of `Allow` for a URL whose view has `methods`."""
    return ", ".join(list_methods(methods))


def answer_options(methods: Iterable[str]) -> HttpResponse:
    """Answer OPTIONS for a URL whose view has `methods`. It needs no authentication and is not counted."""
    response = HttpResponse(headers={"Allow": write_allow(methods), "Content-Length": "0"})
    del response["Content-Type"]
    return response


def refuse_plainly() -> HttpResponse:
    """Return a 405 without a body."""
    response = HttpResponse(status=405)
    del response["Content-Type"]
    return response


def accept_methods(*methods: str, refuse: Callable[[], HttpResponse] = refuse_plainly) -> Callable[[View[P]], View[P]]:
    """Decorate a view that has `methods`; `refuse` makes the 405 for all others, to which `Allow` is added.

    A view that changes nothing is exempt from the check against forged requests, which would otherwise answer first.
    """
    allow = write_allow(methods)
    allowed = frozenset(list_methods(methods)) - {"OPTIONS"}

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if request.method in allowed:
                return view(request, *args, **kwargs)
            if request.method == "OPTIONS":
                return answer_options(methods)
            response = refuse()
            response["Allow"] = allow
            return response

        return csrf_exempt(answer) if allowed <= SAFE else answer

    return decorate


def render_public_page(
    request: HttpRequest, template: str, context: dict[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """Render a page whose address is a secret that was mailed to its reader.

    It loads nothing, sends its address to no other site, and asks search engines not to list it.
    """
    page = render(request, template, context, status=status)
    page["Content-Security-Policy"] = PUBLIC_POLICY
    page["Referrer-Policy"] = "no-referrer"
    page["X-Robots-Tag"] = "noindex"
    return page


def restrict_admin(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Give every response below /admin/ the policy, unless its view has set one. This is a middleware."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if request.path.startswith("/admin/"):
            response.headers.setdefault("Content-Security-Policy", ADMIN_POLICY)
        return response

    return answer
