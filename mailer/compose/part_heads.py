"""The header fields of body parts: Content-Type, Content-Disposition and Content-ID, from a caller's values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import quote
from urllib.parse import quote as percent_encode

from mailer.compose.folding import CRLF, LINE, LONGEST_LINE, pack
from mailer.compose.headers import field, one_line

MIME_TYPE = re.compile(r"[\w!#$&^.+-]{1,127}/[\w!#$&^.+-]{1,127}(?:[ \t]*;[ -~\t]{0,500})?", re.ASCII)
"""RFC 6838 section 4.2, and perhaps parameters."""
IN_CONTENT_ID = "!#$%&'*+/=?^`{|}@:;,()[]"
"""Characters that a Content-ID may hold in addition to letters, digits and `-._~`."""


def content_type_field(type: str, *, otherwise: str, parameters: str = "") -> bytes:
    """Return the Content-Type field of a part; its type is `otherwise` where the caller's is not a MIME type."""
    type = one_line(type).strip()
    return field("Content-Type", (type if MIME_TYPE.fullmatch(type) else otherwise) + parameters)


def content_id_field(content_id: str) -> bytes:
    """Return the Content-ID field, percent-encoded as in the `cid:` URL that refers to it (RFC 2392)."""
    return field("Content-ID", f"<{percent_encode(one_line(content_id), safe=IN_CONTENT_ID)}>")


def disposition_field(disposition: str, filename: str) -> bytes:
    """Return the Content-Disposition field with the name of the file (RFC 2183), in the extended form of RFC 2231 if it
    is not ASCII or too long for a line."""
    name = one_line(filename)
    plain = f'filename="{quote(name)}"'
    parameters = [plain] if name.isascii() and len(plain) < LONGEST_LINE - 1 else _extended_name(name)
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
