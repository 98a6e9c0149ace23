"""MIME: one message's bytes from its mail and its personalization (RFC 5322, RFC 2045 to 2049).

What the messages of a mail share is made once, when the composer is built; a text is encoded again only for a message
whose substitutions occur in it. Date is the moment of delivery; Message-ID is the same at every try.
"""

from __future__ import annotations

import binascii
import datetime as dt
from collections.abc import Mapping, Sequence
from email.utils import format_datetime
from typing import Any, NamedTuple

from mailer.compose.headers import address_field, field, message_id_header, one_line, wire_address
from mailer.compose.substitutions import substitute
from mailer.draft import Address
from mailer.models import Mail
from mailer.transports.base import Envelope

CRLF = b"\r\n"
LONGEST_LINE = 998
OWN_HEADERS = frozenset(
    {"date", "from", "to", "cc", "bcc", "reply-to", "subject", "message-id", "mime-version", "return-path", "sender"}
    | {"content-type", "content-transfer-encoding"}
)
"""Headers that only the composer writes; a caller's of that name is left out."""


class Text(NamedTuple):
    """A body part that substitutions may change, and its encoded form when they do not."""

    type: str
    value: str
    encoded: bytes


Piece = bytes | Text


class Composer:
    """Makes the messages of one mail."""

    def __init__(self, mail: Mail, *, message_id_domain: str) -> None:
        self.mail = mail
        self.domain = message_id_domain
        self.sender = Address(mail.sender, mail.sender_name)
        self.reply_to = [Address(email, name) for email, name in mail.reply_to]
        self._sender_field = address_field("From", [self.sender])
        self._reply_to_field = address_field("Reply-To", self.reply_to) if self.reply_to else b""
        self._subject_field = field("Subject", mail.subject)
        self._body = _body_of(mail)
        self._plain_body = b"".join(piece if isinstance(piece, bytes) else piece.encoded for piece in self._body)
        self._plain_headers = self._custom_headers({}, {})

    def compose(
        self,
        message_id: int,
        recipient: str,
        personal: Mapping[str, Any] | None,
        *,
        date: bytes,
        skip: frozenset[str] = frozenset(),
    ) -> Envelope:
        """The envelope and content of one message.

        `date` is its `date_field`; `skip` are recipients who have had their outcome already.
        """
        said: Mapping[str, Any] = personal or {}
        values: Mapping[str, str] = said.get("substitutions") or {}
        to = _addresses(said.get("to")) or [Address(recipient)]
        cc, bcc = _addresses(said.get("cc")), _addresses(said.get("bcc"))
        sender = _addresses([said["from"]])[0] if "from" in said else self.sender
        head = b"".join(
            (
                date,
                address_field("From", [sender]) if "from" in said else self._sender_field,
                address_field("To", to),
                address_field("Cc", cc) if cc else b"",
                self._reply_to_field,
                self._subject(said.get("subject"), values),
                f"Message-ID: {message_id_header(self.mail.public_id, message_id, domain=self.domain)}\r\n".encode(),
                b"MIME-Version: 1.0\r\n",
                self._custom_headers(said.get("headers") or {}, values),
            )
        )
        recipients = tuple(
            dict.fromkeys(wire_address(address.email) for address in (*to, *cc, *bcc) if address.email not in skip)
        )
        data = head + self._render_body(values)
        return Envelope(
            message_id=message_id,
            sender=wire_address(sender.email),
            recipients=recipients,
            data=data,
            is_utf8=not (head.isascii() and all(address.isascii() for address in recipients)),
        )

    @property
    def size(self) -> int:
        """Bytes of the shared body, for whoever keeps composers."""
        return len(self._plain_body)

    def _subject(self, subject: str | None, values: Mapping[str, str]) -> bytes:
        own = self.mail.subject if subject is None else subject
        replaced = substitute(own, values)
        return self._subject_field if replaced == self.mail.subject else field("Subject", replaced)

    def _custom_headers(self, own: Mapping[str, str], values: Mapping[str, str]) -> bytes:
        """The mail's headers with the personalization's over them; names are compared without case."""
        if not own and not values and hasattr(self, "_plain_headers"):
            return self._plain_headers
        merged = {name.lower(): (name, value) for name, value in (*self.mail.headers.items(), *own.items())}
        return b"".join(
            field(name, substitute(value, values))
            for lowered, (name, value) in merged.items()
            if lowered not in OWN_HEADERS
        )

    def _render_body(self, values: Mapping[str, str]) -> bytes:
        if not values:
            return self._plain_body
        return b"".join(piece if isinstance(piece, bytes) else _personal(piece, values) for piece in self._body)


