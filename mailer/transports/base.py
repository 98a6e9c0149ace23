"""Define the values that every transport takes and returns.

A transport gets one slice, and returns one outcome per recipient. It never raises because of a peer: every result is
a value. The exact stop rests on its promises:

* a message is *begun* only if `guard.may_begin()` returns True directly before the write that carries the final dot (or
  the provider call): after a `False` it is not sent, and its outcome is `NotSent`;
* once begun, a message has an outcome only when the peer answered; if the peer did not, it is `InDoubt`;
* while it waits for the network it calls `guard.poll()` at least every `POLL_SECONDS`, and when that returns `GIVE_UP`
  it drops the connections with outstanding replies (their messages are `InDoubt`) and returns;
* it never returns while a message that it has begun could still be written to a socket;
* it never sends a message that is malformed, whatever composed it (checking.py).
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

POLL_SECONDS = 0.25


class Envelope(NamedTuple):
    """An SMTP envelope with its content (RFC 5321 section 2.3.1)."""

    message_id: int
    sender: str
    """The reverse path, without angle brackets; may be empty (a null reverse path)."""
    recipients: tuple[str, ...]
    data: bytes
    """The whole MIME message, lines ended by CRLF, not dot-stuffed, without the final dot."""
    is_8bit: bool = False
    """True if `data` has bytes above 127: the peer must offer 8BITMIME (the composer avoids it if possible)."""
    is_utf8: bool = False
    """True if an address or header needs SMTPUTF8 (RFC 6531)."""
    is_part: bool = False
    """True if the message has other recipients than these."""


class Part(NamedTuple):
    """Some of the recipients of a message, to whom it is sent together."""

    message_id: int
    recipients: tuple[str, ...]


Begun = int | Part
"""A message, by its id, or a part of one, that is about to be sent."""


def begun_as(envelope: Envelope) -> Begun:
    """Return the message or part that is begun when an envelope is sent to all of its recipients at once."""
    return Part(envelope.message_id, envelope.recipients) if envelope.is_part else envelope.message_id


@dataclass(frozen=True, slots=True)
class Sent:
    """The peer took responsibility: 2xx after the final dot."""

    reply: str = ""


@dataclass(frozen=True, slots=True)
class RetryAt:
    """A temporary failure of this recipient or message (4xx): it is tried again later, and an attempt is used up."""

    reply: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A permanent failure (5xx, or something this transport can never send)."""

    reply: str
    is_of_recipient: bool = field(default=False, compare=False)
    """True if the peer refused this recipient alone (after RCPT), and not the sender or the message."""
    is_ours: bool = field(default=False, compare=False)
    """True if no peer was asked, because the message is known to be impossible to send."""


@dataclass(frozen=True, slots=True)
class NotSent:
    """The outcome of a message that the peer has not taken, and for which it gave no reply.

    The guard closed, there was no connection, or the peer went away before the final dot or complained about a command.
    The message may be sent later, and no attempt is used up.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class InDoubt:
    """The outcome of a message whose final dot got no answer. The peer may have taken the message."""

    reason: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """The outcome of a recipient who has a suppression, so that nothing is sent. No transport returns it."""

    reason: str
    suppression: int | None = None
    """The kind of the suppression."""


Outcome = Sent | RetryAt | Refused | NotSent | InDoubt | Dropped


class Result(NamedTuple):
    """The outcome of one message: one entry per recipient of its envelope, in the envelope's order."""

    message_id: int
    outcomes: tuple[Outcome, ...]
    recipients: tuple[str, ...] = ()
    """The recipients that the outcomes belong to. A guard needs them if the message has other recipients, too, or if
    the outcomes differ. Otherwise it may be empty."""


class Usage(NamedTuple):
    """The connections of a transport, and what its peer did lately. Times are those of `time.monotonic`."""

    connections: int = 0
    """Open connections."""
    used: int = 0
    """Connections on which a message is under way."""
    replied_at: float | None = None
    """When the peer last answered the final dot of a message that is timed."""
    reply_p50: float | None = None
    """Seconds until the reply to a final dot: the median of the last minute."""
    reply_p95: float | None = None
    """Seconds until the reply to a final dot: the 95th percentile of the last minute."""
    error: str = ""
    """The last failure of a connection; it may quote the peer."""
    error_at: float | None = None


class Signal(enum.Enum):
    """The guard's answer to a transport that waits."""

    GO_ON = "go on"
    GIVE_UP = "give up"


class Guard(Protocol):
    """The gate, as a transport sees it."""

    def may_begin(self) -> bool:
        """Return whether one more message may be begun now. Cheap: called once per message, before its last write."""

    def note_begun(self, *begun: Begun) -> bool:
        """Note messages that are about to be begun, at most one a connection.

        Called once `may_begin` has allowed it, before the writes that carry their final dots (or before the provider's
        call). Return False if none of them may be begun, as if the gate had closed.
        """

    def note_result(self, result: Result) -> None:
        """Note the result of a message, or of a part of one.

        Called as soon as it is known and before the next message is begun on its connection.
        """

    def poll(self) -> Signal:
        """Renew the worker's heartbeat and see stops, while the transport waits. May take milliseconds."""

    def wakeup_fileno(self) -> int | None:
        """Return a file descriptor that is readable when `poll()` is wanted at once (a stop), or None."""


def take_all() -> bool:
    """Let a slice take up all of its messages, however long it lasts."""
    return True


class Transport(Protocol):
    """A way to send mail, which keeps its connections between slices.

    Each worker process has one instance, which is not shared between threads.
    """

    @property
    def capacity(self) -> int:
        """Return how many messages this transport can have under way at a time."""

    @property
    def is_encrypted(self) -> bool | None:
        """Return whether the connections that the last slice used were encrypted.

        None if some were and others were not, if the slice used none, or if the transport cannot know.
        """

    def send_slice(
        self, envelopes: Sequence[Envelope], guard: Guard, *, may_take: Callable[[], bool] = take_all
    ) -> list[Result]:
        """Send these envelopes, and return one result for each, in any order.

        `may_take` is called before each message is taken up. Once it returns False, the slice has lasted long enough:
        messages that were not taken up are `NotSent` and are left for the next slice, and the others go on as before.
        """

    def measure(self, since: float | None = None) -> Usage:
        """Return the use of its connections; those used since a time (`time.monotonic`) count as used."""

    def close(self) -> None:
        """Give connections back politely; called when the process ends."""
