"""One message on the wire: the commands that carry it to a given peer, and the outcome of each of its recipients."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from mailer.transports.addresses import is_safe_address
from mailer.transports.base import Envelope, NotSent, Outcome, Refused, Result, RetryAt, Sent
from mailer.transports.smtp.replies import SUCCESS, text_of

END_OF_DATA = b".\r\n"
"""Written behind a body that ends with CRLF."""
DATA = b"DATA\r\n"

NOT_WITHOUT_LOGIN = b"530"
"""RFC 3207 and RFC 4954: it would say so to every message, so it is no message's fault."""
NO_UTF8 = "an address or header is not ASCII and the peer does not offer SMTPUTF8"

DOT_AT_LINE_START = re.compile(rb"\.(?:(?<=[\r\n].)|(?<=\A.))")  # the dot first: it is rarer than a line's start


@dataclass(frozen=True, slots=True)
class Peer:
    """What the peer offered in its answer to EHLO. After HELO it is nothing."""

    is_pipelining: bool = False
    is_8bit: bool = False
    is_utf8: bool = False
    takes_size: bool = False
    size_limit: int = 0
    """In bytes; 0 when it named none."""


PENDING = NotSent("it was not tried")
"""Stands for the outcome that a recipient does not have yet."""


class PeerBroken(Exception):
    """An answer that SMTP does not know at this place."""


class Transaction:
    """An envelope for one peer. Without `commands` there is nothing to send, and every outcome is known already."""

    __slots__ = ("asked", "commands", "envelope", "is_answered", "outcomes")

    def __init__(self, envelope: Envelope, peer: Peer) -> None:
        self.envelope = envelope
        self.is_answered = False
        """Whether the peer answered its MAIL: from then on it is not quietly given to another connection."""
        self.outcomes: list[Outcome] = [PENDING] * len(envelope.recipients)
        self.asked: list[int] = []
        """The positions, among the recipients, of those with a RCPT."""
        self.commands: list[bytes] = []
        self._prepare(peer)

    def _prepare(self, peer: Peer) -> None:
        envelope = self.envelope
        sender = _encode_sender(envelope.sender)
        if sender is None:
            self.settle(Refused("553 5.1.7 the sender's address cannot be sent"))
            return
        is_utf8 = envelope.is_utf8 or not sender.isascii()
        may_be_refused = peer.size_limit or envelope.is_8bit or is_utf8
        if may_be_refused and (refusal := _find_refusal(envelope, peer, is_utf8=is_utf8)):
            self.settle(Refused(refusal))
            return
        recipients: list[bytes] = []
        for position, address in enumerate(envelope.recipients):
            recipient = _encode_address(address)
            if not recipient:
                self.outcomes[position] = Refused("553 5.1.3 this recipient's address cannot be sent")
            elif not peer.is_utf8 and not recipient.isascii():
                self.outcomes[position] = Refused(f"553 5.6.7 {NO_UTF8}")
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
        """Answers to MAIL (-1) and to the RCPTs (from 0), beginning with the `first`; perhaps not all of them."""
        for place, reply in enumerate(replies, start=first):
            self.is_answered = True
            if reply[0] == SUCCESS:
                continue
            if place < 0 and reply.startswith(NOT_WITHOUT_LOGIN):
                raise PeerBroken(f"the peer wants encryption or a login first: {text_of(reply)}")
            if place < 0:
                self.settle(judge(reply))
            elif self.outcomes[self.asked[place]] is PENDING:  # else MAIL was refused, and this is only its echo
                self.outcomes[self.asked[place]] = judge(reply, of_recipient=True)

    def hear_of_data(self, reply: bytes) -> None:
        """An answer to DATA other than 354."""
        if self.is_hopeful:
            self.settle(judge(reply))

    def hear_of_body(self, reply: bytes) -> None:
        """The answer to the final dot."""
        self.settle(Sent(text_of(reply)) if reply[0] == SUCCESS else judge(reply))

    @property
    def is_hopeful(self) -> bool:
        """Whether a recipient is left that may still get it."""
        return PENDING in self.outcomes

    def settle(self, outcome: Outcome) -> None:
        """The outcome of every recipient that has none yet."""
        self.outcomes = [outcome if known is PENDING else known for known in self.outcomes]

    @property
    def result(self) -> Result:
        return Result(self.envelope.message_id, tuple(self.outcomes))

    @property
    def body(self) -> bytes:
        """What goes between 354 and the final dot, ended by CRLF. Empty when nobody is left to get it (RFC 2920 section
        3.1)."""
        if not self.is_hopeful:
            return b""
        return end_line(self.envelope.data if self.envelope.is_undotted else stuff_dots(self.envelope.data))


def judge(reply: bytes, *, of_recipient: bool = False) -> Outcome:
    """Of a reply that says no. Raises PeerBroken for any other."""
    if reply.startswith(b"5"):
        return Refused(text_of(reply), of_recipient)
    if reply.startswith(b"4"):
        return RetryAt(text_of(reply))
    raise PeerBroken(f"the peer answered out of turn: {text_of(reply)}")


def stuff_dots(data: bytes) -> bytes:
    """RFC 5321 section 4.5.2.

    A dot behind a bare CR or LF is doubled too: some peers take those for line ends, and would take what follows for
    commands.
    """
    if DOT_AT_LINE_START.search(data):
        data = DOT_AT_LINE_START.sub(b"..", data)
    return data


def end_line(data: bytes) -> bytes:
    """With a CRLF at the end, where there is anything."""
    return data if data.endswith(b"\r\n") or not data else data + b"\r\n"


def _encode_address(address: str) -> bytes | None:
    """None for one that may not reach the wire."""
    return address.encode() if is_safe_address(address) else None


_encode_sender = lru_cache(maxsize=256)(_encode_address)  # senders repeat, recipients do not


def _find_refusal(envelope: Envelope, peer: Peer, *, is_utf8: bool) -> str:
    """Why this peer can never be given this message; empty when it can. Worded like the reply it would send."""
    if 0 < peer.size_limit < len(envelope.data):
        return f"552 5.3.4 {len(envelope.data)} bytes are more than the {peer.size_limit} bytes that the peer takes"
    if envelope.is_8bit and not peer.is_8bit:
        return "554 5.6.3 the message has 8-bit content and the peer does not offer 8BITMIME"
    if is_utf8 and not peer.is_utf8:
        return f"553 5.6.7 {NO_UTF8}"
    return ""
