"""Read requests: bytes from connections become requests, which go to a thread of this process or to another process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from config.web.answering import Answering
from config.web.answers import CONTINUE
from config.web.clients import READ, WRITE, Clients
from config.web.connection import Connection, State
from config.web.handover import Mailbox
from config.web.kinds import Kind
from config.web.lanes import Lane
from config.web.stops import MOST_BYTES as MOST_STOP_BYTES

RECEIVE_BYTES: Final = 64 * 1024
CHUNKED_BYTES: Final = 8 * 1024
"""The size of a read of a chunked body: the parser's time grows with the square of it."""


class Reading:
    """The reading side of the loop, in a process of one kind."""

    def __init__(
        self,
        kind: Kind,
        mailboxes: Mapping[Kind, Mailbox],
        *,
        clients: Clients,
        lane: Lane[Connection],
        answering: Answering,
    ) -> None:
        self._kind = kind
        self._mailboxes = mailboxes
        self._clients = clients
        self._lane = lane
        self._answering = answering

    def serve(self, connection: Connection, mask: int) -> None:
        """Read from or write to the socket of a connection, as far as it is ready."""
        # The event of another connection may have closed this one.
        if connection not in self._clients:
            return
        with self._clients.guarding(connection):
            if mask & WRITE:
                self._answering.flush(connection)
            if mask & READ and connection in self._clients:
                self._read(connection)

    def _read(self, connection: Connection) -> None:
        try:
            data = connection.socket.recv(CHUNKED_BYTES if connection.request.length is None else RECEIVE_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        if connection.state is State.LINGERING:
            if not data:
                self._clients.close(connection)
        elif connection.state in {State.RUNNING, State.WRITING}:
            connection.pending += data
            connection.has_ended |= not data
            if not data or len(connection.pending) >= RECEIVE_BYTES:
                self._clients.listen(connection, connection.interest & ~READ)
        elif data:
            self.feed(connection, data)
        else:
            self._clients.close(connection)

    def feed(self, connection: Connection, data: bytes) -> None:
        """Take bytes that were read of a connection. An error closes this connection only."""
        with self._clients.guarding(connection):
            self._take(connection, data)

    def _take(self, connection: Connection, data: bytes) -> None:
        while data:
            request = connection.request
            if connection.state is State.IDLE:
                connection.enter(State.READING)
            data = request.feed(data)
            if request.error:
                self._answering.refuse(connection, request.error)
                return
            if request.is_empty:
                connection.next_request()
                continue
            if request.has_head and not connection.is_routed and not self._route(connection):
                return
            if request.length is None and not self._clients.reserve(connection, request.body_bytes):
                self._answering.refuse_busy(connection, closes=True)
                return
            if request.body_bytes > MOST_STOP_BYTES:
                request.kept = None
            if request.is_complete:
                connection.pending = data
                self._complete(connection)
                return

    def _route(self, connection: Connection) -> bool:
        """Decide by the head which process handles the request; False if this process is done with it."""
        request = connection.request
        connection.is_routed = True
        connection.begin_body()
        if not request.may_be_soap_stop:
            if request.kind is not self._kind and self._hand_over(connection, request.kind):
                return False
            request.kept = None
        if not self._clients.reserve(connection, 0 if request.is_overlong else request.length or 0):
            self._answering.refuse_busy(connection, closes=True)
            return False
        if request.wants_continue:
            connection.write(CONTINUE)
        return True

    def _complete(self, connection: Connection) -> None:
        request = connection.request
        if request.may_be_soap_stop and request.kept is not None:
            kind = Kind.STOP if request.is_soap_stop else Kind.ORDINARY
            if kind is not self._kind and self._hand_over(connection, kind):
                return
        connection.enter(State.RUNNING)
        if not self._lane.put(request.caller(str(connection.address[0])), connection):
            self._answering.refuse_busy(connection)

    def _hand_over(self, connection: Connection, kind: Kind) -> bool:
        """Move the connection to a process of the kind; False if it must be handled here.

        If the mailbox is full, a stop is handled here and other requests are refused.
        """
        request = connection.request
        if self._mailboxes[kind].send(connection.socket, b"".join(request.kept or ())):
            self._clients.forget(connection)
            request.close()
            connection.close()
            return True
        if kind is Kind.STOP:
            return False
        self._answering.refuse_busy(connection, closes=True)
        return True
