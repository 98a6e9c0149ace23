"""Send slices over a pool of connections, and look up the addresses of the peer's host.

The look-up blocks, so it has a thread, while the caller polls its guard.
"""

from __future__ import annotations

import selectors
import socket
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from functools import cached_property
from threading import Thread
from time import monotonic

from mailer.transports.base import POLL_SECONDS, Envelope, Guard, Result, Signal, Usage
from mailer.transports.checking import CheckedTransport
from mailer.transports.reply_times import ReplyTimes
from mailer.transports.smtp.connection import Connection, ConnectionLost, describe
from mailer.transports.smtp.delivering import deliver
from mailer.transports.smtp.limits import PeerLimits
from mailer.transports.smtp.opening import open_session
from mailer.transports.smtp.url import SmtpAddress
from mailer.transports.smtp.work import GATE_CLOSED, Work

CACHE_SECONDS = 60.0
LOOKUP_SECONDS = 10.0


class HostUnknown(Exception):
    """Raised when the host has no address. The text is the reason."""


class Endpoint:
    """An address for `socket.connect`, and its family."""

    __slots__ = ("family", "sockaddr")

    def __init__(self, family: int, sockaddr: tuple[object, ...]) -> None:
        self.family = family
        self.sockaddr = sockaddr


class Resolver:
    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._endpoints: list[Endpoint] = []
        self._known_until = 0.0

    def find_endpoints(self, *, may_wait: Callable[[], bool]) -> list[Endpoint]:
        """Return the addresses in the order to try them.

        `may_wait` is called while the look-up takes time. Raises HostUnknown if it returns False.
        """
        if monotonic() >= self._known_until:
            self._endpoints = self._look_up(may_wait)
            self._known_until = monotonic() + CACHE_SECONDS
        return list(self._endpoints)

    def prefer(self, endpoint: Endpoint) -> None:
        """Try this address first after this, since it answered."""
        if endpoint in self._endpoints:
            self._endpoints.remove(endpoint)
            self._endpoints.insert(0, endpoint)

    def _look_up(self, may_wait: Callable[[], bool]) -> list[Endpoint]:
        answer: Future[list[Endpoint]] = Future()
        Thread(target=self._ask_into, args=(answer,), daemon=True, name="smtp-resolver").start()
        give_up_at = monotonic() + LOOKUP_SECONDS
        while not wait([answer], POLL_SECONDS).done:
            if not may_wait() or monotonic() > give_up_at:
                raise HostUnknown(f"the name {self._host} was not resolved in time")
        return answer.result()

    def _ask_into(self, answer: Future[list[Endpoint]]) -> None:
        try:
            addresses = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            words = error.strerror if isinstance(error, OSError) else "it is not a host name"
            answer.set_exception(HostUnknown(f"the name {self._host} is not known: {words}"))
        else:
            answer.set_result([Endpoint(family, sockaddr) for family, _, _, _, sockaddr in addresses])


