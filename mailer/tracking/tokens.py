"""Seal tracked links, so that a redirect needs no table and this installation redirects to no address of a stranger.

A tracked URL has two tokens: one of the link, which the messages of a mail share, and one of the message. The link's
token cannot be read without the id of the mail, which is in the message's token, so a link of one mail does not work
with a message of another. Neither token opens the pages to unsubscribe, since readers pass tracked links on.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from functools import lru_cache
from typing import Final, NamedTuple

from django.conf import settings

from mailer.sealing import BadLink, Sealer

CONTEXT: Final = struct.Struct(">Q")
NO_MAIL: Final = bytes(CONTEXT.size)
"""The context of a message's token, which is read first."""
MESSAGE: Final = struct.Struct(">IQQB")
LINK: Final = struct.Struct(">HB")
SEVERAL: Final = 255
"""The number of the recipient of a message to several: nobody knows which of them opens it."""


class TrackedMessage(NamedTuple):
    """The message that a tracked URL is in. `recipient` is 0 if it has one recipient, else `SEVERAL`."""

    account_id: int
    mail_id: int
    message_id: int
    recipient: int


class TrackedLink(NamedTuple):
    """A link of a mail: its address, and its number among the tracked links of its part, which may be HTML."""

    url: str
    number: int
    is_html: bool


class TrackingSealer(Sealer):
    """Make and read the tokens of tracked URLs with the keys of one secret."""

    __slots__ = ()

    def __init__(self, secret: str) -> None:
        super().__init__(secret, b"tracking")

    def seal_message(self, account_id: int, mail_id: int, message_id: int, recipient: int) -> str:
        """Return the token of a `TrackedMessage`: 50 characters."""
        return self.seal_bytes(MESSAGE.pack(account_id, mail_id, message_id, recipient), NO_MAIL)

    def unseal_message(self, token: str) -> TrackedMessage:
        """Return the message of a token. Raises BadLink."""
        content = self.unseal_bytes(token, NO_MAIL)
        if len(content) != MESSAGE.size:
            raise BadLink
        return TrackedMessage(*MESSAGE.unpack(content))

    def seal_link(self, mail_id: int, url: str, number: int, is_html: bool) -> str:
        """Return the token of a `TrackedLink` of a mail."""
        return self.seal_bytes(LINK.pack(number, is_html) + url.encode(), CONTEXT.pack(mail_id))

    def unseal_link(self, mail_id: int, token: str) -> TrackedLink:
        """Return the link of a token, if it belongs to the mail. Raises BadLink."""
        content = self.unseal_bytes(token, CONTEXT.pack(mail_id))
        number, is_html = LINK.unpack_from(content)
        return TrackedLink(content[LINK.size :].decode(), number, bool(is_html))


@lru_cache(maxsize=16)
def _sealer_for(secret: str) -> TrackingSealer:
    return TrackingSealer(secret)


def sealer() -> TrackingSealer:
    """Return the sealer of this installation's SECRET_KEY."""
    return _sealer_for(settings.SECRET_KEY)


def unseal_message(token: str) -> TrackedMessage:
    """Return the message of a token that was sealed with SECRET_KEY or one of SECRET_KEY_FALLBACKS. Raises BadLink."""
    for each in _sealers():
        with suppress(BadLink):
            return each.unseal_message(token)
    raise BadLink


def unseal_click(link: str, message: str) -> tuple[TrackedMessage, TrackedLink]:
    """Return the message and the link of the two tokens of a tracked URL. Raises BadLink."""
    for sealer_ in _sealers():
        with suppress(BadLink):
            tracked = sealer_.unseal_message(message)
            return tracked, sealer_.unseal_link(tracked.mail_id, link)
    raise BadLink


def _sealers() -> list[TrackingSealer]:
    return [_sealer_for(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
