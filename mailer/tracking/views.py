"""Answer the tracked URLs: redirect to a link's address, or return the pixel of open tracking.

Neither reads the database or a session, so they also work while the database is away.
"""

from __future__ import annotations

from base64 import b64decode
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.encoding import iri_to_uri

from foundation.responses import accept_methods
from mailer.sealing import BadLink
from mailer.tracking.tokens import unseal_click, unseal_message

PIXEL: Final = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""A transparent GIF of one pixel."""
HEADERS: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


@accept_methods("GET")
def open_link(request: HttpRequest, link: str, message: str) -> HttpResponse:
    """Redirect to the address of a link."""
    try:
        _, target = unseal_click(link, message)
    except BadLink:
        return _refuse()
    return HttpResponse(status=302, headers={**HEADERS, "Location": iri_to_uri(target.url)})


@accept_methods("GET")
def show_pixel(request: HttpRequest, message: str) -> HttpResponse:
    """Return the pixel of a message."""
    try:
        unseal_message(message)
    except BadLink:
        return _refuse()
    return HttpResponse(PIXEL, headers={**HEADERS, "Content-Type": "image/gif"})


def _refuse() -> HttpResponse:
    return HttpResponse("This link is not valid.", status=404, headers={**HEADERS, "Content-Type": "text/plain"})
