"""A request to send: one mail with its personalizations, already validated by a dialect.

These are plain values. A dialect builds a `MailDraft` from the bodies of its API; `pipeline/accept.py` makes rows of
it.
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
    """An alternative body: its MIME type (`text/plain`, `text/html`, …) and its text."""

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
    """The suppressions that a mail ignores: all of them, or those of one kind.

    `UNSUBSCRIBES` are the global ones: a recipient who has unsubscribed from a group stays unsubscribed.
    """

    NOTHING = 0
    EVERYTHING = 1
    SPAM_REPORTS = 2
    BOUNCES = 4
    UNSUBSCRIBES = 8


class Personalization(NamedTuple):
    """A message: its recipients, and its differences from the mail. Everything but `to` may be left out.

    `merge` has values for tags as `substitutions` does, but as data and not as markup: in an HTML part they are
    escaped.
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
    """A request to send. `send_at` None means now; `batch_id` None means the account's default batch.

    `unsubscribe_group` is the id of the group that the mail belongs to; `groups_to_display` has the ids of the groups
    that its preferences page offers (none: all); `unsubscribe_url` is a link of the caller that replaces ours.
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
