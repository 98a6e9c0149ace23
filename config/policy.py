"""The Content-Security-Policy of the admin.

The admin shows text that strangers wrote: subjects, names, replies of mail servers. Templates escape it; the policy is
the second line, so that a mistake there cannot load or run anything. A preview of HTML is a frame with `srcdoc`, which
inherits the policy and has a stricter one (`mailer/preview.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponseBase

# Alpine.js, which Unfold's pages use, evaluates the expressions in their attributes. Widths of bars are inline styles.
# The form of a periodic task has an inline script that only translates a crontab into words: it is not worth
# 'unsafe-inline', so it does not run.
POLICY: Final = "; ".join(
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


def restrict_admin(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: give every answer below /admin/ the policy, unless its view has set one."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if request.path.startswith("/admin/"):
            response.headers.setdefault("Content-Security-Policy", POLICY)
        return response

    return answer
