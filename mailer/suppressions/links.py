"""Seal the links to unsubscribe (`mailer/sealing.py`). They contain the address, too, so nothing has to be stored."""

from __future__ import annotations

import struct
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple

from django.conf import settings

from mailer import sealing
from mailer.sealing import BadLink

HEAD = struct.Struct(">IIQ")
LONGEST_ADDRESS = 400
"""The most bytes of an address in a link. A longer one would not fit into a line of a header, so its holder is asked
for it."""


class Link(NamedTuple):
    """The content of a link: the address, and the group to unsubscribe from.

    `group_id` 0 means that the mail belongs to no group. `address` is a key (`address_key`); it is empty when the
    message went to several recipients, who have to enter their address.
    """

    account_id: int
    group_id: int
    message_id: int
    address: str


class Sealer(sealing.Sealer):
    """Make and read links with the keys of one secret."""

    __slots__ = ()

    def seal(self, account_id: int, group_id: int, message_id: int, address: str) -> str:
        """Return the token of a `Link`: 43 characters or more, which need no encoding in a URL."""
        content = HEAD.pack(account_id, group_id, message_id)
        last = address.encode()
        if len(last) <= LONGEST_ADDRESS:
            content += last
        return self.seal_bytes(content)

    def unseal(self, token: str) -> Link:
        """Return the link in a token. Raises BadLink."""
        content = self.unseal_bytes(token)
        account_id, group_id, message_id = HEAD.unpack_from(content)
        return Link(account_id, group_id, message_id, content[HEAD.size :].decode())


@lru_cache(maxsize=16)
def _sealer_for(secret: str) -> Sealer:
    return Sealer(secret)


def sealer() -> Sealer:
    """Return the sealer of this installation's SECRET_KEY."""
    return _sealer_for(settings.SECRET_KEY)


def seal(link: Link) -> str:
    """Return the token of a link."""
    return sealer().seal(*link)


def unseal(token: str) -> Link:
    """Return the link of a token that was sealed with SECRET_KEY or one of SECRET_KEY_FALLBACKS. Raises BadLink."""
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        with suppress(BadLink):
            return _sealer_for(secret).unseal(token)
    raise BadLink
