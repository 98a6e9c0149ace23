"""Keep the open connections of a process: their number, the events that the loop waits for, and the room for bodies."""

from __future__ import annotations

import logging
import selectors
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from config.web.answers import ClientGone
from config.web.connection import Connection, State
from config.web.options import Options
from config.web.requests import IN_MEMORY_BYTES

log = logging.getLogger(__name__)

READ: Final = selectors.EVENT_READ
WRITE: Final = selectors.EVENT_WRITE


class Clients:
    """The connections, within the limits of the process. Only the loop calls the methods."""

    def __init__(self, selector: selectors.BaseSelector, options: Options) -> None:
        self._selector = selector
        self._options = options
        self._open: set[Connection] = set()
        self._by_address: Counter[str] = Counter()
        self.spooled_bytes = 0
        """The size of all bodies over `IN_MEMORY_BYTES` that are being received or answered."""

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Connection]:
        """Yield the connections that are open now, whatever is done with them meanwhile."""
        return iter(list(self._open))

    def __contains__(self, connection: Connection) -> bool:
        return connection in self._open

    def has_room_for(self, address: str) -> bool:
        """Return whether this address may have another connection."""
        per_address = self._options.per_address
        return not per_address or self._by_address[address] < per_address

    def add(self, sock: socket.socket, when_unsent: Callable[[Connection], None]) -> Connection | None:
        """Add a connection and wait for its request; None if the client has closed it already."""
        sock.setblocking(False)
        if len(self._open) >= self._options.connections:
            self.make_room()
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(sock, self._options, when_unsent)
        except OSError:
            sock.close()
            return None
        self._open.add(connection)
        self._by_address[str(connection.address[0])] += 1
        self.listen(connection, READ)
        return connection

    def make_room(self) -> None:
        """Close the connection that has waited longest, of the address that has the most."""
        waiting = [connection for connection in self._open if connection.state is not State.RUNNING]
        if waiting:
            self.close(
                max(waiting, key=lambda connection: (self._by_address[str(connection.address[0])], -connection.since))
            )

    def listen(self, connection: Connection, interest: int) -> None:
        """Let the loop wait for these events of a connection, and for no others."""
        if interest == connection.interest:
            return
        if not connection.interest:
            self._selector.register(connection.socket, interest, connection)
        elif not interest:
            self._selector.unregister(connection.socket)
        else:
            self._selector.modify(connection.socket, interest, connection)
        connection.interest = interest

    def close(self, connection: Connection) -> None:
        """Close a connection, and free what its request holds unless a thread still uses it."""
        if connection not in self._open:
            return
        self.forget(connection)
        if connection.state is not State.RUNNING:
            connection.request.close()
        connection.close()

    def forget(self, connection: Connection) -> None:
        """Take a connection off the list, and give its room back."""
        self.listen(connection, 0)
        self._open.discard(connection)
        address = str(connection.address[0])
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
        self.release(connection)

    @contextmanager
    def guarding(self, connection: Connection) -> Iterator[None]:
        """Close this connection if anything goes wrong with it, and only this one."""
        try:
            yield
        except (OSError, ClientGone):
            self.close(connection)
        except Exception:
            log.exception("a connection failed and is closed")
            self.close(connection)

    def reserve(self, connection: Connection, size: int) -> bool:
        """Reserve room for a body of this size, and return whether there was room.

        It is called again as a chunked body grows.
        """
        more = size - connection.reserved_bytes if size > IN_MEMORY_BYTES else 0
        if self.spooled_bytes + more > self._options.spool_bytes:
            return False
        self.spooled_bytes += more
        connection.reserved_bytes += more
        return True

    def release(self, connection: Connection) -> None:
        """Give back the room for the body of a connection."""
        self.spooled_bytes -= connection.reserved_bytes
        connection.reserved_bytes = 0
