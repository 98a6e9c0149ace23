"""Test bytes in and bytes out: dots, replies, addresses."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from mailer.transports.base import Refused
from mailer.transports.checking import find_fault
from mailer.transports.smtp.replies import ReplyReader, text_of
from mailer.transports.smtp.transaction import END_OF_DATA, PENDING, Peer, Transaction, end_line, stuff_dots
from tests.examples import for_each
from tests.mailer.transports.envelopes import make_envelope

BYTES_THAT_MATTER = st.text(alphabet="a.\r\n", max_size=30).map(str.encode)
WORDS = st.text(alphabet="abc -.0123456789", max_size=20).map(str.encode)


def unstuff(data: bytes) -> bytes:
    """Remove the dot-stuffing as a receiver does (RFC 5321 section 4.5.2)."""
    return re.sub(rb"(\A|\r\n)\.", rb"\1", data)


@given(st.lists(BYTES_THAT_MATTER.map(lambda line: line.replace(b"\r", b"").replace(b"\n", b"")), max_size=8))
def test_dot_stuffing_is_reversible(lines: list[bytes]) -> None:
    data = b"".join(line + b"\r\n" for line in lines)
    assert unstuff(stuff_dots(data)) == data


@given(st.lists(st.sampled_from([b"a", b".", b"\r\n", b"\r\n.", b"\r\n..", b"\r\n.\r\n"])).map(b"".join), st.booleans())
def test_nothing_in_a_message_that_may_be_sent_can_end_it(body: bytes, begins_with_dot: bool) -> None:
    data = b"." * begins_with_dot + b"X: y\r\n.X: y\r\n\r\n" + body
    assert not find_fault(data)
    sent = end_line(stuff_dots(data)) + END_OF_DATA
    for line_end in (rb"\r\n", rb"\n", rb"\r", rb"[\r\n]"):
        ends = list(re.finditer(rb"(?:\A|" + line_end + rb")\.(?=" + line_end + rb")", sent))
        assert [match.end() for match in ends] in ([], [len(sent) - 2]), sent


def test_a_body_without_a_last_line_end_is_given_one() -> None:
    assert end_line(b"a") == b"a\r\n"
    assert end_line(b"") == b""


@st.composite
def reply_lines(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Generate a reply as the peer writes it, and as the client reads it."""
    code = draw(st.sampled_from([b"220", b"250", b"354", b"421", b"450", b"550"]))
    lines = draw(st.lists(WORDS, min_size=1, max_size=3))
    end = draw(st.sampled_from([b"\r\n", b"\n"]))
    written = b"".join(code + b"-" + line + end for line in lines[:-1]) + code + b" " + lines[-1] + end
    return written, code + b" " + b"\n".join(lines)


@given(st.lists(reply_lines(), max_size=6), st.data())
def test_replies_are_the_same_in_any_pieces(replies: list[tuple[bytes, bytes]], data: st.DataObject) -> None:
    received = b"".join(written for written, _ in replies)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(received)), max_size=8)))
    reader, read = ReplyReader(), []
    for start, end in zip([0, *cuts], [*cuts, len(received)], strict=True):
        read += reader.feed(received[start:end])
    assert read == [expected for _, expected in replies]
    assert not reader.has_rest
    assert not reader.broken


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_raise(data: bytes) -> None:
    reader = ReplyReader()
    for reply in reader.feed(data):
        assert re.match(rb"[2-5]\d\d ", reply)


@for_each(
    "garbage",
    [b"hello\r\n", b"250\xff\r\n", b"999 x\r\n", b"250-a\r\n251 b\r\n", b"250 " + b"x" * 3000 + b"\r\n", b"2" * 3000,
     b"250-" + b"x" * 900 + b"\r\n" + (b"250-" + b"x" * 900 + b"\r\n") * 200],
)  # fmt: skip
def test_a_reply_that_is_not_smtp_marks_the_peer_as_broken(garbage: bytes) -> None:
    reader = ReplyReader()
    assert reader.feed(b"250 ok\r\n" + garbage) == [b"250 ok"]
    assert reader.broken
    assert reader.feed(b"250 ok\r\n") == []


def test_reply_text_is_one_clean_line() -> None:
    assert text_of(b"550 5.1.1 no\nsuch\x00user\x1b[2J\xff") == "550 5.1.1 no such\ufffduser\ufffd[2J\ufffd"
    assert len(text_of(b"550 " + b"x" * 1000)) == 500


@for_each("address", ["a@b\r\nRCPT TO:<evil@x>", "a b@c", "a@b>", "<a@b", "a\x00@b", "a\x7f@b", "\ud800@b", "a@b\n"])
def test_an_address_that_could_split_a_command_is_never_sent(address: str) -> None:
    as_sender = Transaction(make_envelope(sender=address), Peer(is_utf8=True))
    assert as_sender.commands == []
    assert isinstance(as_sender.outcomes[0], Refused)
    as_recipient = Transaction(make_envelope(recipients=(address, "bob@example.net")), Peer(is_utf8=True))
    assert as_recipient.commands == [b"MAIL FROM:<ann@example.org>\r\n", b"RCPT TO:<bob@example.net>\r\n", b"DATA\r\n"]
    assert isinstance(as_recipient.outcomes[0], Refused)
    assert as_recipient.outcomes[1] is PENDING


def test_mail_carries_the_parameters_that_the_peer_offered() -> None:
    peer = Peer(is_8bit=True, is_utf8=True, takes_size=True)
    envelope = make_envelope(sender="änn@example.org", data=b"\xc3\xa4\r\n", is_8bit=True, is_utf8=True)
    assert Transaction(envelope, peer).commands[0] == (
        "MAIL FROM:<änn@example.org> SIZE=4 BODY=8BITMIME SMTPUTF8\r\n".encode()
    )
    assert Transaction(make_envelope(sender=""), Peer()).commands[0] == b"MAIL FROM:<>\r\n"


@for_each(
    ("peer", "changes", "words"),
    [
        (Peer(takes_size=True, size_limit=10), {}, "552 5.3.4"),
        (Peer(is_utf8=True), {"is_8bit": True}, "8BITMIME"),
        (Peer(is_8bit=True), {"is_utf8": True}, "SMTPUTF8"),
        (Peer(is_8bit=True), {"recipients": ("ü@example.net",)}, "SMTPUTF8"),
    ],
)
def test_a_message_that_the_peer_can_never_take_is_refused_without_a_command(
    peer: Peer, changes: dict[str, object], words: str
) -> None:
    transaction = Transaction(make_envelope(**changes), peer)
    assert transaction.commands == []
    (outcome,) = transaction.outcomes
    assert isinstance(outcome, Refused)
    assert outcome.is_ours
    assert words in outcome.reply
