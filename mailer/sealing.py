"""Seal the content of links, so that nobody can read, guess or change it.

A link must work for as long as somebody may find the mail, which is longer than the mail's history is kept. So it
contains everything that is needed, and nothing is looked up in a table. The seal is a keyed digest of the content. The
content is encrypted with a key stream made from this digest (as in RFC 5297), so without the key it can neither be read
nor altered, and the same content always has the same token.
"""

from __future__ import annotations

import binascii
import hmac
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from hashlib import blake2b, shake_256
from typing import Final

SEAL_BYTES: Final = 16
SHORT: Final = 64
"""The most bytes that BLAKE2b makes at once."""
URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


class BadLink(Exception):
    """Raised for a token that this installation has not sealed."""


class Sealer:
    """Make and read tokens with the keys of one secret. Tokens of another purpose are not valid."""

    __slots__ = ("_digest", "_stream", "_stream_key")

    def __init__(self, secret: str, purpose: bytes = b"") -> None:
        """Derive the keys of a purpose, which has at most 16 bytes, from a secret."""
        first, self._stream_key = (
            blake2b(secret.encode(), digest_size=32, person=name, salt=purpose).digest()
            for name in (b"digest", b"stream")
        )
        self._digest = blake2b(key=first, digest_size=SEAL_BYTES)
        self._stream = blake2b(key=self._stream_key)

    def seal_bytes(self, content: bytes, context: bytes = b"") -> str:
        """Return the token of a content: 22 characters or more, which need no encoding in a URL.

        It can only be read together with its context, which is not in it. All contexts have the same length.
        """
        digest = self._digest_of(content, context)
        text = b2a_base64(digest + self._mask(content, digest), newline=False)
        return text.translate(URL_SAFE, b"=").decode("ascii")

    def unseal_bytes(self, token: str, context: bytes = b"") -> bytes:
        """Return the content of a token. Raises BadLink."""
        try:
            sealed = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        except (UnicodeEncodeError, binascii.Error) as error:
            raise BadLink from error
        digest, hidden = sealed[:SEAL_BYTES], sealed[SEAL_BYTES:]
        content = self._mask(hidden, digest)
        if not hmac.compare_digest(digest, self._digest_of(content, context)):
            raise BadLink
        return content

    def _digest_of(self, content: bytes, context: bytes) -> bytes:
        digest = self._digest.copy()
        digest.update(context + content)
        return digest.digest()

    def _mask(self, data: bytes, digest: bytes) -> bytes:
        """Return the data with the digest's key stream over it; done twice, it is the data again."""
        size = len(data)
        if size <= SHORT:
            # This is half as expensive as the general case below.
            short = self._stream.copy()
            short.update(digest)
            stream = short.digest()[:size]
        else:
            stream = shake_256(self._stream_key + digest).digest(size)
        return (int.from_bytes(data) ^ int.from_bytes(stream)).to_bytes(size)
