"""Make an envelope a message for Django's e-mail backends: MIME bytes for SMTP backends, parts for providers.

A recipient who is not in the envelope must not get the message. To and Cc may name more recipients than the envelope,
if some have got the message already. So To and Cc are cut to the envelope here, and recipients in neither are Bcc.
"""

from __future__ import annotations

from collections.abc import Iterator
from email import encoders, message_from_bytes, policy
from email.message import EmailMessage, Message
from email.mime.base import MIMEBase
from typing import Any, cast

from django.core.mail import EmailMultiAlternatives

from mailer.transports.base import Envelope

NOT_EXTRA = frozenset({"from", "to", "cc", "bcc", "reply-to", "subject", "mime-version", "return-path"})
"""Headers that Django's message has as attributes, or that do not describe the content."""


class EnvelopeMessage(EmailMultiAlternatives):
    """A message of Django for an envelope. Raises the standard library's exceptions if the content is not a message."""

    def __init__(self, envelope: Envelope, *, is_for_provider: bool) -> None:
        """Take the envelope's sender for SMTP. Take the author for a provider, since it handles bounces itself."""
        content = message_from_bytes(envelope.data, policy=policy.default)
        unnamed = list(envelope.recipients)
        to, cc = _take_named(content, "To", unnamed), _take_named(content, "Cc", unnamed)
        if is_for_provider and not to and len(unnamed) == 1:  # providers want a To; to one recipient it reveals nothing
            to, unnamed = unnamed, []
        super().__init__(
            subject=str(content.get("Subject", "")),
            to=to,
            cc=cc,
            bcc=unnamed,
            reply_to=_addresses(content, "Reply-To"),
            headers={name: str(value) for name, value in content.items() if _is_extra(name)},
        )
        self.from_email = str(content.get("From", "")) if is_for_provider else envelope.sender
        self._data = envelope.data
        for part in _leaves(content):
            self._add_part(part)

    def message(self) -> Any:  # type: ignore[override]
        return RawMessage.parse(self._data)

    def _add_part(self, part: EmailMessage) -> None:
        mimetype = part.get_content_type()
        if part.get_content_maintype() != "text" or part.is_attachment() or part.get_filename():
            self._add_attachment(part)
        elif mimetype == "text/plain" and not self.body and not self.alternatives:
            self.body = _text_of(part)
        elif mimetype == "text/html" and not self.body and not self.alternatives:
            self.body, self.content_subtype = _text_of(part), "html"
        else:
            self.attach_alternative(_text_of(part), mimetype)

    def _add_attachment(self, part: EmailMessage) -> None:
        if part.get_content_type() == "message/rfc822":
            self.attach(part.get_filename(), part.get_content().as_bytes(), "message/rfc822")
            return
        copy = MIMEBase(part.get_content_maintype(), part.get_content_subtype())
        for name, value in part.items():
            if name.lower().startswith("content-") and name.lower() != "content-transfer-encoding":
                del copy[name]
                copy[name] = str(value)
        copy.set_payload(_bytes_of(part))
        encoders.encode_base64(copy)
        self.attach(copy)


class RawMessage(Message):
    """The message for a backend that asks for MIME: the bytes of the envelope, unless the backend changes something."""

    _data = b""
    _as_parsed = b""

    @classmethod
    def parse(cls, data: bytes) -> RawMessage:
        message = message_from_bytes(data, _class=cls)
        message._data, message._as_parsed = data, Message.as_bytes(message)
        return message

    def as_bytes(self, unixfrom: bool = False, policy: Any = None, linesep: str = "\n") -> bytes:
        """Return the message as it was composed. `linesep` is Django's addition; its SMTP backend asks for CRLF."""
        written = super().as_bytes(unixfrom=unixfrom, **({"policy": policy} if policy else {}))
        if written == self._as_parsed:
            written = self._data
        written = written.replace(b"\r\n", b"\n")
        return written if linesep == "\n" else written.replace(b"\n", linesep.encode())


def _is_extra(name: str) -> bool:
    return name.lower() not in NOT_EXTRA and not name.lower().startswith("content-")


def _addresses(content: EmailMessage, header: str) -> list[str]:
    return [str(address) for value in content.get_all(header, []) for address in value.addresses]


def _take_named(content: EmailMessage, header: str, recipients: list[str]) -> list[str]:
    """Return the addresses of a header that are among `recipients`, as it writes them, and remove them from there."""
    named_addresses = []
    for value in content.get_all(header, []):
        for address in value.addresses:
            key = address.addr_spec.casefold()
            match = next((recipient for recipient in recipients if recipient.casefold() == key), None)
            if match is not None:
                recipients.remove(match)
                named_addresses.append(str(address))
    return named_addresses


def _leaves(part: EmailMessage) -> Iterator[EmailMessage]:
    if part.get_content_maintype() != "multipart":
        yield part
        return
    for inner in part.iter_parts():
        yield from _leaves(cast(EmailMessage, inner))


def _bytes_of(part: EmailMessage) -> bytes:
    """Return the content of a leaf. The parser gives some leaves parts, such as a `message/delivery-status`."""
    if not part.is_multipart():
        return cast(bytes, part.get_payload(decode=True))
    return part.as_bytes(policy=policy.SMTP).partition(b"\r\n\r\n")[2]


def _text_of(part: EmailMessage) -> str:
    try:
        text = str(part.get_content())
    except LookupError:  # an unknown charset
        text = cast(bytes, part.get_payload(decode=True)).decode(errors="replace")
    return text.replace("\r\n", "\n")
