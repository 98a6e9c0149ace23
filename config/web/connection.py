"""Define a client's connection. The loop owns it; the thread that runs its view calls only `write`."""

from __future__ import annotations

import contextlib
import enum
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from waitress.buffers import OverflowableBuffer

from config.web.answers import ClientGone
from config.web.options import Options
from config.web.requests import Request

SEND_BYTES: Final = 256 * 1024
UNSENT_IN_MEMORY: Final = 2**20
"""The part of an unread answer that is kept in memory; the rest goes to a file."""
MOST_UNSENT: Final = 64 * 2**20
"""A view waits when more bytes of its answer than these are unread. Only downloads of files are that large."""
LINGER_SECONDS: Final = 2.0
"""The time a client has to read a refusal before its connection is reset."""


class State(enum.Enum):
    """The states of a connection, by what it waits for."""

    IDLE = enum.auto()
    """The first byte of a request."""
    READING = enum.auto()
    """The other bytes of a request."""
    RUNNING = enum.auto()
    """A thread, or the end of its work."""
    WRITING = enum.auto()
    """The client, to read the answer."""
    LINGERING = enum.auto()
    """The client, to close its side after a refusal."""


class Connection:
    """A client's connection with the request that is being read or answered, and the unsent part of its answer."""

    def __init__(self, sock: socket.socket, options: Options, when_unsent: Callable[[Connection], None]) -> None:
        self.socket = sock
        self.address: tuple[Any, ...] = sock.getpeername()
        self.state = State.IDLE
        self.request = Request()
        self.is_routed = False
        self.reserved_bytes = 0
        """The share of this connection in `Server.spooled_bytes`."""
        self.pending = b""
        """Bytes that followed a request that is not answered yet."""
        self.has_ended = False
        """True once the client has closed its side."""
        self.keeps_open = True
        self.interest = 0
        self._options = options
        self.since = time.monotonic()
        self._when_unsent = when_unsent
        self._changed = threading.Condition()
        self._unsent: Any = OverflowableBuffer(UNSENT_IN_MEMORY)
        self._written = 0
        self._is_closed = False

    def enter(self, state: State) -> None:
        """Change the state and start its deadline."""
        self.state = state
        self.since = time.monotonic()
        self._written = 0

    def begin_body(self) -> None:
        """Start the deadline of the body."""
        self.since = time.monotonic()

    def next_request(self) -> None:
        """Wait for the next request."""
        self.request, self.is_routed = Request(), False
        self.enter(State.IDLE)

    @property
    def deadline(self) -> float:
        """Return the time of the monotonic clock at which the loop gives up."""
        return self.since + self._patience()

    def _patience(self) -> float:
        options, request = self._options, self.request
        if self.state is State.IDLE:
            return options.idle_seconds
        if self.state is State.READING and not request.has_head:
            return options.head_seconds
        if self.state is State.READING:
            return options.transfer_seconds(request.length or request.body_bytes)
        if self.state is State.LINGERING:
            return LINGER_SECONDS
        if self.state is State.RUNNING and not self.unsent_bytes:
            return float("inf")
        return options.transfer_seconds(self._written)

    @property
    def unsent_bytes(self) -> int:
        return int(self._unsent.__len__())

    def write(self, data: bytes) -> None:
        """Send bytes of the answer. The loop sends those that the client does not read at once. Raises ClientGone."""
        with self._changed:
            if not self._written:
                # The deadline of the answer counts from its first byte.
                self.since = time.monotonic()
            self._written += len(data)
            if not self.unsent_bytes:
                data = data[self._send(data) :]
            if data:
                self._check_open()
                self._unsent.append(data)
                self._when_unsent(self)
            self._changed.wait_for(lambda: self._is_closed or self.unsent_bytes <= MOST_UNSENT)
            self._check_open()

    def flush(self) -> None:
        """Send as much of the unsent bytes as the client reads now. Raises ClientGone."""
        with self._changed:
            while self.unsent_bytes:
                sent = self._send(self._unsent.get(SEND_BYTES))
                if not sent:
                    break
                self._unsent.skip(sent, True)
            self._changed.notify_all()

    def _send(self, data: bytes) -> int:
        self._check_open()
        try:
            return self.socket.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            raise ClientGone from error

    def _check_open(self) -> None:
        if self._is_closed:
            raise ClientGone

    def close(self) -> None:
        """Close the connection. A view that is still writing gets ClientGone."""
        with self._changed:
            self._is_closed = True
            self._unsent.close()
            self._changed.notify_all()
            with contextlib.suppress(OSError):
                self.socket.close()
