"""Encrypt and decrypt bytes with TLS, without using the socket.

The connection must know exactly which bytes the kernel has taken, and so whether a final dot was written. So OpenSSL
works on memory buffers, and only one place writes to the socket.
"""

from __future__ import annotations

import ssl


class Tls:
    """A TLS session, client side."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._session = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._early = b""
        self._is_established = False
        self.is_closed = False
        """True once the peer has ended the session: nothing more will come."""

    @property
    def version(self) -> str:
        """Return the version that was agreed on, or an empty string before the handshake."""
        return self._session.version() or ""

    def start(self) -> None:
        """Begin the handshake; `take_outgoing()` then has its first bytes."""
        self._shake_hands()

    def seal(self, plain: bytes) -> bytes:
        """Return the encrypted bytes to write. Before the handshake is over, bytes wait and are written after it."""
        if not self._is_established:
            self._early += plain
            return b""
        remaining_bytes = memoryview(plain)
        while remaining_bytes:
            remaining_bytes = remaining_bytes[self._session.write(remaining_bytes) :]
        return self._outgoing.read()

    def unseal(self, sealed: bytes) -> bytes:
        """Return the plain bytes in these. Raises ssl.SSLError (certificate, protocol)."""
        self._incoming.write(sealed)
        if not self._is_established:
            self._shake_hands()
        plain: list[bytes] = []
        while self._is_established:
            try:
                piece = self._session.read(16_384)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLZeroReturnError:
                piece = b""
            if not piece:
                self.is_closed = True
                break
            plain.append(piece)
        return b"".join(plain)

    def take_outgoing(self) -> bytes:
        """Return the session's own bytes to write: handshake, key updates, alerts."""
        return self._outgoing.read()

    def _shake_hands(self) -> None:
        try:
            self._session.do_handshake()
        except ssl.SSLWantReadError:
            return
        self._is_established = True
        if self._early:
            self._session.write(self._early)
            self._early = b""
