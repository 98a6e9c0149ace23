"""Compose mails, and read the messages with a reader's parser."""

from __future__ import annotations

import datetime as dt
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from mailer.compose.mime import Composer, date_field
from mailer.compose.template import unify_breaks
from mailer.models import Mail
from mailer.transports.base import Envelope

DATE = dt.datetime(2026, 11, 20, 10, 53, tzinfo=dt.UTC)

PLAIN = {"type": "text/plain", "value": "Hello -name-\n"}

HTML = {"type": "text/html", "value": "<p>Hello -name-</p>"}


def compose(personal: dict[str, Any] | None = None, *, to: str = "to@example.com", **fields: Any) -> Envelope:
    values = {"sender": "from@example.com", "subject": "Hello", "content": [PLAIN], "public_id": "A" * 22, **fields}
    mail = Mail(**values)
    return Composer(mail, message_id_domain="sluice.test", public_url="https://sluice.test").compose(
        512, to, personal, date=date_field(DATE)
    )


def parse(envelope: Envelope) -> EmailMessage:
    assert b"\n" not in envelope.data.replace(b"\r\n", b"")
    assert max(map(len, envelope.data.split(b"\r\n"))) <= 998
    message = message_from_bytes(envelope.data, policy=policy.default)
    assert not message.defects
    return message


def read(part: bytes) -> str:
    """Return the text that a reader sees, with LF as line end."""
    content = message_from_bytes(part, policy=policy.default).get_payload(decode=True)
    assert isinstance(content, bytes)
    return unify_breaks(content.decode())
