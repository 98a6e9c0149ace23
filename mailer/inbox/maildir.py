"""Read a Maildir: the newest messages, and one of them. Strangers may have written anything that is in it.

A message is named by the name of its file, which is never used as a path: it must look like such a name, belong to a
plain file directly in `new` or `cur`, and is opened without following links.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message as Mime
from email.parser import BytesHeaderParser, BytesParser
from heapq import nlargest
from pathlib import Path
from typing import BinaryIO

from mailer.preview import LONGEST_TEXT, Attached, Part, Preview

FOLDERS = ("new", "cur")
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:,=+-]{0,200}")
LONGEST_HEAD = 256 * 1024
SHOWN = 200
ENVELOPE_TO = "X-Envelope-To"
FIRST_HEADERS = ("From", "To", "Cc", ENVELOPE_TO, "Subject", "Date", "Message-ID")


@dataclass(frozen=True, slots=True)
class Received:
    """A line of the list of messages."""

    name: str
    sender: str
    recipients: str
    subject: str
    received_at: dt.datetime
    size: int


def list_newest(maildir: Path) -> list[Received]:
    """Return the newest messages, the latest first, `SHOWN` at most. Names begin with the time of arrival."""
    newest = nlargest(SHOWN, _file_names(maildir))
    return [received for name in newest if (received := _read_head(maildir, name)) is not None]


def read_message(maildir: Path, name: str) -> Preview | None:
    """Return the message of this name, or None if it does not exist."""
    file = _open(maildir, name)
    if file is None:
        return None
    with file:
        mime = BytesParser().parse(file)
    preview = Preview(headers=list(_headers(mime)))
    for part in mime.walk():
        if not part.is_multipart():
            _add_part(preview, part)
    return preview


def _file_names(maildir: Path) -> Iterator[str]:
    for folder in FOLDERS:
        try:
            yield from (name for name in os.listdir(maildir / folder) if FILE_NAME.fullmatch(name))
        except FileNotFoundError:
            continue


def _open(maildir: Path, name: str) -> BinaryIO | None:
    if not FILE_NAME.fullmatch(name):
        return None
    for folder in FOLDERS:
        path = maildir / folder / name
        try:
            if path.is_file():
                return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb")
        except OSError:
            continue
    return None


def _read_head(maildir: Path, name: str) -> Received | None:
    file = _open(maildir, name)
    if file is None:
        return None
    with file:
        status = os.fstat(file.fileno())
        head = BytesHeaderParser().parsebytes(file.read(LONGEST_HEAD))
    return Received(
        name=name,
        sender=_decode(head.get("From")),
        recipients=_decode(head.get(ENVELOPE_TO) or head.get("To")),
        subject=_decode(head.get("Subject")),
        received_at=dt.datetime.fromtimestamp(status.st_mtime, dt.UTC),
        size=status.st_size,
    )


def _headers(mime: Mime) -> Iterator[tuple[str, str]]:
    """Yield the headers that a person looks for first, then all others as they come."""
    for name in FIRST_HEADERS:
        yield from ((name, _decode(value)) for value in mime.get_all(name, []))
    first = {name.lower() for name in FIRST_HEADERS}
    yield from ((name, _decode(value)) for name, value in mime.items() if name.lower() not in first)


def _add_part(preview: Preview, part: Mime) -> None:
    content = part.get_payload(decode=True)
    data = content if isinstance(content, bytes) else b""
    filename = part.get_filename()
    if filename is None and part.get_content_maintype() == "text":
        preview.parts.append(Part(part.get_content_type(), _text(data, part)[:LONGEST_TEXT]))
    else:
        preview.attached.append(Attached(_decode(filename), part.get_content_type(), len(data)))


def _text(data: bytes, part: Mime) -> str:
    try:
        return data.decode(str(part.get_content_charset("utf-8")), "replace")
    except LookupError:
        return data.decode("utf-8", "replace")


def _decode(value: object) -> str:
    """Return a header decoded (RFC 2047). A text that cannot be decoded is returned unchanged."""
    text = "" if value is None else str(value)
    try:
        return str(make_header(decode_header(text)))
    except (MessageError, LookupError, ValueError):
        return text.encode("utf-8", "replace").decode()
