"""Show a message to a person: headers, parts as text, names of attachments. It is never sent.

Nothing in it may run or load anything: HTML is shown as source, or in a frame without scripts, forms, a referrer or a
network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from django.conf import settings

from mailer.compose.caller_headers import fill_reply_to, message_id_of, written_headers
from mailer.compose.headers import is_html, written_value
from mailer.compose.mime import make_renderer
from mailer.compose.source import Unrenderable, subject_with_data
from mailer.compose.template import TextTooLong, substitute, values_of
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
    """Return one accepted message as it is sent. A message that cannot be rendered is shown without its values."""
    personal: Mapping[str, Any] = message.personal or {}
    texts = _texts_of(message, mail)
    return Preview(
        headers=list(_headers(message, mail, personal, texts)),
        parts=[Part(type, text[:LONGEST_TEXT]) for type, text in texts.parts],
        attached=[
            Attached(item["filename"], item.get("type") or "", len(item["content"]) * 3 // 4)
            for item in mail.attachments
        ],
    )


def subject_of(message: Message, mail: Mail) -> str:
    """Return the subject of one message for a list: without the mail's content, and with its tags unchanged."""
    personal: Mapping[str, Any] = message.personal or {}
    try:
        return substitute(subject_with_data(mail, personal), values_of(personal).plain)
    except (Unrenderable, TextTooLong):
        return str(personal.get("subject") or mail.subject)


class Texts(NamedTuple):
    """The subject and the bodies of a message, and a function that finishes the value of a header."""

    subject: str
    parts: list[tuple[str, str]]
    finish_line: Callable[[str], str]


def _texts_of(message: Message, mail: Mail) -> Texts:
    """Return the texts of a message; the stored texts, without values, if the message cannot be rendered.

    Such a message is refused when it is due.
    """
    try:
        return finished_texts(message, mail)
    except (Unrenderable, TextTooLong):
        subject = str((message.personal or {}).get("subject") or mail.subject)
        return Texts(subject, [(part["type"], part["value"]) for part in mail.content], str)


def finished_texts(message: Message, mail: Mail) -> Texts:
    """Return the texts of a message as the composer makes them. Raises Unrenderable and TextTooLong."""
    personal: Mapping[str, Any] = message.personal or {}
    renderer = make_renderer(mail, settings.PUBLIC_URL)
    if renderer is None:
        plain, html = values_of(personal)
        parts = [(part["type"], part["value"]) for part in mail.content]
        filled = [(type, substitute(text, html if is_html(type) else plain)) for type, text in parts]
        return Texts(subject_of(message, mail), filled, partial(substitute, values=plain))
    rendered = renderer.render(message.pk, message.recipient, personal)
    return Texts(rendered.subject, list(zip(renderer.types, rendered.texts, strict=True)), rendered.finish_line)


def _headers(message: Message, mail: Mail, personal: Mapping[str, Any], texts: Texts) -> Iterable[tuple[str, str]]:
    yield "From", _mailboxes([personal.get("from") or [mail.sender, mail.sender_name]])
    yield "To", _mailboxes(personal.get("to") or [[message.recipient, ""]])
    for name, addresses in (
        ("Cc", personal.get("cc")),
        ("Bcc", personal.get("bcc")),
        ("Reply-To", _reply_to(mail, personal)),
    ):
        if addresses:
            yield name, _mailboxes(addresses)
    yield "Subject", texts.subject
    yield "Message-ID", message_id_of(mail, message.pk, personal, domain=settings.MESSAGE_ID_DOMAIN)
    for name, value in written_headers(mail.headers, personal.get("headers")):
        yield name, written_value(name, texts.finish_line(value))


def _reply_to(mail: Mail, personal: Mapping[str, Any]) -> Sequence[Sequence[str]]:
    addresses = [Address(email, name) for email, name in mail.reply_to]
    return fill_reply_to(addresses, personal.get("substitutions") or {}) or addresses


def _mailboxes(pairs: Iterable[Sequence[str]]) -> str:
    return ", ".join(f"{name} <{email}>" if name else email for email, name in pairs)
