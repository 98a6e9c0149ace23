"""Write one message as MIME, from its mail and its personalization (RFC 5322, RFC 2045 to 2049).

The parts that all messages of a mail share are made once, when the composer is built; a text is encoded again only for
a message whose values occur in it. Date is the moment of delivery; Message-ID is the same at every try.
"""

from __future__ import annotations

import binascii
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from email.utils import format_datetime
from functools import cached_property
from typing import Any, NamedTuple

from foundation.caches import Cache
from mailer.compose.attachments import KINDS, Unencodable, boundary_of, encode_file, encode_single
from mailer.compose.caller_headers import fill_reply_to, find_message_id, message_id_of, text_of, written_headers
from mailer.compose.headers import address_field, field, is_html, message_id_format, one_line, wire_address
from mailer.compose.part_heads import (
    OCTET_STREAM,
    content_id_field,
    disposition_field,
    text_type,
    type_field,
    write_references,
)
from mailer.compose.rendering import Filling, Rendered, Renderer, rendering_of
from mailer.compose.system_tags import find_system_tags, may_have_tags
from mailer.compose.template import (
    CRLF,
    Line,
    Piece,
    Template,
    Text,
    Values,
    encode_text,
    is_fillable,
    substitute,
    values_of,
)
from mailer.draft import Address, Rendering
from mailer.models import Mail
from mailer.transports.base import Envelope

TEMPLATES = 4
"""The number of templates of each kind that are cached for a mail."""
MIXED, RELATED, ALTERNATIVE = KINDS
Templates = Cache[tuple[str, ...], Template | None]


