"""An envelope as Django's e-mail backends want it: the MIME bytes for those that speak SMTP, the parts for providers.

Nobody may get it who is not in the envelope. Its recipients can be fewer than those in To and Cc, when the others have
got it already; so To and Cc are cut to the envelope here, and who is in neither is Bcc.
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
    """Raises whatever the standard library does when the content is not a message."""

    def __init__(self, envelope: Envelope, *, is_for_provider: bool) -> None:
        """Take the envelope's sender for SMTP; for a provider, which returns bounces its own way, take the author."""
        content = message_from_bytes(envelope.data, policy=policy.default)
        left = list(envelope.recipients)
        to, cc = _take_named(content, "To", left), _take_named(content, "Cc", left)
        if is_for_provider and not to and len(left) == 1:  # they want a To, and one alone learns nothing from it
            to, left = left, []
        super().__init__(
            subject=str(content.get("Subject", "")),
            to=to,
            cc=cc,
            bcc=left,
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
    """The message for a backend that asks for MIME: the envelope's bytes, while the backend changes nothing."""

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


def _take_named(content: EmailMessage, header: str, left: list[str]) -> list[str]:
    """Return the header's addresses that are among `left`, as the header writes them, and take them out of `left`."""
    named = []
    for value in content.get_all(header, []):
        for address in value.addresses:
            match = next((one for one in left if one.casefold() == address.addr_spec.casefold()), None)
            if match is not None:
                left.remove(match)
                named.append(str(address))
    return named


def _leaves(part: EmailMessage) -> Iterator[EmailMessage]:
    if part.get_content_maintype() != "multipart":
        yield part
        return
    for inner in part.iter_parts():
        yield from _leaves(cast(EmailMessage, inner))


def _bytes_of(part: EmailMessage) -> bytes:
    """Return the content of a leaf. One such as a `message/delivery-status` has parts for the parser."""
    if not part.is_multipart():
        return cast(bytes, part.get_payload(decode=True))
    return part.as_bytes(policy=policy.SMTP).partition(b"\r\n\r\n")[2]


def _text_of(part: EmailMessage) -> str:
    try:
        text = str(part.get_content())
    except LookupError:  # a charset that nobody knows
        text = cast(bytes, part.get_payload(decode=True)).decode(errors="replace")
    return text.replace("\r\n", "\n")
