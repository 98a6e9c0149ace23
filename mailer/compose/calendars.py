"""Calendars: the parameters that the type of an iCalendar object must have (RFC 6047 section 2.4)."""

from __future__ import annotations

import re
from typing import Final

from mailer.compose.mime_types import MimeType

CALENDAR: Final = "text/calendar"
FOLD: Final = re.compile(r"\r?\n[ \t]")
"""RFC 5545 section 3.1."""
METHOD: Final = re.compile(r"^METHOD(?:;[^:\r\n]*+)?:[ \t]*+([^\r\n]*+)", re.IGNORECASE | re.MULTILINE)
METHOD_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
"""RFC 5545 section 3.7.2: an `iana-token`."""


def find_method(calendar: str) -> str:
    """Return the method that an iCalendar text names; empty if it has none, or objects with different ones."""
    methods = {method.strip(" \t") for method in METHOD.findall(FOLD.sub("", calendar))}
    method = methods.pop() if len(methods) == 1 else ""
    return method if METHOD_NAME.fullmatch(method) else ""


def add_method(type: MimeType, calendar: str) -> MimeType:
    """Return the type with the calendar's method, unless it has one already."""
    method = "" if "method" in type.parameters else find_method(calendar)
    return type.with_parameters(method=method) if method else type


def describe_calendar(type: MimeType, content: bytes) -> MimeType:
    """Return the type of a calendar file with its method and, if it is UTF-8 and not ASCII, its charset."""
    try:
        calendar = content.decode()
    except UnicodeDecodeError:
        return add_method(type, content.decode("latin-1"))
    if "charset" not in type.parameters and not calendar.isascii():
        type = type.with_parameters(charset="utf-8")
    return add_method(type, calendar)
