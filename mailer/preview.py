"""A message for a person's eyes: headers, parts as text, names of attachments. Never for the wire.

Nothing of it may run or load anything: HTML is shown as source, or in a frame without scripts, forms, a referrer or a
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
"""Put before an HTML part: the sandbox forbids scripts, this forbids images that tell their sender who looked."""


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
    said: Mapping[str, Any] = message.personal or {}
    values = values_of(said)
    return Preview(
        headers=list(_headers(message, mail, said, values.plain)),
        parts=[_part(part["type"], part["value"], values) for part in mail.content],
        attached=[
            Attached(item["filename"], item.get("type") or "", len(item["content"]) * 3 // 4)
            for item in mail.attachments
        ],
    )


def subject_of(message: Message, mail: Mail) -> str:
    """Return the subject of one message of a mail."""
    said: Mapping[str, Any] = message.personal or {}
    return _fill(said.get("subject") or mail.subject, values_of(said).plain)


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
    message: Message, mail: Mail, said: Mapping[str, Any], values: Mapping[str, str]
) -> Iterable[tuple[str, str]]:
    yield "From", _mailboxes([said.get("from") or [mail.sender, mail.sender_name]])
    yield "To", _mailboxes(said.get("to") or [[message.recipient, ""]])
    for name, addresses in (("Cc", said.get("cc")), ("Bcc", said.get("bcc")), ("Reply-To", _reply_to(mail, said))):
        if addresses:
            yield name, _mailboxes(addresses)
    yield "Subject", subject_of(message, mail)
    yield "Message-ID", message_id_of(mail, message.pk, said, domain=settings.MESSAGE_ID_DOMAIN)
    for name, value in written_headers(mail.headers, said.get("headers")):
        yield name, written_value(name, _fill(value, values))


def _reply_to(mail: Mail, said: Mapping[str, Any]) -> Sequence[Sequence[str]]:
    own = [Address(email, name) for email, name in mail.reply_to]
    return fill_reply_to(own, said.get("substitutions") or {}) or own


def _mailboxes(pairs: Iterable[Sequence[str]]) -> str:
    return ", ".join(f"{name} <{email}>" if name else email for email, name in pairs)
