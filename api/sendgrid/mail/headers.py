"""Check the headers that a mail or a personalization asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from api.sendgrid.mail.texts import Finding, Loc
from foundation.texts import is_line
from mailer.checking import WRITTEN_BY_SERVER
from mailer.compose.caller_headers import SERVER_HEADERS

MAX_HEADERS = 100
MAX_NAME_LENGTH = 200
"""The longest name of a header. It leaves room for a value on the line."""
MAX_SIZE = 20_000
"""The most bytes of all names and values of one object. To encode and fold one byte takes at most 15 microseconds."""
RESERVED_HEADERS = frozenset(
    {"x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding"}
    | {"to", "from", "subject", "reply-to", "cc", "bcc"}
)
"""The names that SendGrid's documentation reserves."""
HEADER_NAME = re.compile(r"[!-9;-~]+")
"""The syntax of the name of a header (RFC 5322 section 3.6.8, `ftext`)."""

HEADER_VALUE = "The header values cannot contain CRLF characters."
# Ours, after the texts for categories and custom arguments.
TOO_MANY = "There is a limit of {} headers. You provided {} headers."
NAME_TOO_LONG = "Each header key must not be longer than {} characters."
SERVER_HEADER = f"Header can not be one of the reserved keys: {WRITTEN_BY_SERVER}."
TOO_LARGE = "The combined size of the headers may not exceed {:,} bytes."


def header_problems(at: Loc, headers: Mapping[str, Any]) -> Iterator[Finding]:
    """Find the headers that break a rule.

    The published texts differ a little between the message's headers and a personalization's.
    """
    field = (*at, "headers")
    if len(headers) > MAX_HEADERS:
        yield Finding(field, TOO_MANY.format(MAX_HEADERS, len(headers)))
        return
    names = [name.lower() for name in headers]
    if not all(type(value) is str for value in headers.values()):
        yield Finding(
            field, "All values of the headers object must be strings." if at else "The header values must be strings."
        )
    elif not all(map(is_line, headers.values())):
        yield Finding(field, HEADER_VALUE)
    if sum(len(f"{name}{value}".encode()) for name, value in headers.items() if type(value) is str) > MAX_SIZE:
        yield Finding(field, TOO_LARGE.format(MAX_SIZE))
    if any(len(name) > MAX_NAME_LENGTH for name in names):
        yield Finding(field, NAME_TOO_LONG.format(MAX_NAME_LENGTH))
    if len(set(names)) < len(names):
        yield Finding(field, "The headers cannot contain duplicate keys.")
    if not all(HEADER_NAME.fullmatch(name) for name in headers):
        yield Finding(field, f"Header keys cannot contain non-ASCII characters {'or' if at else 'and'} empty spaces.")
    if server_headers := [name for name in headers if name.lower() in SERVER_HEADERS - RESERVED_HEADERS]:
        yield Finding(field, SERVER_HEADER.format(server_headers[0]))
    if not RESERVED_HEADERS.isdisjoint(names):
        yield Finding(field, f"Header {'cannot' if at else 'can not'} be one of the reserved keys.")
