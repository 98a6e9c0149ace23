"""Run the loop of a process, which accepts connections and reads, queues and answers their requests.

`reading.py` turns bytes into requests and queues them for the threads; `answering.py` writes what the threads could not
send. The loop runs no view and no query, so no call can keep it from the next connection for long.
"""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.db import connections

from config.web.answering import Answering
from config.web.answers import Application, refusal
from config.web.clients import READ, Clients
from config.web.connection import Connection, State
from config.web.handover import Mailbox
from config.web.kinds import Kind
from config.web.lanes import Lane
from config.web.options import Options
from config.web.reading import Reading

TICK_SECONDS: Final = 0.2
"""The interval at which deadlines are checked."""
STOPPING_SECONDS: Final = 2.0
"""The time in which a partly received request must be complete when the server stops."""


def nothing() -> None:
    """Do nothing."""


class Server:
    """The connections of one process."""

    def __init__(
        self,
        application: Application,
        kind: Kind,
        options: Options,
        mailboxes: Mapping[Kind, Mailbox],
        *,
        listener: socket.socket | None,
        name: tuple[Any, ...],
    ) -> None:
        self._kind = kind
        self._options = options
        self._mailboxes = mailboxes
        self._listener = listener
        self._selector = selectors.DefaultSelector()
        self._clients = Clients(self._selector, options)
        self._answering = Answering(
            application,
            clients=self._clients,
            name=name,
            wake=self.wake,
            is_stopping=lambda: self._is_stopping,
            feed=lambda connection, data: self._reading.feed(connection, data),
        )
        self._lane: Lane[Connection] = Lane(
            kind.value, self._answering.run_view, threads=options.threads, waiting=options.waiting
        )
        self._reading = Reading(kind, mailboxes, clients=self._clients, lane=self._lane, answering=self._answering)
        self._is_asked_to_stop = False
        self._stop_at = float("inf")
        self._waker, self._wakened = os.pipe()
        for end in (self._waker, self._wakened):
            os.set_blocking(end, False)

    def run(self, *, lifeline: int, beat: Callable[[], None], first: Callable[[], None] = nothing) -> None:
        """Serve until `ask_to_stop`, or until the supervisor, which holds the other end of `lifeline`, has ended.

        `beat` is called in every turn, `first` by each thread before its first request.
        """
        self._lane.start(first=first, last=connections.close_all)
        self._selector.register(self._waker, READ, self._drain_waker)
        self._selector.register(lifeline, READ, lambda: self._end_life(lifeline))
        self._selector.register(self._mailboxes[self._kind].receiver, READ, self._receive)
        if self._listener:
            self._selector.register(self._listener, READ, self._accept)
        tick_at = 0.0
        while time.monotonic() < self._stop_at and (len(self._clients) or not self._is_stopping):
            beat()
            if self._is_asked_to_stop:
                self._stop()
            self._answering.take_ended()
            events = self._selector.select(TICK_SECONDS)
            # A client may send its next request as soon as it has the answer, before the loop knows that it was sent.
            self._answering.take_ended()
            for key, mask in events:
                if isinstance(key.data, Connection):
                    self._reading.serve(key.data, mask)
                else:
                    key.data()
            if time.monotonic() > tick_at:
                self._tick()
                tick_at = time.monotonic() + TICK_SECONDS
        self._lane.close(until=min(self._stop_at, time.monotonic() + STOPPING_SECONDS))
        for connection in self._clients:
            self._clients.close(connection)
        self._selector.close()
        os.close(self._waker)
        os.close(self._wakened)

    @property
    def connections(self) -> int:
        """Return the number of open connections."""
        return len(self._clients)

    @property
    def spooled_bytes(self) -> int:
        """Return the size of all large bodies that are being received or answered."""
        return self._clients.spooled_bytes

    @property
    def waiting(self) -> int:
        """Return the number of requests that wait for a thread."""
        return len(self._lane)

    def ask_to_stop(self) -> None:
        """Stop accepting connections and end `run` when the requests under way are answered. Any thread may call it."""
        self._is_asked_to_stop = True
        self.wake()

    def _stop(self) -> None:
        if self._is_stopping:
            return
        self._stop_at = time.monotonic() + self._options.grace_seconds
        if self._listener:
            # Connections that the kernel has already accepted are still served.
            for _ in range(self._options.connections):
                if not self._accept():
                    break
            self._selector.unregister(self._listener)
            self._listener.close()
        for connection in self._clients:
            if connection.state is State.IDLE:
                # Its request may be in the socket already.
                self._reading.serve(connection, READ)
            if connection.state is State.IDLE:
                self._clients.close(connection)

    def _end_life(self, lifeline: int) -> None:
        self._selector.unregister(lifeline)
        self._is_asked_to_stop = True

    @property
    def _is_stopping(self) -> bool:
        return self._stop_at < float("inf")

    def wake(self) -> None:
        """Make the loop process what other threads have queued for it."""
        # A full pipe wakes the loop as well; a closed one means that the loop has ended.
        with contextlib.suppress(OSError):
            os.write(self._wakened, b"!")

    def _drain_waker(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._waker, 4096)

    # --- connections ------------------------------------------------------------------------------------------------

    def _accept(self) -> bool:
        """Accept one connection; return False if none waits. One in each turn, so that the processes share them."""
        assert self._listener
        try:
            sock, address = self._listener.accept()
        except OSError as error:
            if error.errno in {errno.EMFILE, errno.ENFILE}:
                self._clients.make_room()
            return False
        if not self._clients.has_room_for(str(address[0])):
            sock.setblocking(False)
            with contextlib.suppress(OSError):
                sock.send(refusal(503))
            sock.close()
            return True
        self._clients.add(sock, self._answering.note_unsent)
        return True

    def _receive(self) -> None:
        received = self._mailboxes[self._kind].receive()
        if received and (connection := self._clients.add(received[0], self._answering.note_unsent)):
            self._reading.feed(connection, received[1])

    def _tick(self) -> None:
        now = time.monotonic()
        for connection in self._lane.take_old(now - self._options.wait_seconds):
            self._answering.refuse_busy(connection)
        for connection in self._clients:
            deadline = connection.deadline
            if self._is_stopping and connection.state is State.READING:
                deadline = min(deadline, self._stop_at - self._options.grace_seconds + STOPPING_SECONDS)
            if now < deadline:
                continue
            if connection.state is State.READING:
                self._answering.refuse(connection, 408)
            else:
                self._clients.close(connection)
