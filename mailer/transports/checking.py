"""Check messages and addresses for the last time before they reach a peer.

Peers differ in what they take for the end of a line. A CR or LF alone, or a line in the head that is not a field, can
therefore become a header, an envelope or a command that nobody wrote. Such a message is refused and never sent. Unsafe
addresses are refused much earlier, too.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Sequence
from io import IncrementalNewlineDecoder

import structlog

from mailer.transports.base import Envelope, Guard, Refused, Result, Transport, Usage, take_all

HEAD = re.compile(rb"(?![ \t])(?:(?:[!-9;-~]++:|[ \t]++[!-~\x80-\xff])[\t -~\x80-\xff]*+\r\n)++(?:\r\n|\Z)")
"""Lines that begin a field or, with white space and a word, continue one (RFC 5322 section 2.2, RFC 6532 section 3.2);
behind them an empty line, or nothing. Possessive, so that the repetitions take no memory."""

log = structlog.get_logger(__name__)


class CheckedTransport(Transport):
    """A Transport (see base.py) that passes only well-formed messages to `send_checked`."""

    @property
    def is_encrypted(self) -> bool | None:
        """Return None, for a transport that cannot know."""
        return None

    def send_slice(
        self, envelopes: Sequence[Envelope], guard: Guard, *, may_take: Callable[[], bool] = take_all
    ) -> list[Result]:
        """Send the well-formed messages. The others are refused, whether the gate is open or not."""
        well_formed: list[Envelope] = []
        refused: list[Result] = []
        for envelope in envelopes:
            if fault := find_fault(envelope.data):
                log.error("malformed message refused", message=envelope.message_id, reason=fault)
                refusal = Refused(f"554 5.6.0 not sent, because the message is malformed: {fault}", is_ours=True)
                refused.append(Result(envelope.message_id, (refusal,) * len(envelope.recipients), envelope.recipients))
                guard.note_result(refused[-1])
            else:
                well_formed.append(envelope)
        return refused + self.send_checked(well_formed, guard, may_take)

    @abstractmethod
    def send_checked(self, envelopes: Sequence[Envelope], guard: Guard, may_take: Callable[[], bool]) -> list[Result]:
        """Do what base.py promises for `send_slice`, with well-formed messages."""

    def measure(self, since: float | None = None) -> Usage:
        """Return that no connection is open. Transports with connections override this."""
        return Usage()


def find_fault(data: bytes) -> str:
    """Return why these bytes are not one message (RFC 5322 sections 2.1 to 2.3); empty if they are.

    Takes time in proportion to their length.
    """
    head = HEAD.match(data)
    if head is None:
        return "its head does not consist of header fields"
    body = data[head.end() :]
    line_ends = IncrementalNewlineDecoder(None, translate=False)  # notes in one pass which kinds occur
    line_ends.decode(body.decode("latin-1"), final=True)
    if line_ends.newlines not in (None, "\r\n"):
        return "it has a CR or LF that is not part of a line end"
    if b"\0" in body:
        return "it has a NUL"
    return ""


UNSAFE = re.compile(r"[\x00-\x20\x7f<>\ud800-\udfff]")
"""The characters that could end or split an SMTP command, or that no encoding knows."""


def is_safe_address(address: str) -> bool:
    return UNSAFE.search(address) is None
