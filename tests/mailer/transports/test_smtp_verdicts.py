"""Test the meaning of a negative reply, by code, enhanced code, text and stage."""

from __future__ import annotations

from itertools import product

import pytest

from mailer.transports.base import NotSent, Outcome, Refused, RetryAt
from mailer.transports.smtp.verdicts import PeerBroken, Stage, judge
from tests.examples import for_each

ADDRESS = "user@example.net"
WORDS = ("", "5.1.3 ", "5.5.1 ", "5.5.2 ", "5.7.1 ", "5.5.3 ", "#5.1.1 ")
TEXTS = (
    "no",
    "Bad recipient address syntax",
    f"<{ADDRESS}>: rejected",
    "Syntax: RCPT TO:<address>",
    "<host>: Helo command rejected: need fully-qualified hostname",
)


def expected(code: str, enhanced: str, text: str, stage: Stage) -> type[Outcome]:
    """Return the outcome by the rules, read from RFC 5321 and RFC 3463 and written down a second time."""
    if code.startswith("4"):
        return RetryAt
    if stage is Stage.RCPT and "5.5.3" in enhanced:
        return RetryAt
    if code in {"500", "502", "503", "530"}:
        return NotSent
    if code in {"501", "504"}:
        is_in_command = stage in {Stage.MAIL, Stage.RCPT}
        names_address = "5.1." in enhanced or (is_in_command and ("recipient address" in text or ADDRESS in text))
        return Refused if names_address else NotSent
    return Refused


def test_every_reply_means_the_same_wherever_it_comes_from() -> None:
    codes = ("421", "450", "451", "452", "500", "501", "502", "503", "504", "521", "550", "551", "552", "553", "554")
    for code, enhanced, text, stage in product(codes, WORDS, TEXTS, Stage):
        reply = f"{code} {enhanced}{text}"
        outcome = judge(reply.encode(), stage, ADDRESS)
        assert type(outcome) is expected(code, enhanced, text, stage), (stage, reply)
        if isinstance(outcome, Refused):
            assert outcome.is_of_recipient == (stage is Stage.RCPT), (stage, reply)


@for_each(
    ("stage", "reply", "kind"),
    [
        (Stage.RCPT, b"452 4.5.3 Too many recipients", RetryAt),
        (Stage.RCPT, b"452 too many recipients", RetryAt),
        (Stage.RCPT, b"552 too many recipients", RetryAt),
        (Stage.RCPT, b"552 5.5.3 too many", RetryAt),
        (Stage.RCPT, b"550-5.5.3 no\nmore", RetryAt),
        (Stage.RCPT, b"552 5.2.2 The mailbox of this recipient is over its limit", Refused),
        (Stage.DOT, b"552 5.3.4 too big", Refused),
        (Stage.RCPT, b"504 5.5.2 <user>: Recipient address rejected: need fully-qualified address", Refused),
        (Stage.MAIL, b"504 5.5.2 <user>: Sender address rejected: need fully-qualified address", Refused),
        (Stage.RCPT, b"504 5.5.2 <host>: Helo command rejected: need fully-qualified hostname", NotSent),
        (Stage.RCPT, b"501 5.1.3 Bad recipient address syntax", Refused),
        (Stage.RCPT, b"501 USER@example.net: recipient must contain a domain", Refused),
        (Stage.MAIL, b"501 5.5.4 Unsupported option: SIZE", NotSent),
        (Stage.MAIL, b"501", NotSent),
        (Stage.MAIL, b"555 5.5.4 Unsupported option: SIZE", Refused),
        (Stage.DATA, b"503 5.5.1 need RCPT", NotSent),
        (Stage.DOT, b"503 5.5.0 out of order", NotSent),
        (Stage.DOT, b"501 5.1.3 bad recipient", Refused),
        (Stage.DOT, b"530 5.7.0 log in", NotSent),
    ],
)
def test_replies_of_real_servers_have_their_outcome(stage: Stage, reply: bytes, kind: type[Outcome]) -> None:
    assert type(judge(reply, stage, ADDRESS)) is kind


@pytest.mark.parametrize("stage", [Stage.MAIL, Stage.RCPT, Stage.DATA])
def test_a_peer_that_wants_a_login_wants_it_for_every_message(stage: Stage) -> None:
    with pytest.raises(PeerBroken, match="encryption or a login first: 530"):
        judge(b"530 5.7.0 Must issue a STARTTLS command first", stage)
