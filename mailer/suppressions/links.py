"""Seal the links to unsubscribe, so that nobody can read, guess or change their content.

A link must work as long as somebody may find the mail, which is longer than the mail's history is kept; so it brings
all that is needed, the address too, and nothing has to be found in a table. The seal is a keyed digest of what it says,
and hides it as well: encrypted with a key stream made from this digest (as RFC 5297 does) it can neither be read nor
altered without the key, and the same message always has the same link.
"""

from __future__ import annotations

import binascii
import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b, shake_256
from typing import NamedTuple

from django.conf import settings

HEAD = struct.Struct(">IIQ")
SEAL_BYTES = 16
LONGEST_ADDRESS = 400
"""The most bytes of an address in a link. A longer one would not fit into a line of a header, so its holder is asked
for it."""


class BadLink(Exception):
    """Raised for a token that this installation has not sealed."""


class Link(NamedTuple):
    """The content of a link: the address, and the group to unsubscribe from.

    `group_id` 0 means that the mail belongs to no group. `address` is a key (`address_key`); it is empty when the
    message went to several recipients, who have to enter their address.
    """

    account_id: int
    group_id: int
    message_id: int
    address: str


class Sealer:
    """Makes and reads links with the keys of one secret."""

    __slots__ = ("_digest", "_stream_key")

    def __init__(self, secret: str) -> None:
        first, self._stream_key = (
            blake2b(secret.encode(), digest_size=32, person=name).digest() for name in (b"digest", b"stream")
        )
        self._digest = blake2b(key=first, digest_size=SEAL_BYTES)

    def seal(self, account_id: int, group_id: int, message_id: int, address: str) -> str:
        """Return the token of a `Link`: 43 characters or more, which need no encoding in a URL."""
        content = HEAD.pack(account_id, group_id, message_id)
        last = address.encode()
        if len(last) <= LONGEST_ADDRESS:
            content += last
        digest = self._digest_of(content)
        return urlsafe_b64encode(digest + self._mask(content, digest)).rstrip(b"=").decode()

    def unseal(self, token: str) -> Link:
        """Return the link in a token. Raises BadLink."""
        try:
            sealed = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        except (UnicodeEncodeError, binascii.Error) as error:
            raise BadLink from error
        digest, hidden = sealed[:SEAL_BYTES], sealed[SEAL_BYTES:]
        content = self._mask(hidden, digest)
        if not hmac.compare_digest(digest, self._digest_of(content)):
            raise BadLink
        account_id, group_id, message_id = HEAD.unpack_from(content)
        return Link(account_id, group_id, message_id, content[HEAD.size :].decode())

    def _digest_of(self, content: bytes) -> bytes:
        digest = self._digest.copy()
        digest.update(content)
        return digest.digest()

    def _mask(self, data: bytes, digest: bytes) -> bytes:
        """Return the data with the digest's key stream over it; done twice, it is the data again."""
        size = len(data)
        stream = shake_256(self._stream_key + digest).digest(size)
        return (int.from_bytes(data) ^ int.from_bytes(stream)).to_bytes(size)


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
