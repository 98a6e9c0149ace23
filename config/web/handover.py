"""Move connections to another process, with the bytes that were read of their request.

Each kind of process has one mailbox, a pair of Unix sockets that all processes inherit. The kernel keeps what is in it,
so nothing is lost when a process is replaced.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from typing import Final

MOST_BYTES: Final = 160 * 1024
"""No process has read more bytes of a request when it knows the kind."""
KIND: Final = socket.SOCK_SEQPACKET if sys.platform == "linux" else socket.SOCK_DGRAM


class Mailbox:
    """A queue of connections for the processes of one kind."""

    def __init__(self) -> None:
        self._sender, self.receiver = socket.socketpair(socket.AF_UNIX, KIND)
        for end in (self._sender, self.receiver):
            end.setblocking(False)
        with contextlib.suppress(OSError):
            self._sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * MOST_BYTES)

    def send(self, connection: socket.socket, data: bytes) -> bool:
        """Queue a connection with the bytes that begin its request; False if the queue is full."""
        if len(data) > MOST_BYTES:
            return False
        try:
            # With a prefix, because an empty packet would look like the end of the stream.
            socket.send_fds(self._sender, [b"+", data], [connection.fileno()])
        except OSError:
            return False
        return True

    def receive(self) -> tuple[socket.socket, bytes] | None:
        """Return the next connection and the bytes that begin its request, or None if no connection waits."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self.receiver, MOST_BYTES + 1, 1)
        except (BlockingIOError, InterruptedError):
            return None
        if not descriptors:
            return None
        return socket.socket(fileno=descriptors[0]), data[1:]

    def close(self) -> None:
        """Close both ends."""
        self._sender.close()
        self.receiver.close()
