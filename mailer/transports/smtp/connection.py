"""Exchange bytes with the peer, and know what was written and which message may be in doubt.

The dialogue is a *script*: a generator that writes, yields the number of replies it waits for, and gets them.
opening.py and delivering.py have the scripts. Nothing here blocks; every failure is a ConnectionLost.
"""

from __future__ import annotations

import enum
import os
import socket
import ssl
import struct
from collections.abc import Callable, Generator
from contextlib import suppress
from time import monotonic
from typing import Any

from mailer.transports.base import InDoubt, NotSent, Outcome, RetryAt
from mailer.transports.smtp.replies import CLOSING, SUCCESS, ReplyReader, text_of
from mailer.transports.smtp.tls import Tls
from mailer.transports.smtp.transaction import Peer, Transaction
from mailer.transports.smtp.verdicts import PeerBroken
from mailer.transports.smtp.work import GATE_CLOSED, Work

Script = Generator[int, list[bytes], None]


class Stage(enum.Enum):
    """The stage of opening a session. The stage at which it fails shows where to look for the cause."""

    CONNECTING = "connecting"
    GREETING = "greeting"
    ENCRYPTION = "encryption"
    LOGIN = "login"
    READY = "ready"


CONNECT_SECONDS = 10.0
READ_BYTES = 4_096
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger: on, 0 seconds