class Composer:
    """Make the messages of one mail."""

    def __init__(self, mail: Mail, *, message_id_domain: str, public_url: str, tracking_url: str = "") -> None:
        """Prepare the parts that the messages share.

        `public_url` is where recipients find this installation, and `tracking_url` the beginning of tracked URLs, both
        without a slash at their end. Nothing is tracked without the latter.
        """
        self.mail = mail
        self.domain = one_line(message_id_domain)
        self._renderer = make_renderer(mail, public_url, tracking_url)
        self.sender = Address(mail.sender, mail.sender_name)
        self.reply_to = [Address(email, name) for email, name in mail.reply_to]
        self._smtp_sender = wire_address(mail.sender)
        self._sender_field = address_field("From", [self.sender])
        self._reply_to_field = address_field("Reply-To", self.reply_to) if self.reply_to else b""
        self._reply_to_text = text_of(self.reply_to) if self.reply_to else ""
        self._has_message_id = bool(mail.headers) and find_message_id(mail.headers) is not None
        self._message_id_format = f"Message-ID: {message_id_format(mail.public_id, domain=self.domain)}\r\n".encode()
        self._subject_field = field("Subject", mail.subject)
        pieces, self._is_8bit = _body_of(mail, self._renderer)
        texts = max((place for place, piece in enumerate(pieces) if isinstance(piece, Text)), default=-1) + 1
        self._texts, self._files = pieces[:texts], _join(pieces[texts:])
        """The body up to its last text, and the files behind it."""
        self._plain_texts = _join(self._texts)
        self._plain_headers = self._fill_headers({}, {}) if mail.headers else b""

    def compose(
        self,
        message_id: int,
        recipient: str,
        personal: Mapping[str, Any] | None,
        *,
        date: bytes,
        skip: frozenset[str] = frozenset(),
    ) -> Envelope:
        """Return the envelope and content of one message.

        `date` is its `date_field`. `skip` has recipients, with their domains as A-labels, who do not get the
        message because they have an outcome already.
        """
        personal = personal or {}
        sender, sender_field = self._sender_of(personal)
        address_fields, recipients = _addressing(personal, recipient, skip)
        substitutions, headers = personal.get("substitutions"), personal.get("headers")
        if self._renderer is None:
            values = values_of(personal)
            subject_field, list_fields = self._subject(personal.get("subject"), values.plain), b""
            caller_fields = self._custom_headers(headers, values.plain)
            texts = self._render_texts(values, self._texts)
        else:
            filling = self._renderer.fill(message_id, recipient, personal, self._author_of(personal))
            subject_field, list_fields, caller_fields, texts = self._filled(filling, personal, self._renderer)
        head = b"".join(
            (
                date,
                sender_field,
                address_fields,
                self._reply_to(substitutions) if substitutions and self._reply_to_field else self._reply_to_field,
                subject_field,
                self._message_id(message_id, personal, headers),
                b"MIME-Version: 1.0\r\n",
                list_fields,
                caller_fields,
            )
        )
        data = b"".join((head, texts, self._files))
        return Envelope(message_id, sender, recipients, data, self._is_8bit, not head.isascii())

    @property
    def is_whole(self) -> bool:
        """Return whether every message is rendered as a whole, which may take long."""
        return self._renderer is not None and self._renderer.is_whole

    @property
    def size(self) -> int:
        """Return the bytes of the shared body and its templates, for a cache of composers."""
        return len(self._plain_texts) * (1 + TEMPLATES) + len(self._files)

    # The caches of messages with values are made for the first of them: most mail has a single message without values.

    @cached_property
    def _subject_lines(self) -> Cache[tuple[str, ...], Line]:
        """The forms of the mail's subject by their keys."""
        return Cache(TEMPLATES)

    @cached_property
    def _templates(self) -> tuple[Templates, Templates]:
        """The templates by their keys. The second mapping is for values that differ in HTML."""
        return Cache(TEMPLATES), Cache(TEMPLATES)

    @cached_property
    def _other_texts(self) -> Cache[tuple[str, ...], Sequence[Piece]]:
        """The body with the texts of messages that do not share all of them."""
        return Cache(TEMPLATES)

    def _sender_of(self, personal: Mapping[str, Any]) -> tuple[str, bytes]:
        """Return the reverse path and the From field."""
        if "from" not in personal:
            return self._smtp_sender, self._sender_field
        senders = _addresses([personal["from"]])
        return wire_address(senders[0].email), address_field("From", senders)

    def _reply_to(self, substitutions: Mapping[str, str]) -> bytes:
        """Return the Reply-To field with these values."""
        if not any(key in self._reply_to_text for key in substitutions):
            return self._reply_to_field
        filled = fill_reply_to(self.reply_to, substitutions)
        return address_field("Reply-To", filled) if filled else self._reply_to_field

    def _message_id(self, message_id: int, personal: Mapping[str, Any], headers: Mapping[str, str] | None) -> bytes:
        """Return the Message-ID field, the caller's or ours."""
        if self._has_message_id or headers:
            value = message_id_of(self.mail, message_id, personal, domain=self.domain)
            return f"Message-ID: {value}\r\n".encode()
        return self._message_id_format % message_id

    def _subject(self, subject: str | None, values: Mapping[str, str]) -> bytes:
        if subject is None or subject == self.mail.subject:
            return self._shared_subject(values) if values else self._subject_field
        return field("Subject", substitute(subject, values))

    def _shared_subject(self, values: Mapping[str, str]) -> bytes:
        """Return the Subject field of a message without a personal subject."""
        keys = tuple(values)
        line = self._subject_lines.get(keys)
        if line is None:
            line = self._subject_lines[keys] = Line("Subject", self.mail.subject, keys)
        return line.fill(values) or field("Subject", substitute(self.mail.subject, values))

    def _custom_headers(self, personal: Mapping[str, str] | None, values: Mapping[str, str]) -> bytes:
        """Return the header fields of the caller, with these values."""
        if not personal and not (values and self.mail.headers):
            return self._plain_headers
        return self._fill_headers(personal, values)

    def _fill_headers(self, personal: Mapping[str, str] | None, values: Mapping[str, str]) -> bytes:
        headers = written_headers(self.mail.headers, personal)
        return b"".join([field(name, substitute(value, values)) for name, value in headers])

    def _author_of(self, personal: Mapping[str, Any]) -> Address:
        return Address(*personal["from"]) if "from" in personal else self.sender

    def _filled(
        self, filling: Filling, personal: Mapping[str, Any], renderer: Renderer
    ) -> tuple[bytes, bytes, bytes, bytes]:
        """Return the Subject field, the List-Unsubscribe fields, the caller's fields, and the encoded texts."""
        values, rendered, list_fields, texts = filling
        headers = personal.get("headers")
        if rendered is not None:
            subject_field = field("Subject", rendered.subject)
            return subject_field, list_fields, self._finish_headers(headers, rendered), self._encode_texts(rendered)
        subject_field = self._subject(renderer.subject_of(personal.get("subject")), values.plain)
        encoded_texts = self._render_texts(values, self._texts if texts is None else self._pieces_of(texts))
        return subject_field, list_fields, self._custom_headers(headers, values.plain), encoded_texts

    def _pieces_of(self, texts: tuple[str, ...]) -> Sequence[Piece]:
        """Return the body with other texts. A few are cached, since messages with the same keys have the same texts."""
        pieces = self._other_texts.get(texts)
        if pieces is None:
            pieces = self._other_texts[texts] = list(self._with_texts(texts))
        return pieces

    def _with_texts(self, texts: Iterable[str]) -> Iterator[Piece]:
        remaining_texts = iter(texts)
        for piece in self._texts:
            if isinstance(piece, bytes):
                yield piece
            else:
                text = _with_written_references(piece.type, next(remaining_texts), self.mail.attachments)
                yield Text(piece.type, text, encode_text(piece.type, text))

    def _finish_headers(self, personal: Mapping[str, str] | None, rendered: Rendered) -> bytes:
        """Return the header fields of the caller, in a message that is rendered as a whole."""
        headers = written_headers(self.mail.headers, personal)
        return b"".join([field(name, rendered.finish_line(value)) for name, value in headers])

    def _encode_texts(self, rendered: Rendered) -> bytes:
        """Return the encoded texts of a message that is rendered as a whole."""
        texts = iter(rendered.texts)
        return b"".join(
            [
                piece
                if isinstance(piece, bytes)
                else encode_text(
                    piece.type,
                    _with_written_references(piece.type, next(texts), self.mail.attachments),
                    is_one_of_many=True,
                )
                for piece in self._texts
            ]
        )

    def _render_texts(self, values: Values, pieces: Sequence[Piece]) -> bytes:
        """Return the encoded texts in these pieces with these values."""
        plain, html = values
        if not plain:
            return self._plain_texts
        is_twofold = html is not plain
        keys = tuple(plain)
        templates = self._templates[is_twofold]
        template = templates[keys] if keys in templates else self._make_template(pieces, keys, is_twofold=is_twofold)
        in_order = [*plain.values(), *html.values()] if is_twofold else list(plain.values())
        if template is None or (filled := template.fill(in_order)) is None:
            return _join([_personal(piece, values) for piece in pieces])
        return filled

    def _make_template(self, pieces: Sequence[Piece], keys: tuple[str, ...], *, is_twofold: bool) -> Template | None:
        """Make the template for these keys. A few are cached, since most messages of a mail have the same keys."""
        templates = self._templates[is_twofold]
        is_worth_it = is_fillable(pieces, keys)
        templates[keys] = Template(pieces, keys, is_twofold=is_twofold) if is_worth_it else None
        return templates[keys]


