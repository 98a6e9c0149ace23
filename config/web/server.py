"""The loop of a process: it accepts connections, reads requests, queues them for the threads, and writes what the
threads could not send.

It runs no view and no query, so no call can keep it from the next connection for long.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import selectors
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from django.db import connections

from config.web.answers import CONTINUE, Answer, Application, ClientGone, answer_busy, refusal, serve
from config.web.connection import Connection, State
from config.web.handover import Mailbox
from config.web.kinds import Kind
from config.web.lanes import Lane
from config.web.options import Options
from config.web.requests import IN_MEMORY_BYTES
from config.web.stops import MOST_BYTES as MOST_STOP_BYTES

log = logging.getLogger(__name__)

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
RECEIVE_BYTES: Final = 64 * 1024
CHUNKED_BYTES: Final = 8 * 1024
"""The size of a read of a chunked body: the parser's time grows with the square of it."""
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
        self._application = application
        self._kind = kind
        self._options = options
        self._mailboxes = mailboxes
        self._listener = listener
        self._name = name
        self._lane: Lane[Connection] = Lane(kind.value, self._answer, threads=options.threads, waiting=options.waiting)
        self._connections: set[Connection] = set()
        self._by_address: Counter[str] = Counter()
        self.spooled_bytes = 0
        """The size of all bodies over `IN_MEMORY_BYTES` that are being received or answered."""
        self._ended: deque[tuple[Connection, bool]] = deque()
        """Connections whose request was answered, and whether they can be used again."""
        self._unsent: deque[Connection] = deque()
        self._is_asked_to_stop = False
        self._stop_at = float("inf")
        self._selector = selectors.DefaultSelector()
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
        while time.monotonic() < self._stop_at and (self._connections or not self._is_stopping):
            beat()
            if self._is_asked_to_stop:
                self._stop()
            self._take_ended()
            events = self._selector.select(TICK_SECONDS)
            # A client may send its next request as soon as it has the answer, before the loop knows that it was sent.
            self._take_ended()
            for key, mask in events:
                if isinstance(key.data, Connection):
                    self._serve(key.data, mask)
                else:
                    key.data()
            if time.monotonic() > tick_at:
                self._tick()
                tick_at = time.monotonic() + TICK_SECONDS
        self._lane.close(until=min(self._stop_at, time.monotonic() + STOPPING_SECONDS))
        for connection in list(self._connections):
            self._close(connection)
        self._selector.close()
        os.close(self._waker)
        os.close(self._wakened)

    @property
    def connections(self) -> int:
        """The number of open connections."""
        return len(self._connections)

    @property
    def waiting(self) -> int:
        """The number of requests that wait for a thread."""
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
        for connection in list(self._connections):
            if connection.state is State.IDLE:
                # Its request may be in the socket already.
                self._serve(connection, READ)
            if connection.state is State.IDLE:
                self._close(connection)

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
        """Accept one connection; False if there is none. One in a turn, so that the processes share them."""
        assert self._listener
        try:
            sock, address = self._listener.accept()
        except OSError as error:
            if error.errno in {errno.EMFILE, errno.ENFILE}:
                self._make_room()
            return False
        per_address = self._options.per_address
        if per_address and self._by_address[str(address[0])] >= per_address:
            sock.setblocking(False)
            with contextlib.suppress(OSError):
                sock.send(refusal(503))
            sock.close()
            return True
        self._add(sock)
        return True

    def _receive(self) -> None:
        received = self._mailboxes[self._kind].receive()
        if received and (connection := self._add(received[0])):
            self._feed(connection, received[1])

    def _add(self, sock: socket.socket) -> Connection | None:
        sock.setblocking(False)
        if len(self._connections) >= self._options.connections:
            self._make_room()
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(sock, self._options, self._note_unsent)
        except OSError:
            # The client has closed it already.
            sock.close()
            return None
        self._connections.add(connection)
        self._by_address[str(connection.address[0])] += 1
        self._listen_to(connection, READ)
        return connection

    def _make_room(self) -> None:
        """Close the connection that has waited longest, of the address that has the most."""
        waiting = [each for each in self._connections if each.state is not State.RUNNING]
        if waiting:
            self._close(max(waiting, key=lambda each: (self._by_address[str(each.address[0])], -each.since)))

    def _listen_to(self, connection: Connection, interest: int) -> None:
        if interest == connection.interest:
            return
        if not connection.interest:
            self._selector.register(connection.socket, interest, connection)
        elif not interest:
            self._selector.unregister(connection.socket)
        else:
            self._selector.modify(connection.socket, interest, connection)
        connection.interest = interest

    def _close(self, connection: Connection) -> None:
        if connection not in self._connections:
            return
        self._forget(connection)
        if connection.state is not State.RUNNING:
            connection.request.close()
        connection.close()

    def _forget(self, connection: Connection) -> None:
        self._listen_to(connection, 0)
        self._connections.discard(connection)
        address = str(connection.address[0])
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
        self._release(connection)

    def _tick(self) -> None:
        now = time.monotonic()
        for connection in self._lane.take_old(now - self._options.wait_seconds):
            self._refuse_busy(connection)
        for connection in list(self._connections):
            deadline = connection.deadline
            if self._is_stopping and connection.state is State.READING:
                deadline = min(deadline, self._stop_at - self._options.grace_seconds + STOPPING_SECONDS)
            if now < deadline:
                continue
            if connection.state is State.READING:
                self._refuse(connection, 408)
            else:
                self._close(connection)

    # --- reading ----------------------------------------------------------------------------------------------------

    def _serve(self, connection: Connection, mask: int) -> None:
        # The event of another connection may have closed this one.
        if connection not in self._connections:
            return
        with self._guarding(connection):
            if mask & WRITE:
                self._flush(connection)
            if mask & READ and connection in self._connections:
                self._read(connection)

    @contextmanager
    def _guarding(self, connection: Connection) -> Iterator[None]:
        """Close this connection if anything goes wrong with it, and only this one."""
        try:
            yield
        except (OSError, ClientGone):
            self._close(connection)
        except Exception:
            log.exception("a connection failed and is closed")
            self._close(connection)

    def _read(self, connection: Connection) -> None:
        try:
            data = connection.socket.recv(CHUNKED_BYTES if connection.request.length is None else RECEIVE_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        if connection.state is State.LINGERING:
            if not data:
                self._close(connection)
        elif connection.state in {State.RUNNING, State.WRITING}:
            connection.pending += data
            connection.has_ended |= not data
            if not data or len(connection.pending) >= RECEIVE_BYTES:
                self._listen_to(connection, connection.interest & ~READ)
        elif data:
            self._feed(connection, data)
        else:
            self._close(connection)

    def _feed(self, connection: Connection, data: bytes) -> None:
        with self._guarding(connection):
            self._take(connection, data)

    def _take(self, connection: Connection, data: bytes) -> None:
        while data:
            request = connection.request
            if connection.state is State.IDLE:
                connection.enter(State.READING)
            data = request.feed(data)
            if request.error:
                self._refuse(connection, request.error)
                return
            if request.is_empty:
                connection.next_request()
                continue
            if request.has_head and not connection.is_routed and not self._route(connection):
                return
            if request.length is None and not self._reserve(connection, request.body_bytes):
                self._refuse_busy(connection, closes=True)
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
        if not self._reserve(connection, 0 if request.is_overlong else request.length or 0):
            self._refuse_busy(connection, closes=True)
            return False
        if request.wants_continue:
            connection.write(CONTINUE)
        return True

    def _reserve(self, connection: Connection, size: int) -> bool:
        """Reserve room for a body of this size; False if there is none. Called repeatedly as a chunked body grows."""
        more = size - connection.reserved_bytes if size > IN_MEMORY_BYTES else 0
        if self.spooled_bytes + more > self._options.spool_bytes:
            return False
        self.spooled_bytes += more
        connection.reserved_bytes += more
        return True

    def _release(self, connection: Connection) -> None:
        self.spooled_bytes -= connection.reserved_bytes
        connection.reserved_bytes = 0

    def _complete(self, connection: Connection) -> None:
        request = connection.request
        if request.may_be_soap_stop and request.kept is not None:
            kind = Kind.STOP if request.is_soap_stop else Kind.ORDINARY
            if kind is not self._kind and self._hand_over(connection, kind):
                return
        connection.enter(State.RUNNING)
        if not self._lane.put(request.caller(str(connection.address[0])), connection):
            self._refuse_busy(connection)

    def _hand_over(self, connection: Connection, kind: Kind) -> bool:
        """Move the connection to a process of the kind; False if it must be handled here.

        If the mailbox is full, a stop is handled here and other requests are refused.
        """
        request = connection.request
        if self._mailboxes[kind].send(connection.socket, b"".join(request.kept or ())):
            self._forget(connection)
            request.close()
            connection.close()
            return True
        if kind is Kind.STOP:
            return False
        self._refuse_busy(connection, closes=True)
        return True

    # --- answering --------------------------------------------------------------------------------------------------

    def _answer(self, connection: Connection) -> None:
        """Run the view of a request. Called by the threads."""
        request = connection.request
        answer = Answer(request, connection)
        answer.keeps_open &= not self._is_stopping
        is_ended = False

        def end() -> None:
            nonlocal is_ended
            is_ended = True
            self._ended.append((connection, answer.keeps_open))
            if not answer.keeps_open or connection.pending or connection.has_ended or self._is_stopping:
                self.wake()

        try:
            serve(self._application, request.environ(connection.address, self._name), answer, end)
        except ClientGone:
            pass
        except Exception:
            # The thread must live on.
            log.exception("a request failed outside its view")
        finally:
            if not is_ended:
                answer.keeps_open = False
                end()
            with contextlib.suppress(OSError):
                request.close()

    def _note_unsent(self, connection: Connection) -> None:
        self._unsent.append(connection)
        self.wake()

    def _take_ended(self) -> None:
        while self._unsent:
            connection = self._unsent.popleft()
            if connection in self._connections:
                self._listen_to(connection, connection.interest | WRITE)
        while self._ended:
            connection, keeps_open = self._ended.popleft()
            if connection in self._connections:
                self._end(connection, keeps_open)

    def _end(self, connection: Connection, keeps_open: bool) -> None:
        """Go on after a view has written its whole answer."""
        connection.keeps_open = keeps_open
        self._release(connection)
        if connection.unsent_bytes:
            # Not by `enter`: the deadline of the answer does not start again.
            connection.state = State.WRITING
            self._listen_to(connection, connection.interest | WRITE)
        else:
            self._after_answer(connection)

    def _flush(self, connection: Connection) -> None:
        connection.flush()
        if connection.unsent_bytes:
            return
        self._listen_to(connection, connection.interest & ~WRITE)
        if connection.state is State.WRITING:
            self._after_answer(connection)

    def _after_answer(self, connection: Connection) -> None:
        request = connection.request
        if not connection.keeps_open and (request.is_overlong or request.error):
            self._linger(connection)
        elif not connection.keeps_open or self._is_stopping or (connection.has_ended and not connection.pending):
            self._close(connection)
        else:
            data, connection.pending = connection.pending, b""
            connection.next_request()
            self._listen_to(connection, READ)
            self._feed(connection, data)

    def _linger(self, connection: Connection) -> None:
        """Let the client read its answer. Closing while it still sends would reset the connection."""
        with contextlib.suppress(OSError):
            connection.socket.shutdown(socket.SHUT_WR)
        connection.enter(State.LINGERING)
        self._listen_to(connection, READ)

    def _refuse(self, connection: Connection, status: int) -> None:
        """Refuse an invalid request, or one that was not complete in time."""
        connection.request.error = status
        with contextlib.suppress(ClientGone):
            connection.write(refusal(status))
        connection.request.close()
        self._end(connection, keeps_open=False)

    def _refuse_busy(self, connection: Connection, *, closes: bool = False) -> None:
        """Answer 503 because no thread or no room is free. `closes`: the body was not read."""
        if connection not in self._connections:
            return
        request = connection.request
        request.is_overlong |= closes
        answer = Answer(request, connection)
        with self._guarding(connection):
            answer_busy(request.environ(connection.address, self._name), answer)
            request.close()
            self._end(connection, answer.keeps_open)
