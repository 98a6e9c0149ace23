"""The header fields of body parts: Content-Type, Content-Disposition and Content-ID, from a caller's values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from email.utils import quote
from urllib.parse import quote as percent_encode

from mailer.compose.calendars import CALENDAR, add_method
from mailer.compose.folding import CRLF, LINE, LONGEST_LINE, pack
from mailer.compose.headers import one_line
from mailer.compose.mime_types import PLAIN_TEXT, MimeType, parse_mime_type, type_field

IN_CONTENT_ID = "!#$%&'*+/=?^`{|}@:;,()[]"
"""Characters that a Content-ID may hold in addition to letters, digits and `-._~`."""
LONGEST_CONTENT_ID = LONGEST_LINE - len("Content-ID: <>")
REFERENCE = re.compile(r"""cid:(?:(?<=["']cid:)(?P<quoted>[^"'\r\n]++)(?=["'])|(?P<bare>[^\s"'<>()]++))""")
NEEDS_EXTENDED = re.compile(r'["\\;]|=\?|^<')
"""In the name of a file: some programs leave a quoted pair unchanged, end the name at a semicolon in quotes, take away
angle brackets around it, or decode what looks like an encoded word."""


def text_type(type: str) -> MimeType:
    """Return the type of a text: `text/plain` if the caller's is not a MIME type, or one with parts."""
    parsed = parse_mime_type(one_line(type))
    return PLAIN_TEXT if parsed is None or parsed.is_composite else parsed


def text_type_field(type: str, text: str) -> bytes:
    """Return the Content-Type field of a text that is sent as UTF-8."""
    parsed = text_type(type).with_parameters(charset="utf-8")
    return type_field(add_method(parsed, text) if parsed.name == CALENDAR else parsed)


def bare_content_id(content_id: str) -> str:
    """Return a Content-ID without angle brackets of the caller's."""
    bare = one_line(content_id).strip(" \t")
    while bare.startswith("<") and bare.endswith(">"):
        bare = bare[1:-1].strip(" \t")
    return bare


def written_content_id(content_id: str) -> str:
    """Return a Content-ID without angle brackets, percent-encoded as in a `cid:` URL (RFC 2392)."""
    return percent_encode(bare_content_id(content_id), safe=IN_CONTENT_ID)


def write_references(html: str, content_ids: Iterable[str]) -> str:
    """Return HTML in which each `cid:` URL of one of these Content-IDs is as the Content-ID is written."""
    pairs = [(bare_content_id(each), written_content_id(each)) for each in content_ids]
    changed = {bare: written for bare, written in pairs if bare != written}
    if not changed:
        return html

    def write(reference: re.Match[str]) -> str:
        given = reference["quoted"] or reference["bare"]
        return f"cid:{changed[given]}" if given in changed else reference[0]

    return REFERENCE.sub(write, html)


def content_id_field(content_id: str) -> bytes:
    """Return the Content-ID field; nothing if there is none, or none that has room in a line."""
    written = written_content_id(content_id)
    return f"Content-ID: <{written}>\r\n".encode("ascii") if 0 < len(written) <= LONGEST_CONTENT_ID else b""


def disposition_field(disposition: str, filename: str) -> bytes:
    """Return the Content-Disposition field with the name of the file (RFC 2183), in the extended form of RFC 2231 if it
    is not ASCII, too long for a line, or if a program could read another name."""
    name = one_line(filename)
    plain = f'filename="{quote(name)}"'
    is_plain = name.isascii() and len(plain) < LONGEST_LINE - 1 and not NEEDS_EXTENDED.search(name)
    parameters = [plain] if is_plain else _extended_name(name)
    kind = "inline" if disposition == "inline" else "attachment"
    return f"{f';{CRLF} '.join([f'Content-Disposition: {kind}', *parameters])}\r\n".encode("ascii")


def _extended_name(name: str) -> Iterator[str]:
    """Yield the `filename*` parameter, in several sections if it needs more than one line (RFC 2231 section 3)."""
    characters = [percent_encode(character, safe="") for character in name]
    room = LINE - len(" filename*999*=;")
    sections = list(pack(characters, room, first=room - len("utf-8''")))
    for number, section in enumerate(sections):
        charset = "" if number else "utf-8''"
        place = f"*{number}*" if len(sections) > 1 else "*"
        yield f"filename{place}={charset}{''.join(section)}"
