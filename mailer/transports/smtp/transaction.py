"""Make the commands that carry a message to a peer, and collect the outcome of each of its recipients."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from mailer.transports.base import Begun, Envelope, NotSent, Outcome, Part, Refused, Result, RetryAt, Sent
from mailer.transports.checking import is_safe_address
from mailer.transports.smtp.replies import SUCCESS, text_of
from mailer.transports.smtp.verdicts import Stage, is_too_many, judge

END_OF_DATA = b".\r\n"
"""Written behind a body that ends with CRLF."""
DATA = b"DATA\r\n"

NO_UTF8 = "an address or header is not ASCII and the peer does not offer SMTPUTF8"

DOT_AT_LINE_START = re.compile(rb"\n\.")  # with the LF first, the search goes from line end to line end


@dataclass(frozen=True, slots=True)
class Peer:
    """The peer's offers in its answer to EHLO. After HELO there are none."""

    is_pipelining: bool = False
    is_8bit: bool = False
    is_utf8: bool = False
    takes_size: bool = False
    size_limit: int = 0
    """The limit in bytes; 0 without a limit."""


PENDING = NotSent("it was not tried")
"""The placeholder for an outcome that is not known yet."""
AGAIN = NotSent("it is tried in another transaction")
"""The placeholder for an outcome that comes from another transaction."""


class Transaction:
    """An envelope for one peer. Without `commands` there is nothing to send, and every outcome is known already."""

    __slots__ = (
        "again",
        "answered",
        "asked",
        "commands",
        "complaint",
        "envelope",
        "is_behind_dot",
        "left",
        "outcomes",
        "room",
    )

    def __init__(self, envelope: Envelope, peer: Peer) -> None:
        self.envelope = envelope
        self.answered = 0
        """The number of MAIL and RCPTs that the peer answered.

        If it is above 0, the message is not given to another connection without a result.
        """
        self.outcomes: list[Outcome] = [PENDING] * len(envelope.recipients)
        self.asked: list[int] = []
        """The positions of the recipients who have a RCPT."""
        self.commands: list[bytes] = []
        self.is_behind_dot = False
        """True if the commands were sent behind the final dot of another message."""
        self.complaint: NotSent | None = None
        """The peer's complaint about a command, which is not a verdict on the message."""
        self.again: tuple[int, ...] = ()
        """The positions of recipients who go into another transaction together."""
        self.left: tuple[int, ...] = ()
        """The positions of recipients who had no place here. They may be too many for one other transaction, too."""
        self.room = 0
        """The number of recipients after which the peer replied that there were too many; 0 without such a reply."""
        self._prepare(peer)

    def _prepare(self, peer: Peer) -> None:
        envelope = self.envelope
        sender = _encode_sender(envelope.sender)
        if sender is None:
            self.settle(Refused("553 5.1.7 the sender's address cannot be sent", is_ours=True))
            return
        is_utf8 = envelope.is_utf8 or not sender.isascii()
        may_be_refused = peer.size_limit or envelope.is_8bit or is_utf8
        if may_be_refused and (refusal := _find_refusal(envelope, peer, is_utf8=is_utf8)):
            self.settle(Refused(refusal, is_ours=True))
            return
        recipients: list[bytes] = []
        for position, address in enumerate(envelope.recipients):
            recipient = _encode_address(address)
            if not recipient:
                self.outcomes[position] = Refused("553 5.1.3 this recipient's address cannot be sent", is_ours=True)
            elif not peer.is_utf8 and not recipient.isascii():
                self.outcomes[position] = Refused(f"553 5.6.7 {NO_UTF8}", is_ours=True)
            else:
                self.asked.append(position)
                recipients.append(b"RCPT TO:<%b>\r\n" % recipient)
                is_utf8 = is_utf8 or not recipient.isascii()
        if recipients:
            parameters = b" SIZE=%d" % len(envelope.data) if peer.takes_size else b""
            if envelope.is_8bit:
                parameters += b" BODY=8BITMIME"
            if is_utf8:
                parameters += b" SMTPUTF8"
            self.commands = [b"MAIL FROM:<%b>%b\r\n" % (sender, parameters), *recipients, DATA]

    def hear(self, replies: Sequence[bytes], *, first: int = -1) -> None:
        """Take answers to MAIL (-1) and to RCPTs (from 0), beginning with number `first`. Some may be missing."""
        if replies:
            self.answered = first + 1 + len(replies)
        for place, reply in enumerate(replies, start=first):
            if reply[0] == SUCCESS:
                continue
            if place < 0:
                self._settle_by(reply, Stage.MAIL, self.envelope.sender)
            elif self.outcomes[self.asked[place]] is PENDING:  # else MAIL was refused, and this reply follows from it
                self._hear_of_recipient(place, reply)

    def hear_of_data(self, reply: bytes) -> None:
        """Take an answer to DATA other than 354."""
        if self.is_hopeful:
            self._settle_by(reply, Stage.DATA)

    def hear_of_body(self, reply: bytes) -> None:
        """Take the answer to the final dot."""
        if reply[0] == SUCCESS:
            self.settle(Sent(text_of(reply)))
        elif self.is_hopeful:
            self.is_behind_dot = False  # the peer does not complain about the place of its commands
            self._settle_by(reply, Stage.DOT)

    def _hear_of_recipient(self, place: int, reply: bytes) -> None:
        position = self.asked[place]
        outcome = judge(reply, Stage.RCPT, self.envelope.recipients[position])
        if isinstance(outcome, RetryAt) and is_too_many(reply) and (accepted := self._accepted(place)):
            self.room = self.room or len(accepted)
            self.left += self._set_aside(position)
        else:
            self.outcomes[position] = self._note_complaint(outcome)

    def _settle_by(self, reply: bytes, stage: Stage, address: str = "") -> None:
        self.settle(self._note_complaint(judge(reply, stage, address)))

    def _note_complaint(self, outcome: Outcome) -> Outcome:
        if isinstance(outcome, NotSent):
            self.complaint = outcome = self.complaint or outcome  # one object, which identifies its recipients
        return outcome

    def _accepted(self, number: int) -> tuple[int, ...]:
        """Return the positions of those who may still get the message, among the first `number` with a RCPT."""
        return tuple(position for position in self.asked[:number] if self.outcomes[position] is PENDING)

    @property
    def is_hopeful(self) -> bool:
        """Return whether a recipient is left who may still get the message."""
        return PENDING in self.outcomes

    def settle(self, outcome: Outcome) -> None:
        """Give this outcome to every recipient who has none yet."""
        self.outcomes = [outcome if current is PENDING else current for current in self.outcomes]

    def divide(self) -> None:
        """Divide the recipients after the peer has answered for some of them and closed the connection.

        Recipients whom it had accepted go into one transaction, recipients without a reply into others. All of these
        are smaller than this one, so dividing comes to an end. A transaction that would be repeated unchanged is not
        divided.
        """
        answered_recipients = self.answered - 1
        if answered_recipients <= 0 or not self.is_hopeful:
            return
        accepted = self._accepted(answered_recipients)
        if len(accepted) < len(self.asked):
            self.again = self._set_aside(*accepted)
        self.left += self._set_aside(*self.asked[answered_recipients:])

    def repeat(self) -> None:
        """Try those recipients again for whom the peer only complained about a command."""
        self.again = self._set_aside(
            *(position for position, outcome in enumerate(self.outcomes) if outcome is self.complaint)
        )

    def count_as_try(self) -> None:
        """Count the peer's complaint as a temporary failure."""
        assert self.complaint is not None
        failure = RetryAt(f"{self.complaint.reason} (the peer complains about a command each time)")
        self.outcomes = [failure if outcome is self.complaint else outcome for outcome in self.outcomes]

    def _set_aside(self, *positions: int) -> tuple[int, ...]:
        for position in positions:
            self.outcomes[position] = AGAIN
        return positions

    @property
    def begun(self) -> Begun:
        """Return the message or part that the final dot begins."""
        envelope, outcomes = self.envelope, self.outcomes
        if not envelope.is_part and (len(outcomes) == 1 or outcomes.count(PENDING) == len(outcomes)):
            return envelope.message_id
        recipients = zip(envelope.recipients, outcomes, strict=True)
        return Part(envelope.message_id, tuple(address for address, outcome in recipients if outcome is PENDING))

    @property
    def result(self) -> Result:
        """Return the outcomes of the recipients who got one in this transaction."""
        envelope = self.envelope
        if len(self.outcomes) == 1 and not envelope.is_part:
            return Result(envelope.message_id, tuple(self.outcomes))
        if AGAIN not in self.outcomes:
            return Result(envelope.message_id, tuple(self.outcomes), envelope.recipients)
        pairs = [pair for pair in zip(envelope.recipients, self.outcomes, strict=True) if pair[1] is not AGAIN]
        return Result(
            envelope.message_id, tuple(outcome for _, outcome in pairs), tuple(address for address, _ in pairs)
        )

    @property
    def body(self) -> bytes:
        """Return the bytes between 354 and the final dot, ended by CRLF.

        Empty if no recipient is left (RFC 2920 section 3.1).
        """
        if not self.is_hopeful:
            return b""
        return end_line(stuff_dots(self.envelope.data))


