"""Decide which outcome a negative reply means for a message or a recipient (RFC 5321 section 4.2)."""

from __future__ import annotations

import enum
import re

from mailer.transports.base import NotSent, Outcome, Refused, RetryAt
from mailer.transports.smtp.replies import text_of


class Stage(enum.Enum):
    """The command, or the final dot, that the peer answered."""

    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    DOT = "the final dot"


class PeerBroken(Exception):
    """Raised for an answer that SMTP does not define at this place, or that every message would get."""


NOT_WITHOUT_LOGIN = b"530"
"""The codes of RFC 3207 and RFC 4954 that every message would get, so that no message is at fault."""
COMMAND_ERRORS = (b"500", b"502", b"503")
"""The codes of a peer that did not understand or expect a command. It has not judged the message."""
PARAMETER_ERRORS = (b"501", b"504")
"""The codes for errors in a command's parameters. If the address is meant, the reply is a verdict on it."""
ADDRESS_STATUS = re.compile(r"50[14][ -]#?5\.1\.\d{1,3}\b")
"""RFC 3463 section 3.2: the second number of an enhanced status code is 1 when it is about an address."""
ADDRESS_WORDS = re.compile(r"\b(?:address|recipient|sender|mailbox)\b", re.IGNORECASE)
QUOTED = re.compile(r"<[^<>]*+>")
"""An address, a host name or, in a line that explains the syntax of a command, a placeholder such as `<address>`."""
TOO_MANY = re.compile(
    rb"[45]\d\d(?:[ -]#?[45]\.5\.3\b|[^\n]{0,400}?\btoo many (?:recipients|rcpts?|addresses)\b)", re.IGNORECASE
)
"""RFC 5321 section 4.5.3.1.10, RFC 3463 section 3.6: one recipient more than the peer takes in a transaction."""


def judge(reply: bytes, stage: Stage, address: str = "") -> Outcome:
    """Return the outcome that a negative reply means; `address` is the one that MAIL or RCPT gave.

    NotSent means that the peer did not judge the message, but complained about a command. Raises PeerBroken for a reply
    that is not negative.
    """
    if reply.startswith(b"4") or (stage is Stage.RCPT and is_too_many(reply)):
        return RetryAt(text_of(reply))
    if not reply.startswith(b"5"):
        raise PeerBroken(f"the peer answered out of turn: {text_of(reply)}")
    if reply.startswith(NOT_WITHOUT_LOGIN):
        if stage is not Stage.DOT:
            raise PeerBroken(f"the peer wants encryption or a login first: {text_of(reply)}")
        return NotSent(text_of(reply))
    text = text_of(reply)
    if reply.startswith(COMMAND_ERRORS) or (
        reply.startswith(PARAMETER_ERRORS) and not speaks_of_address(text, stage, address)
    ):
        return NotSent(text)
    return Refused(text, stage is Stage.RCPT)


def is_too_many(reply: bytes) -> bool:
    """Return whether a negative reply to RCPT says that the transaction has as many recipients as the peer takes."""
    return TOO_MANY.match(reply) is not None


def speaks_of_address(text: str, stage: Stage, address: str) -> bool:
    """Return whether a reply is about an address: by its enhanced code or, to MAIL and RCPT, by its words.

    A reply such as "501 5.5.4 Syntax: RCPT TO:<address>" explains the command and is about no address.
    """
    if ADDRESS_STATUS.match(text):
        return True
    if stage not in {Stage.MAIL, Stage.RCPT}:
        return False
    return (bool(address) and address.lower() in text.lower()) or bool(ADDRESS_WORDS.search(QUOTED.sub("", text)))
