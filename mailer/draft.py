"""Describe a request to send: one mail with its personalizations, already validated by a dialect.

These are plain values. A dialect builds a `MailDraft` from the bodies of its API; `pipeline/accept.py` makes rows of
it.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypedDict

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
    """An attachment. `content` is the checked base64 of the request; `disposition` is `attachment` or `inline`."""

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


class FooterTexts(TypedDict):
    """A footer as plain text and as HTML; either may be empty."""

    text: str
    html: str


class SubscriptionTexts(FooterTexts):
    """The texts with a link to unsubscribe, and a tag that is replaced by its address instead of them."""

    tag: str


class ClickTracking(TypedDict):
    """The setting that clicks are tracked: in HTML, and in plain text only if `in_text` is true."""

    in_text: bool


class Rendering(TypedDict, total=False):
    """The changes to the content of a mail, as they are stored in the mail and as defaults in its account.

    A key of the mail's own rendering overrides the account's default; null means that the default is off.
    """

    sections: Mapping[str, str]
    """Texts by their keys. Values of substitutions may name them."""
    footer: FooterTexts | None
    subscription: SubscriptionTexts | None
    """Subscription tracking: the mail has a link to unsubscribe from everything. `unsubscribe_group` replaces it."""
    clicks: ClickTracking | None
    """Clicks are tracked: links lead over this installation."""
    opens: bool
    """Opens are tracked: HTML gets a pixel, last in the body unless it has one of `pixel_tags`."""
    pixel_tags: Sequence[str]
    """Tags that are replaced by the pixel, or by nothing if opens are not tracked."""
    utm: Mapping[str, str] | None
    """Parameters for Google Analytics that links get unless they have them."""
    wrapper: str | None
    """HTML into which the mail's HTML is put, at `<% body %>`."""
    handlebars: bool
    """Subject and content are templates, which are filled with the data of each message."""
    brings_tags: bool
    """Values of messages may contain system tags. Accept decides it."""


PLAIN_RENDERING: Final[Rendering] = {
    "footer": None,
    "subscription": None,
    "wrapper": None,
    "clicks": None,
    "opens": False,
    "utm": None,
}
"""The rendering of a mail that the defaults of its account leave unchanged."""


class Personalization(NamedTuple):
    """A message: its recipients, and its differences from the mail. Everything but `to` may be left out.

    `merge` has values for tags as `substitutions` does, but as data and not as markup: in an HTML part they are
    escaped. `data` fills a dynamic template.
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
    data: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class MailDraft:
    """A request to send. `send_at` None means now; `batch_id` None means the account's default batch.

    `unsubscribe_group` is the id of the group that the mail belongs to; `groups_to_display` has the ids of the groups
    that its preferences page offers (none: all); `unsubscribe_url` is a link of the caller that replaces ours.
    `template` is the id of the `VersionContent` that the mail is made with.
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
    template: int | None = None
    rendering: Rendering | None = None