def make_renderer(mail: Mail, public_url: str, tracking_url: str = "") -> Renderer | None:
    """Return the renderer of a mail, or None if only the values of substitutions are filled in.

    Nothing is tracked without a `tracking_url`. Raises Unrenderable if its template cannot be compiled.
    """
    rendering = rendering_of(mail) if mail.defaults or mail.rendering else Rendering()
    if (
        not any(rendering.values())
        and mail.template_id is None
        and not (mail.unsubscribe_group_id or mail.unsubscribe_url)
    ):
        texts = (mail.subject, *mail.headers.values(), *(part["value"] for part in mail.content))
        if not any(may_have_tags(text) and any(find_system_tags(text)) for text in texts):
            return None
    return Renderer(mail, rendering, public_url, tracking_url)


def date_field(moment: dt.datetime) -> bytes:
    """Return the Date field of all messages that are sent at this moment."""
    return f"Date: {format_datetime(moment)}\r\n".encode("ascii")


def _personal(piece: Piece, values: Values) -> bytes:
    if isinstance(piece, bytes):
        return piece
    replaced = substitute(piece.value, values.html if piece.is_html else values.plain)
    return piece.encoded if replaced == piece.value else encode_text(piece.type, replaced)


def _join(pieces: Sequence[Piece]) -> bytes:
    return b"".join([piece if isinstance(piece, bytes) else piece.encoded for piece in pieces])


def _addressing(personal: Mapping[str, Any], recipient: str, skip: frozenset[str]) -> tuple[bytes, tuple[str, ...]]:
    """Return the header fields that name the recipients, and the recipients of the envelope."""
    if not ("to" in personal or "cc" in personal or "bcc" in personal):
        address = wire_address(recipient)
        return b"To: %b\r\n" % address.encode(), () if address in skip else (address,)
    to = _addresses(personal.get("to")) or [Address(recipient)]
    cc = _addresses(personal.get("cc"))
    fields = address_field("To", to) + (address_field("Cc", cc) if cc else b"")
    return fields, tuple(address for address in recipients_of(personal, recipient) if address not in skip)