def stuff_dots(data: bytes) -> bytes:
    """Double each dot that begins a line, of head and body alike (RFC 5321 section 4.5.2).

    A dot behind an LF alone is doubled too. Behind a CR alone it is not: a message with one is not sent (checking.py).
    """
    if data.startswith(b"."):
        data = b"." + data
    return DOT_AT_LINE_START.sub(b"\n..", data) if DOT_AT_LINE_START.search(data) else data


def end_line(data: bytes) -> bytes:
    """Return the data with a CRLF at the end, if there is anything."""
    return data if data.endswith(b"\r\n") or not data else data + b"\r\n"


def _encode_address(address: str) -> bytes | None:
    """Return the address in bytes; None if it may not reach the peer."""
    return address.encode() if is_safe_address(address) else None


_encode_sender = lru_cache(maxsize=256)(_encode_address)  # senders repeat, recipients do not


def _find_refusal(envelope: Envelope, peer: Peer, *, is_utf8: bool) -> str:
    """Return why this peer can never take this message, in the form of a reply, or an empty string if it can."""
    if 0 < peer.size_limit < len(envelope.data):
        return f"552 5.3.4 {len(envelope.data)} bytes are more than the {peer.size_limit} bytes that the peer takes"
    if envelope.is_8bit and not peer.is_8bit:
        return "554 5.6.3 the message has 8-bit content and the peer does not offer 8BITMIME"
    if is_utf8 and not peer.is_utf8:
        return f"553 5.6.7 {NO_UTF8}"
    return ""
