"""Answer the tracked URLs: redirect to a link's address, or return the pixel of open tracking.

Neither reads the database or a session, so they also work while the database is away. What happened is noted for a
thread that stores it (`hits.py`).
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from base64 import b64decode
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.encoding import iri_to_uri

from accounts.guessing import caller_address
from foundation.responses import accept_methods
from mailer.sealing import BadLink
from mailer.tracking.hits import note
from mailer.tracking.machines import is_machine
from mailer.tracking.tokens import TrackedLink, TrackedMessage, unseal_click, unseal_message
from mailer.tracking.writing import Hit

PIXEL: Final = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""A transparent GIF of one pixel."""
LONGEST_AGENT: Final = 500
HEADERS: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


@accept_methods("GET")
def open_link(request: HttpRequest, link: str, message: str) -> HttpResponse:
    """Redirect to the address of a link."""
    try:
        tracked, target = unseal_click(link, message)
    except BadLink:
        return _refuse()
    note(_hit(request, tracked, target))
    answer = HttpResponse(status=302, headers={**HEADERS, "Location": iri_to_uri(target.url)})
    del answer["Content-Type"]
    return answer


@accept_methods("GET")
def show_pixel(request: HttpRequest, message: str) -> HttpResponse:
    """Return the pixel of a message."""
    try:
        tracked = unseal_message(message)
    except BadLink:
        return _refuse()
    note(_hit(request, tracked, None))
    return HttpResponse(PIXEL, headers={**HEADERS, "Content-Type": "image/gif"})


def _hit(request: HttpRequest, message: TrackedMessage, link: TrackedLink | None) -> Hit:
    address = caller_address(request)
    agent = request.META.get("HTTP_USER_AGENT", "").replace("\0", "")[:LONGEST_AGENT]
    return Hit(
        at=dt.datetime.now(dt.UTC),
        message=message,
        link=link,
        address=_valid_address(address),
        user_agent=agent.encode(errors="replace").decode(),
        is_machine=is_machine(request.META, address),
    )


def _valid_address(address: str) -> str | None:
    """Return an address if it is one. A unix socket has none, and a proxy may send anything."""
    try:
        return str(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return None


def _refuse() -> HttpResponse:
    return HttpResponse("This link is not valid.", status=404, headers={**HEADERS, "Content-Type": "text/plain"})