def recipients_of(personal: Mapping[str, Any], recipient: str) -> tuple[str, ...]:
    """Return all recipients of a message, each once, with their domains as A-labels. `recipient` is the first."""
    if not ("to" in personal or "cc" in personal or "bcc" in personal):
        return (wire_address(recipient),)
    pairs = (*(personal.get("to") or [(recipient, "")]), *(personal.get("cc") or ()), *(personal.get("bcc") or ()))
    return tuple(dict.fromkeys(wire_address(email) for email, _ in pairs))


def _addresses(pairs: Sequence[Sequence[str]] | None) -> list[Address]:
    return [Address(email, name) for email, name in pairs or ()]


class Part(NamedTuple):
    """A body part from its Content-Type on: its MIME type, its pieces, and whether it has bytes above 127."""

    type: str
    pieces: list[Piece]
    is_8bit: bool = False


def _body_of(mail: Mail, renderer: Renderer | None) -> tuple[list[Piece], bool]:
    """Return the mail's body from its Content-Type on, and whether it has bytes above 127.

    Its structure is mixed(related(alternative(texts), inlines), attachments), with each wrapper only if it has
    several parts.
    """
    contents: Iterable[tuple[str, str]]
    if renderer is None:
        contents = ((part["type"], part["value"]) for part in mail.content)
    else:
        contents = zip(renderer.types, renderer.texts, strict=True)
    texts = [_text(type, _with_written_references(type, value, mail.attachments)) for type, value in contents]
    inlines = [_attachment(item) for item in mail.attachments if item["disposition"] == "inline"]
    files = [_attachment(item) for item in mail.attachments if item["disposition"] != "inline"]
    body = _multipart(ALTERNATIVE, texts, mail.public_id)
    body = _multipart(RELATED, [body, *inlines], mail.public_id)
    body = _multipart(MIXED, [body, *files], mail.public_id)
    return body.pieces, body.is_8bit


def _text(type: str, value: str) -> Part:
    mime_type = text_type(type)
    return Part(mime_type.name, [Text(type, value, encode_text(type, value))])


def _with_written_references(type: str, text: str, attachments: Sequence[Mapping[str, str]]) -> str:
    """Return the text in which the `cid:` URLs of attachments have the form in which Content-IDs are written."""
    if not attachments or not is_html(type) or "cid:" not in text:
        return text
    return write_references(text, [item["content_id"] for item in attachments if item.get("content_id")])


def _multipart(kind: str, parts: list[Part], token: str) -> Part:
    """Return the parts under one boundary; a single part needs no wrapper.

    The token is random, so no content has it.
    """
    if len(parts) == 1:
        return parts[0]
    boundary = boundary_of(kind, token)
    # RFC 2387 section 3.1
    root = f' type="{parts[0].type}";\r\n' if kind == RELATED else ""
    is_8bit = any(part.is_8bit for part in parts)
    encoding = "Content-Transfer-Encoding: 8bit\r\n" if is_8bit else ""
    head = f'Content-Type: multipart/{kind};\r\n{root} boundary="{boundary}"\r\n{encoding}\r\n'
    pieces: list[Piece] = [head.encode("ascii")]
    for part in parts:
        pieces += [f"--{boundary}\r\n".encode("ascii"), *part.pieces, CRLF]
    return Part(f"multipart/{kind}", [*pieces, f"--{boundary}--\r\n".encode("ascii")], is_8bit)


def _attachment(item: Mapping[str, str]) -> Part:
    """Return one attachment.

    The APIs refuse an attachment that cannot be sent with its type. An attachment that was stored before they did so is
    sent as `application/octet-stream`.
    """
    try:
        file = encode_file(item.get("type") or "", item["content"])
    except Unencodable:
        file = encode_single(OCTET_STREAM, binascii.a2b_base64(item["content"]))
    head = b"".join(
        (
            type_field(file.type),
            f"Content-Transfer-Encoding: {file.encoding}\r\n".encode("ascii"),
            disposition_field(item["disposition"], item["filename"]),
            content_id_field(item.get("content_id") or ""),
            CRLF,
        )
    )
    return Part(file.type.name, [head, file.data], file.encoding == "8bit")