GOODBYE_SECONDS = 0.5
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class SmtpTransport(CheckedTransport):
    """A Transport (see base.py) over SMTP (RFC 5321)."""

    def __init__(self, address: SmtpAddress, *, connections: int, timeout_seconds: float) -> None:
        """Prepare the pool; nothing is opened yet. Raises OSError when the CA file of the address cannot be used."""
        self._address = address
        self._limit = connections
        self._timeout_seconds = timeout_seconds
        if address.ca_file:
            _ = self._tls_context
        self._resolver = Resolver(address.host, address.port)
        self._peer_limits = PeerLimits()
        self._connections: dict[Connection, list[Endpoint]] = {}
        """The connections, each with its address and behind it the addresses to try if the connection does not open."""
        self._prepared: list[Connection] = []
        """The connections with a message ready to be written."""
        self._wakeup: int | None = None
        self._are_encrypted: set[bool] = set()
        """Whether the connections that this slice has used are encrypted, including those that were lost since then."""
        self._openings_left = 0
        """The connections that this slice may still open: a peer that drops every connection must not be hammered."""
        self._last_failure = ""
        self._replies = ReplyTimes()
        self._error = ""
        self._error_at: float | None = None
        """The last failure of the peer or the network, and its time."""
        self._has_unassigned = False
        """True after a connection was lost: messages may wait that no connection takes by itself."""

    @property
    def capacity(self) -> int:
        return self._limit

    @property
    def is_encrypted(self) -> bool | None:
        return next(iter(self._are_encrypted)) if len(self._are_encrypted) == 1 else None

    def send_checked(self, envelopes: Sequence[Envelope], guard: Guard, may_take: Callable[[], bool]) -> list[Result]:
        work = Work(envelopes, guard, self._peer_limits, may_take)
        self._are_encrypted.clear()
        try:
            self._watch_wakeup(work)
            self._drive(work)
        except BaseException:  # of the guard or of a time limit: no connection may go on writing
            self._abort_all()
            raise
        finally:
            self._forget_wakeup()
        return work.results

    def measure(self, since: float | None = None) -> Usage:
        p50, p95 = self._replies.percentiles() or (None, None)
        ready = [connection for connection in self._connections if connection.peer]
        return Usage(
            connections=len(ready),
            used=sum(item.is_busy or (since is not None and item.quiet_since >= since) for item in ready),
            replied_at=self._replies.replied_at,
            reply_p50=p50,
            reply_p95=p95,
            error=self._error,
            error_at=self._error_at,
        )

    def close(self) -> None:
        closing = [connection for connection in self._connections if connection.peer and connection.is_idle]
        for connection in closing:
            with suppress(ConnectionLost, OSError):
                connection.write(b"QUIT\r\n")
        wait_until = monotonic() + GOODBYE_SECONDS
        while closing and (events := self._selector.select(max(0.0, wait_until - monotonic()))):
            for key, _ in events:
                self._forget(key.data)
                key.data.close()
            closing = [connection for connection in closing if connection in self._connections]
        self._abort_all()
        self._selector.close()
        del self._selector

    @cached_property
    def _selector(self) -> selectors.BaseSelector:
        """Return the selector, made at first use: a transport may be built before a process forks."""
        return selectors.DefaultSelector()

    @cached_property
    def _tls_context(self) -> ssl.SSLContext:
        """Return the TLS context, made when it is needed: to read the system's certificates takes long."""
        return self._address.make_tls_context()

    # --- the loop -----------------------------------------------------------------------------------------------------

    def _drive(self, work: Work) -> None:
        self._openings_left = self._limit
        for connection in self._connections:
            connection.is_used |= connection.is_idle
        self._attend(work, wait_seconds=0.0)  # events since the last slice
        self._has_unassigned = True
        poll_at = monotonic() + POLL_SECONDS
        while work.unfinished:
            if self._has_unassigned or work.is_closed:
                self._assign(work)
            is_woken = self._attend(work, wait_seconds=max(0.0, poll_at - monotonic()))
            if is_woken or monotonic() >= poll_at:
                if self._poll(work) is Signal.GIVE_UP:
                    self._give_up(work)
                else:
                    self._check_time_outs(work)
                poll_at = monotonic() + POLL_SECONDS

    def _attend(self, work: Work, *, wait_seconds: float) -> bool:
        """Serve the sockets that are ready. Return True when the guard wants to be polled at once."""
        if not work.unfinished:
            wait_seconds = 0.0
        is_woken = False
        for key, events in self._selector.select(wait_seconds):
            connection: Connection | None = key.data
            if connection is None:
                is_woken = True
            elif connection in self._connections:
                self._serve(connection, events, work)
        self._write_prepared(work)
        return is_woken

    def _serve(self, connection: Connection, events: int, work: Work) -> None:
        try:
            if events & WRITE:
                connection.on_room()
            if events & READ:
                connection.on_bytes()
                if connection.timed_from and connection.begun is None:
                    self._replies.end(connection.timed_from)
                    connection.timed_from = 0.0
            if connection.is_idle and work.waiting:
                self._resolver.prefer(self._connections[connection][0])
                self._are_encrypted.add(connection.is_encrypted)
                connection.run(deliver(connection, work))
            if connection.is_prepared:
                self._prepared.append(connection)
            if connection.wants_room != connection.is_watched_for_room:
                self._watch_for_room(connection)
        except ConnectionLost as lost:
            self._lose(connection, lost, work)

    def _write_prepared(self, work: Work) -> None:
        """Write every message that the peer waits for.

        They are noted together, since a note costs as much as a message.
        """
        if not self._prepared:
            return
        prepared = [connection for connection in self._prepared if connection in self._connections]
        self._prepared.clear()
        work.note_begun(*[connection.current.begun for connection in prepared if connection.current])
        now = monotonic()
        for connection in prepared:
            try:
                connection.write_message()
                if now >= self._replies.next_at and connection.begun is not None:
                    connection.timed_from = self._replies.begin(now)
                if connection.wants_room != connection.is_watched_for_room:
                    self._watch_for_room(connection)
            except ConnectionLost as lost:
                self._lose(connection, lost, work)

    def _watch_for_room(self, connection: Connection) -> None:
        """Watch a connection for room to write, if it is waiting for that now."""
        connection.is_watched_for_room = connection.wants_room
        events = READ | WRITE if connection.wants_room else READ
        self._selector.modify(connection.socket, events, connection)

    def _assign(self, work: Work) -> None:
        """Let connections take the waiting messages, or finish these if no connection can be opened."""
        self._has_unassigned = False
        if work.is_closed:
            work.finish_waiting(GATE_CLOSED)
        for connection in list(self._connections):
            if work.waiting and connection.is_idle:
                self._serve(connection, 0, work)
        self._open_missing(work)
        if not self._connections:
            work.finish_waiting(self._last_failure)

    def _check_time_outs(self, work: Work) -> None:
        overdue = [connection for connection in self._connections if connection.is_overdue(monotonic())]
        if overdue:  # perhaps this process was suspended, and the replies have arrived
            self._attend(work, wait_seconds=0.0)
        for connection in overdue:
            if connection in self._connections and connection.is_overdue(monotonic()):
                silence = f"no answer within {self._timeout_seconds:g} s"
                self._lose(connection, ConnectionLost(silence, is_ours=True), work)
        if any(connection.current for connection in self._connections):
            work.may_begin()  # notes whether the gate has closed
        if work.is_closed:
            for connection in list(self._connections):
                if connection.current and not connection.is_in_doubt:
                    self._lose(connection, ConnectionLost(GATE_CLOSED, is_ours=True), work)

    def _give_up(self, work: Work) -> None:
        self._attend(work, wait_seconds=0.0)  # messages whose replies have arrived are not in doubt
        for connection in list(self._connections):
            if connection.is_busy or connection.peer is None:
                self._lose(
                    connection, ConnectionLost("given up at a stop before the peer had answered", is_ours=True), work
                )
        work.finish_waiting(GATE_CLOSED)

    # --- the guard ----------------------------------------------------------------------------------------------------

    def _poll(self, work: Work) -> Signal:
        """Poll the guard, which may close the descriptor that wakes the loop. A new socket may get the same number."""
        self._forget_wakeup()
        signal = work.poll()
        self._watch_wakeup(work)
        return signal

    def _watch_wakeup(self, work: Work) -> None:
        self._wakeup = work.wakeup_fileno()
        if self._wakeup is not None:
            self._selector.register(self._wakeup, READ, None)

    def _forget_wakeup(self) -> None:
        if self._wakeup is not None:
            self._selector.unregister(self._wakeup)
            self._wakeup = None

    # --- connections --------------------------------------------------------------------------------------------------

    def _open_missing(self, work: Work) -> None:
        busy = sum(connection.is_busy for connection in self._connections)
        missing = min(self._limit, busy + len(work.waiting)) - len(self._connections)
        missing = min(missing, self._openings_left)
        if missing <= 0 or work.is_closed:
            return
        try:
            endpoints = self._resolver.find_endpoints(may_wait=lambda: self._poll(work) is Signal.GO_ON)
        except HostUnknown as unknown:
            self._openings_left = 0
            self._note_failure(str(unknown))
            return
        self._openings_left -= missing
        for _ in range(missing):
            self._open(endpoints, work)

    def _open(self, endpoints: list[Endpoint], work: Work) -> None:
        try:
            connection = Connection(family=endpoints[0].family, timeout_seconds=self._timeout_seconds)
        except OSError as error:
            self._note_failure(f"no socket: {describe(error)}")
            return
        self._connections[connection] = endpoints
        self._selector.register(connection.socket, READ | WRITE, connection)
        connection.is_watched_for_room = True
        try:
            connection.run(open_session(connection, self._address, lambda: self._tls_context))
            connection.connect(endpoints[0].sockaddr)
        except ConnectionLost as lost:
            self._lose(connection, lost, work)

    def _lose(self, connection: Connection, loss: ConnectionLost, work: Work) -> None:
        _, *other_endpoints = self._forget(connection)
        connection.abort()
        # A peer may close a connection that it was not using, and a stop makes us close one.
        is_trouble = not connection.is_idle and not (loss.is_ours and work.is_closed)
        if other_endpoints and not connection.is_greeted and not work.is_closed:
            self._open(other_endpoints, work)
            return
        is_certain = connection.settle(work, loss)
        if connection.is_used and is_certain and not loss.is_complaint:
            self._openings_left += 1
        self._last_failure = loss.reason
        if is_trouble:
            self._note_failure(loss.reason)
        self._has_unassigned = True

    def _note_failure(self, reason: str) -> None:
        self._last_failure = self._error = reason
        self._error_at = monotonic()

    def _forget(self, connection: Connection) -> list[Endpoint]:
        self._selector.unregister(connection.socket)
        return self._connections.pop(connection)

    def _abort_all(self) -> None:
        for connection in list(self._connections):
            self._forget(connection)
            connection.abort()
