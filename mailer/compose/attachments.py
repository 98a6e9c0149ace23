"""Choose the type and the transfer encoding of attachments.

Files are sent as base64. A `message/*` or `multipart/*` has parts, so it may only be sent unchanged (RFC 2045 section
6.4): as 7bit if it is ASCII in lines of at most 998 octets, otherwise as 8bit. Its lines that end with LF get a CRLF.
"""

from __future__ import annotations

import binascii
import re
from typing import Final, NamedTuple

from mailer.compose.headers import CRLF, LINE, LONGEST_LINE
from mailer.compose.part_heads import CALENDAR, OCTET_STREAM, MimeType, describe_calendar, parse_mime_type

BASE64_TOO: Final = frozenset(
    {"message/global", "message/global-headers", "message/global-delivery-status"}
    | {"message/global-disposition-notification"}
)
"""The types that may be sent as base64 (RFC 6532 section 3.7 and RFC 6533 section 7)."""
ONLY_7BIT: Final = frozenset(
    {"message/partial", "message/external-body", "message/delivery-status", "message/disposition-notification"}
)
"""The types that must be 7bit (RFC 2046 sections 5.2.2 and 5.2.3, RFC 3464 section 2.1, RFC 8098 section 3.1)."""
KINDS: Final = ("mixed", "related", "alternative")
"""The multiparts that the composer makes."""
BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
"""The syntax of a boundary (RFC 2046 section 5.1.1)."""

TOO_LONG: Final = re.compile(rb"^[^\n]{%d}" % (LONGEST_LINE + 1), re.MULTILINE)


class Unencodable(ValueError):
    """Raised when a file cannot be sent with its type. The message is the reason."""


class File(NamedTuple):
    """An encoded file: its type, its transfer encoding, and its content in that encoding."""

    type: MimeType
    encoding: str
    data: bytes


def encode_file(type: str, base64: str) -> File:
    """Return an encoded attachment. Raises Unencodable.

    Without a MIME type it is an `application/octet-stream`.
    """
    parsed = parse_mime_type(type) or OCTET_STREAM
    if parsed.is_composite:
        return _encode_composite(parsed, binascii.a2b_base64(base64))
    return encode_single(parsed, binascii.a2b_base64(base64))


def encode_single(type: MimeType, content: bytes) -> File:
    """Return a file in base64 (RFC 2045 section 6.8)."""
    if type.name == CALENDAR:
        type = describe_calendar(type, content)
    encoded = binascii.b2a_base64(content, newline=False)
    lines = (encoded[start : start + LINE] for start in range(0, len(encoded), LINE))
    return File(type, "base64", CRLF.encode().join(lines))


def boundary_of(kind: str, token: str) -> str:
    """Return the boundary of a multipart that the composer makes."""
    return f"={kind}={token}"


def _encode_composite(type: MimeType, content: bytes) -> File:
    text = content.replace(b"\r\n", b"\n")
    fault = _find_fault(text)
    is_ascii = content.isascii()
    if type.name in BASE64_TOO and (fault or not is_ascii):
        return encode_single(type, content)
    if fault:
        raise Unencodable(f"{type.name} cannot be sent in base64, and {fault}")
    if not is_ascii and type.name in ONLY_7BIT:
        raise Unencodable(f"{type.name} must consist of ASCII")
    if type.main == "multipart":
        _check_boundary(type, text)
    return File(type, "7bit" if is_ascii else "8bit", text.replace(b"\n", b"\r\n"))


def _find_fault(text: bytes) -> str:
    """Return why these lines, which end with LF, are neither 7bit nor 8bit (RFC 2045 sections 2.7 and 2.8)."""
    if TOO_LONG.search(text):
        return f"a line of it is longer than {LONGEST_LINE} bytes"
    if b"\r" in text:
        return "it has a CR that is not part of a line end"
    return "it has a NUL" if b"\0" in text else ""


def _check_boundary(type: MimeType, text: bytes) -> None:
    """Accept a multipart whose parts are found by its boundary alone. Raises Unencodable."""
    boundary = type.parameters.get("boundary", "")
    if not BOUNDARY.fullmatch(boundary):
        raise Unencodable("a multipart type must have a boundary parameter")
    # A reader compares only the beginning of a line with a boundary (RFC 2046 section 5.1.1).
    if any(boundary_of(kind, "").startswith(boundary) for kind in KINDS):
        raise Unencodable("this boundary is the beginning of another one of the message")
    delimiter = re.escape(f"--{boundary}".encode())
    begin = re.search(rb"^%b[ \t]*+$" % delimiter, text, re.MULTILINE)
    if begin is None or not re.search(rb"^%b--[ \t]*+$" % delimiter, text[begin.end() :], re.MULTILINE):
        raise Unencodable("the content must have the boundary that its type names, and end with it")
