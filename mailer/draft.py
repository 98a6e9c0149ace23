"""What a caller hands over: one mail with its personalizations, already validated by a dialect.

These are plain values. A dialect builds a `MailDraft` from its own wire; `pipeline/accept.py` makes rows of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


# Tuples, since a request may have thousands: a frozen dataclass takes three times as long to make.
class Address(NamedTuple):
    """A mailbox: `email` as given (never with CR, LF or NUL), `name` may be empty."""

    email: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class ContentPart:
    """One alternative body: its MIME type (`text/plain`, `text/html`, …) and its text."""

    type: str
    value: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """`content` is base64 as it came, checked; `disposition` is `attachment` or `inline`."""

    content: str
    filename: str
    type: str = ""
    disposition: str = "attachment"
    content_id: str = ""


class Personalization(NamedTuple):
    """One message: who gets it and what differs for them. Everything but `to` may be left out."""

    to: tuple[Address, ...]
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    sender: Address | None = None
    subject: str | None = None
    headers: Mapping[str, str] = NOTHING
    substitutions: Mapping[str, str] = NOTHING
    custom_args: Mapping[str, str] = NOTHING
    send_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class MailDraft:
    """One request to send. `send_at` None means now; `batch_id` None means the account's default batch."""

    sender: Address
    personalizations: tuple[Personalization, ...]
    content: tuple[ContentPart, ...]
    subject: str = ""
    attachments: tuple[Attachment, ...] = ()
    reply_to: tuple[Address, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    custom_args: Mapping[str, str] = field(default_factory=dict)
    categories: tuple[str, ...] = ()
    send_at: dt.datetime | None = None
    batch_id: str | None = None
