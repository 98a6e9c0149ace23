"""What a caller hands over: one mail with its personalizations, already validated by a dialect.

These are plain values. A dialect builds a `MailDraft` from its own wire; `pipeline/accept.py` makes rows of it.
"""

from __future__ import annotations

import datetime as dt
import enum
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


class Bypass(enum.IntFlag):
    """Suppressions that a mail goes out in spite of: all of them, or those of one kind. `UNSUBSCRIBES` are the global
    ones: who has left a group stays out of it."""

    NOTHING = 0
    EVERYTHING = 1
    SPAM_REPORTS = 2
    BOUNCES = 4
    UNSUBSCRIBES = 8


class Personalization(NamedTuple):
    """One message: who gets it and what differs for them. Everything but `to` may be left out.

    `merge` are values for tags, as `substitutions` are, but data and not markup: in an HTML part they are escaped.
    """

    to: tuple[Address, ...]
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    sender: Address | None = None
    subject: str | None = None
    headers: Mapping[str, str] = NOTHING
    substitutions: Mapping[str, str] = NOTHING
    custom_args: Mapping[str, str] = NOTHING
    send_at: dt.datetime | None = None
    merge: Mapping[str, str] = NOTHING


@dataclass(frozen=True, slots=True)
class MailDraft:
    """One request to send. `send_at` None means now; `batch_id` None means the account's default batch.

    `unsubscribe_group` is the id of the group it belongs to; `groups_to_display` of those that its preferences page
    offers (none: all); `unsubscribe_url` a link of the caller's that is used instead of ours.
    """

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
    unsubscribe_group: int | None = None
    groups_to_display: tuple[int, ...] = ()
    unsubscribe_url: str = ""
    bypass: Bypass = Bypass.NOTHING