def date_field(moment: dt.datetime) -> bytes:
    """The Date header of everything that is handed over at this moment."""
    return f"Date: {format_datetime(moment)}\r\n".encode("ascii")


def _personal(text: Text, values: Mapping[str, str]) -> bytes:
    replaced = substitute(text.value, values)
    return text.encoded if replaced == text.value else encode_text(text.type, replaced)


def _addresses(pairs: Sequence[Sequence[str]] | None) -> list[Address]:
    return [Address(email, name) for email, name in pairs or ()]


def _body_of(mail: Mail) -> list[Piece]:
    """The mail's body from its Content-Type on: mixed(related(alternative(texts), inlines), attachments), each
    wrapper only where it has something to hold."""
    texts: list[list[Piece]] = [
        [Text(part["type"], part["value"], encode_text(part["type"], part["value"]))] for part in mail.content
    ]
    inlines = [_attachment(item) for item in mail.attachments if item["disposition"] == "inline"]
    files = [_attachment(item) for item in mail.attachments if item["disposition"] != "inline"]
    body = _multipart("alternative", texts, mail.public_id)
    body = _multipart("related", [body, *inlines], mail.public_id)
    return _multipart("mixed", [body, *files], mail.public_id)


def _multipart(kind: str, parts: list[list[Piece]], token: str) -> list[Piece]:
    """The parts under one boundary; a single part needs no wrapper. The token is random, so no content holds it."""
    if len(parts) == 1:
        return parts[0]
    boundary = f"={kind}={token}"
    pieces: list[Piece] = [f'Content-Type: multipart/{kind};\r\n boundary="{boundary}"\r\n\r\n'.encode("ascii")]
    for part in parts:
        pieces += [f"--{boundary}\r\n".encode("ascii"), *part, CRLF]
    return [*pieces, f"--{boundary}--\r\n".encode("ascii")]


def encode_text(type: str, value: str) -> bytes:
    """A text part with its headers: 7bit when it can be, otherwise quoted-printable (RFC 2045 section 6.7)."""
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii() and max(map(len, text.split("\n"))) <= LONGEST_LINE:
        encoding, data = "7bit", text.encode("ascii")
    else:
        encoding, data = "quoted-printable", binascii.b2a_qp(text.encode("utf-8"), istext=True)
    head = (f"Content-Type: {one_line(type)}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n").encode(
        "ascii"
    )
    return head + data.replace(b"\n", CRLF)


def _attachment(item: Mapping[str, str]) -> list[Piece]:
    """One attachment; its content is base64 already and only wrapped to lines (RFC 2045 section 6.8)."""
    type = item.get("type") or "application/octet-stream"
    head = (
        field("Content-Type", type)
        + b"Content-Transfer-Encoding: base64\r\n"
        + _disposition(item["disposition"], item["filename"])
        + (field("Content-ID", f"<{item['content_id']}>") if item.get("content_id") else b"")
        + CRLF
    )
    content = binascii.b2a_base64(binascii.a2b_base64(item["content"]), newline=False)
    lines = (content[start : start + LINE_BYTES] for start in range(0, len(content), LINE_BYTES))
    return [head + CRLF.join(lines)]


LINE_BYTES = 76


def _disposition(disposition: str, filename: str) -> bytes:
    """Content-Disposition with the file's name, in the extended form where it is not plain ASCII (RFC 2231)."""
    name = one_line(filename)
    if name.isascii():
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'Content-Disposition: {disposition};\r\n filename="{escaped}"\r\n'.encode("ascii")
    percent = "".join(
        chr(byte) if chr(byte).isalnum() and byte < 128 else f"%{byte:02X}" for byte in name.encode("utf-8")
    )
    return f"Content-Disposition: {disposition};\r\n filename*=utf-8''{percent}\r\n".encode("ascii")
