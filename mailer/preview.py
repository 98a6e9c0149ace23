"""Show a message to a person: headers, parts as text, names of attachments. It is never sent.

Nothing in it may run or load anything: HTML is shown as source, or in a frame without scripts, forms, a referrer or a
network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from mailer.compose.caller_headers import fill_reply_to, message_id_of, written_headers
from mailer.compose.headers import is_html, written_value
from mailer.compose.template import TextTooLong, Values, substitute, values_of
from mailer.draft import Address
from mailer.models import Mail, Message

LONGEST_TEXT = 100_000
FRAME_POLICY = (
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'\">"
    '<meta name="referrer" content="no-referrer">'
)
"""The policy before an HTML part. It forbids images, which would report to their sender. The sandbox forbids
scripts."""


@dataclass(frozen=True, slots=True)
class Part:
    """A body: its MIME type and its text, cut at `LONGEST_TEXT`."""

    type: str
    text: str

    @property
    def is_html(self) -> bool:
        return is_html(self.type)

    @property
    def framed(self) -> str:
        """Return the text for the `srcdoc` of a sandboxed frame. The template escapes it as an attribute."""
        return FRAME_POLICY + self.text


@dataclass(frozen=True, slots=True)
class Attached:
    """An attachment's name, type and size in bytes."""

    filename: str
    type: str
    size: int


@dataclass(slots=True)
class Preview:
    """The parts of one message that a page shows."""

    headers: list[tuple[str, str]] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    attached: list[Attached] = field(default_factory=list)


def preview_message(message: Message, mail: Mail) -> Preview:
    """Return one accepted message with its values. The tags that become links stay unchanged."""
    personal: Mapping[str, Any] = message.personal or {}
    values = values_of(personal)
    return Preview(
        headers=list(_headers(message, mail, personal, values.plain)),
        parts=[_part(part["type"], part["value"], values) for part in mail.content],
        attached=[
            Attached(item["filename"], item.get("type") or "", len(item["content"]) * 3 // 4)
            for item in mail.attachments
        ],
    )


def subject_of(message: Message, mail: Mail) -> str:
    """Return the subject of one message of a mail."""
    personal: Mapping[str, Any] = message.personal or {}
    return _fill(personal.get("subject") or mail.subject, values_of(personal).plain)


def _part(type: str, text: str, values: Values) -> Part:
    return Part(type, _fill(text, values.html if is_html(type) else values.plain)[:LONGEST_TEXT])


def _fill(text: str, values: Mapping[str, str]) -> str:
    """Return the text with its values; without them if that would be too long.

    Such a message is refused when it is due.
    """
    try:
        return substitute(text, values)
    except TextTooLong:
        return text


def _headers(
    message: Message, mail: Mail, personal: Mapping[str, Any], values: Mapping[str, str]
) -> Iterable[tuple[str, str]]:
    yield "From", _mailboxes([personal.get("from") or [mail.sender, mail.sender_name]])
    yield "To", _mailboxes(personal.get("to") or [[message.recipient, ""]])
    for name, addresses in (
        ("Cc", personal.get("cc")),
        ("Bcc", personal.get("bcc")),
        ("Reply-To", _reply_to(mail, personal)),
    ):
        if addresses:
            yield name, _mailboxes(addresses)
    yield "Subject", subject_of(message, mail)
    yield "Message-ID", message_id_of(mail, message.pk, personal, domain=settings.MESSAGE_ID_DOMAIN)
    for name, value in written_headers(mail.headers, personal.get("headers")):
        yield name, written_value(name, _fill(value, values))


def _reply_to(mail: Mail, personal: Mapping[str, Any]) -> Sequence[Sequence[str]]:
    own = [Address(email, name) for email, name in mail.reply_to]
    return fill_reply_to(own, personal.get("substitutions") or {}) or own


def _mailboxes(pairs: Iterable[Sequence[str]]) -> str:
    return ", ".join(f"{name} <{email}>" if name else email for email, name in pairs)