class ConnectionLost(Exception):
    """Raised when the connection can no longer be used.

    `answer` is the peer's answer about the current message, if there was one. `is_ours` is true if the peer did not end
    the connection, `is_complaint` if the peer complained about a command.
    """

    def __init__(
        self, reason: str, *, answer: Outcome | None = None, is_ours: bool = False, is_complaint: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.answer = answer
        self.is_ours = is_ours
        self.is_complaint = is_complaint


class Connection:
    """A connection. `connect()` opens it; it can send once `peer` is set; `abort()` or `close()` ends it.

    It has at most three messages: `begun`, `current` and `following`.
    """

    __slots__ = (
        "_awaited",
        "_deadline",
        "_heard",
        "_held",
        "_may_begin",
        "_prepared",
        "_reader",
        "_script",
        "_timeout_seconds",
        "_tls",
        "_unsent",
        "begun",
        "current",
        "following",
        "greeting",
        "is_connecting",
        "is_greeted",
        "is_used",
        "is_watched_for_room",
        "offers",
        "peer",
        "quiet_since",
        "socket",
        "stage",
        "timed_from",
        "wants_room",
    )

    def __init__(self, *, family: int, timeout_seconds: float) -> None:
        """Begin to connect. Raises OSError when the system has no socket left."""
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.peer: Peer | None = None
        self.stage = Stage.CONNECTING
        self.greeting = ""
        self.offers: dict[str, str] = {}
        """EHLO keywords in upper case, and their parameters."""
        self.is_connecting = True
        self.is_greeted = False
        """True once the peer has accepted the session. Later failures would occur at its other addresses, too."""
        self.is_used = False
        """True if it has delivered before. Then its loss shows nothing about the peer or the current message."""
        self.wants_room = True
        """True while it waits until it can write."""
        self.is_watched_for_room = False
        self.begun: Transaction | None = None
        """The transaction whose final dot was written, wholly or in part, and that the peer has not answered."""
        self.current: Transaction | None = None
        """The transaction with written commands but no final dot yet. It is not sent if the connection is lost."""
        self.following: Transaction | None = None
        """The transaction whose commands are written directly behind the final dot of `current`."""
        self.quiet_since = monotonic()
        self.timed_from = 0.0
        """When the final dot of `begun` was written, if the time until its reply is measured."""
        self._script: Script | None = None
        self._awaited = 1
        self._heard: list[bytes] = []
        """The first of the awaited replies, while others are still to come."""
        self._reader = ReplyReader()
        self._tls: Tls | None = None
        self._unsent = memoryview(b"")
        self._held = b""
        """The final dot of a body that the kernel has not yet taken, and the commands behind the dot."""
        self._prepared: tuple[bytes, bytes] | None = None
        self._may_begin: Callable[[], bool] = bool
        self._timeout_seconds = timeout_seconds
        self._deadline = monotonic() + min(timeout_seconds, CONNECT_SECONDS)

    def connect(self, sockaddr: tuple[Any, ...]) -> None:
        try:
            self.socket.connect(sockaddr)
        except BlockingIOError:
            pass
        except OSError as error:
            raise ConnectionLost(f"no connection: {describe(error)}") from None

    # --- state --------------------------------------------------------------------------------------------------------

    @property
    def is_idle(self) -> bool:
        return self._script is None

    @property
    def is_busy(self) -> bool:
        """Return whether it has a message under way."""
        return self.begun is not None or self.current is not None

    @property
    def is_in_doubt(self) -> bool:
        """Return whether losing it now would bring a message into doubt.

        The answer to a final dot may have come while other replies are awaited.
        """
        return self.begun is not None and not self._heard

    @property
    def has_unread(self) -> bool:
        """Return whether the peer has sent more replies than were awaited."""
        return bool(self._heard) or self._reader.has_rest

    def is_overdue(self, now: float) -> bool:
        """Return whether the peer owes an answer, or room, for longer than it may."""
        return self._script is not None and now > self._deadline

    @property
    def is_encrypted(self) -> bool:
        """Return whether it uses TLS. Before `peer` is set, the handshake may be under way."""
        return self._tls is not None

    @property
    def tls_version(self) -> str:
        """Return the version of TLS that is spoken, or an empty string."""
        return self._tls.version if self._tls else ""

    # --- scripts ------------------------------------------------------------------------------------------------------

    def run(self, script: Script) -> None:
        """Start a script, which goes on as replies come."""
        self._script = script
        if not self.is_connecting:
            self._deadline = monotonic() + self._timeout_seconds
        self._continue(None)

    def _continue(self, replies: list[bytes] | None) -> None:
        if (script := self._script) is None:
            raise ConnectionLost("the peer sent a reply without a command")
        try:
            self._awaited = next(script) if replies is None else script.send(replies)
        except StopIteration:
            self._script, self._awaited = None, 1
            self.quiet_since = monotonic()
        except PeerBroken as broken:
            raise ConnectionLost(str(broken)) from None
        except OSError as error:
            raise ConnectionLost(f"connection lost: {describe(error)}") from None

    # --- writing ------------------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Write commands: as much as the kernel takes now, and the other bytes when it has room."""
        self._queue(self._tls.seal(data) if self._tls else data)

    def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Begin to use TLS. Bytes that are written before the handshake is over follow it.

        Earlier replies of the peer are forgotten: they came in the clear, perhaps from an attacker (RFC 3207 section
        4.2).
        """
        self._heard, self._reader = [], ReplyReader()
        self._tls = Tls(context, host)
        self._tls.start()
        self._queue(self._tls.take_outgoing())

    def prepare_message(self, body: bytes, ending: bytes, *, may_begin: Callable[[], bool]) -> None:
        """Prepare the body, final dot and following commands of `current`, for which 354 has come.

        `write_message` writes them.
        """
        if self._tls:
            body, ending = self._tls.seal(body), self._tls.seal(ending)
        self._prepared = body, ending
        self._may_begin = may_begin

    @property
    def is_prepared(self) -> bool:
        """Return whether a message is ready to be written."""
        return self._prepared is not None

    def write_message(self) -> None:
        """Write the prepared message, which has been noted as begun.

        The gate is read directly before each write that includes the dot, until a byte of the dot is written. If the
        kernel does not take everything at once, the dot is held back until all of the body is written.
        """
        assert self._prepared is not None
        (body, ending), self._prepared = self._prepared, None
        if self._unsent:
            self._held = ending
            self._queue(body)
            return
        message = body + ending
        if not self._may_begin():
            raise ConnectionLost(GATE_CLOSED, is_ours=True)
        sent = self._send(message)
        if sent > len(body):
            self._begin()
            if sent == len(message):
                return
            self._unsent = memoryview(message)[sent:]
        else:
            self._unsent, self._held = memoryview(body)[sent:], ending
        self.wants_room = True

    def on_room(self) -> None:
        """Write the waiting bytes: the socket can be written to."""
        if self.is_connecting:
            if code := self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise ConnectionLost(f"no connection: {describe(OSError(code, ''))}")
            self.is_connecting = False
        self._deadline = monotonic() + self._timeout_seconds
        self._flush()

    def _queue(self, data: bytes) -> None:
        self._unsent = memoryview(bytes(self._unsent) + data)
        if not self.is_connecting:
            self._flush()

    def _flush(self) -> None:
        self.wants_room = True
        while self._unsent:
            if not (sent := self._send(self._unsent)):
                return
            self._unsent = self._unsent[sent:]
        if self._held:
            if not self._may_begin():
                raise ConnectionLost(GATE_CLOSED, is_ours=True)
            if sent := self._send(self._held):
                self._unsent, self._held = memoryview(self._held)[sent:], b""
                self._begin()
        self.wants_room = bool(self._unsent or self._held)

    def _begin(self) -> None:
        self.begun, self.current, self.following = self.current, self.following, None
        self.is_used = True

    def _send(self, data: bytes | memoryview) -> int:
        try:
            sent = self.socket.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise ConnectionLost(f"connection lost: {describe(error)}") from None
        return sent

    # --- reading ------------------------------------------------------------------------------------------------------

    def on_bytes(self) -> None:
        """Read: the socket has bytes. Replies go to the script, as many at a time as it waits for."""
        try:
            data = self.socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            raise ConnectionLost(f"connection lost: {describe(error)}") from None
        if not data:
            raise ConnectionLost("the peer closed the connection")
        self._deadline = monotonic() + self._timeout_seconds
        self._heard += self._reader.feed(self._unseal(data) if self._tls else data)
        while self._heard:
            if self._reader.is_closing:
                self._look_for_closing()
            if self._held:
                raise ConnectionLost(f"the peer answered in the middle of the message: {text_of(self._heard[0])}")
            if len(self._heard) < self._awaited:
                break
            if len(self._heard) == self._awaited:
                replies, self._heard = self._heard, []
            else:
                replies, self._heard = self._heard[: self._awaited], self._heard[self._awaited :]
            self._continue(replies)
        if self._reader.broken:
            raise ConnectionLost(self._reader.broken)
        if self._tls and self._tls.is_closed:
            raise ConnectionLost("the peer closed the connection")

    def _look_for_closing(self) -> None:
        """Look for the 421 that has come. The awaited replies that came before it count."""
        for position, reply in enumerate(self._heard[: self._awaited]):
            if reply.startswith(CLOSING):
                del self._heard[position:]
                raise ConnectionLost(f"the peer is closing: {text_of(reply)}", answer=RetryAt(text_of(reply)))

    def _unseal(self, sealed: bytes) -> bytes:
        assert self._tls is not None
        try:
            plain = self._tls.unseal(sealed)
        except ssl.SSLError as error:
            raise ConnectionLost(f"TLS failed: {describe(error)}") from None
        if (outgoing := self._tls.take_outgoing()) and self._held:
            self._held += outgoing  # sealed after the final dot, so it must follow it
        elif outgoing:
            self._queue(outgoing)
        return plain

    # --- ending -------------------------------------------------------------------------------------------------------

    def expect_within(self, seconds: float) -> None:
        """Set a shorter time-out for the answer to the last command."""
        self._deadline = min(self._deadline, monotonic() + seconds)

    def settle(self, work: Work, loss: ConnectionLost) -> bool:
        """Give the messages of this lost connection their outcomes, or give them back.

        Return True if no message is in doubt.
        """
        answer, replies, is_certain = loss.answer, self._heard, True
        if (begun := self.begun) is not None:
            with suppress(PeerBroken):
                if replies:
                    begun.hear_of_body(replies.pop(0))
            if begun.is_hopeful:
                is_certain = answer is not None
                begun.settle(answer or InDoubt(loss.reason))
                answer = None
            work.finish(begun)
        if self.following is not None:
            work.give_back(self.following)
        if (current := self.current) is not None:
            self._settle_current(current, replies, loss, work, answer or NotSent(loss.reason))
        self.begun = self.current = self.following = None
        return is_certain

    def _settle_current(
        self, current: Transaction, replies: list[bytes], loss: ConnectionLost, work: Work, outcome: Outcome
    ) -> None:
        with suppress(PeerBroken):
            if not current.answered:
                current.hear(replies)
            elif replies and replies[0][0] != SUCCESS:  # the peer refused the message before its end
                current.hear_of_body(replies[0])
        if self.is_used and not current.answered:
            work.give_back(current)
            return
        if not loss.is_ours:
            current.divide()
            # Some recipients have an outcome, so another connection is worthwhile.
            self.is_used = self.is_used or bool(current.again or current.left)
        current.settle(outcome)
        work.finish(current)

    def abort(self) -> None:
        """Close with a reset, so that no bytes that the kernel still has are sent."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.socket.close()

    def close(self) -> None:
        self.socket.close()


def describe(error: OSError) -> str:
    """Return the text of the system for an error, which never has an address or a path of this host."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate was not accepted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return (error.reason or type(error).__name__).lower().replace("_", " ")
    return os.strerror(error.errno).lower() if error.errno else type(error).__name__
