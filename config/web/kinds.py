"""Tell the kind of a request, and the largest body that its path accepts."""

from __future__ import annotations

import enum
import re
from typing import Final

from django.conf import settings

from audience.jobs.files import is_genuine
from config.web.stops import MOST_BYTES, is_stop

LARGE_BYTES: Final = 512 * 1024
"""Parsing a body of more than this holds the interpreter lock for longer than other requests should wait."""
UPLOAD: Final = re.compile(r"/v3/marketing/contacts/imports/([^/]+)/upload\Z")
FILES: Final = re.compile(r"/v3/marketing/contacts/(imports/[^/]+/(upload|rejected)|exports/[^/]+/[0-9]+)\Z")
"""The paths of signed links to files."""
ADMIN_IMPORT: Final = "/admin/audience/job/import/"


class Kind(enum.Enum):
    """The kind of a request, and of the process that handles it."""

    ORDINARY = "ordinary"
    STOP = "stops"
    LARGE = "large"


def kind_of(method: str, path: str, length: int | None) -> Kind:
    """Return the kind of a request by its head; `length` is None for a chunked body."""
    if (length or 0) <= MOST_BYTES and is_stop(method, path):
        return Kind.STOP
    if length is None or length > LARGE_BYTES or FILES.match(path) or path == ADMIN_IMPORT:
        return Kind.LARGE
    return Kind.ORDINARY


def most_bytes(path: str) -> int:
    """Return how many bytes of a body are read. The views refuse a larger body in the words of their API."""
    upload = UPLOAD.match(path)
    if path == ADMIN_IMPORT or (upload and is_genuine(upload[1])):
        return int(settings.IMPORT_BYTES)
    return int(settings.MAX_BODY_BYTES)
