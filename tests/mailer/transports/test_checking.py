"""Each transport refuses a malformed message, whatever composed it, and sends no part of it."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from mailer.transports.base import Refused, Sent
from mailer.transports.checking import CheckedTransport, find_fault
from mailer.transports.django_backend import DjangoBackendTransport
from mailer.transports.sandbox import SandboxTransport
from mailer.transports.smtp import SmtpTransport
from tests.examples import for_each
from tests.mailer.transports.envelopes import make_envelope, outcomes_of
from tests.mailer.transports.guards import TestGuard
from tests.mailer.transports.scripted import ScriptedServer

GOOD = b"Subject: x\r\n\r\nbody\r\n"
IN_BODY = {
    "LF": b"a\nb",
    "CR": b"a\rb",
    "CR CR LF": b"a\r\r\nb",
    "LF CR": b"a\n\rb",
    "LF dot LF": b"a\n.\nMAIL FROM:<x@example.com>\n",
    "CR dot CR": b"a\r.\rMAIL FROM:<x@example.com>\r",
    "CR at the end": b"a\r",
    "LF at the end": b"a\n",
    "NUL": b"a\0b",
}
IN_HEAD = {
    "no colon": b"Subject: x\r\nno colon\r\n",
    "white space before the colon": b"Subject: x\r\nReply-To : x@example.com\r\n",
    "no name": b": x\r\n",
    "a name that is not ASCII": "Ü: x\r\n".encode(),
    "a dot alone": b"Subject: x\r\n.\r\n",
    "a line of white space": b"Subject: x\r\n \t\r\nTo: x\r\n",
    "white space first": b" Subject: x\r\n",
    "no field": b"",
    "LF": b"Subject: x\nTo: y\r\n",
    "CR": b"Subject: x\rTo: y\r\n",
    **{f"control {code}": b"Subject: x%cy\r\n" % code for code in {*range(32), 127} - set(b"\t\r\n")},
}
MALFORMED = {
    **{f"body: {name}": b"Subject: x\r\n\r\n" + body for name, body in IN_BODY.items()},
    **{f"head: {name}": head + b"\r\nbody\r\n" for name, head in IN_HEAD.items()},
    "empty": b"",
    "no line end": b"Subject: x",
    "body without an empty line before it": b"Subject: x\r\nbody",
}
WELL_FORMED = {
    "head and body": GOOD,
    "head alone": b"Subject: x\r\n",
    "head and empty line": b"Subject: x\r\n\r\n",
    "body without a last line end": b"Subject: x\r\n\r\nbody",
    "folded": b"Subject: x\r\n y\r\n\tz\r\n\r\n",
    "folded behind the name": b"Subject:\r\n x\r\n\r\n",
    "empty value": b"Subject:\r\nTo: \r\n\r\n",
    "a name that begins with a dot": b".X: y\r\n\r\n",
    "UTF-8": "To: ü@example.com\r\n ü\r\n\r\nü\x85\u2028\r\n".encode(),
    "controls in the body": b"Subject: x\r\n\r\n\x0b\x0c\x1b\x7f\r\n.\r\n",
}


@for_each("data", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_message_has_a_fault(data: bytes) -> None:
    assert find_fault(data)


@for_each("data", WELL_FORMED.values(), ids=WELL_FORMED)
def test_a_well_formed_message_has_no_fault(data: bytes) -> None:
    assert find_fault(data) == ""


def test_the_smtp_transport_refuses_malformed_messages_and_sends_the_rest(
    start_server: Callable[..., ScriptedServer], open_smtp: Callable[..., SmtpTransport]
) -> None:
    server = start_server()
    envelopes = [make_envelope(number, data=data) for number, data in enumerate(MALFORMED.values(), start=2)]
    good = [make_envelope(1, data=GOOD), make_envelope(len(MALFORMED) + 2, data=GOOD)]
    guard = TestGuard()
    with capture_logs() as logs:
        outcomes = outcomes_of(open_smtp(server.url).send_slice([good[0], *envelopes, good[1]], guard))
    assert {number for number, outcome in outcomes.items() if isinstance(outcome, Sent)} == {1, len(MALFORMED) + 2}
    refusals = [outcomes[envelope.message_id] for envelope in envelopes]
    assert all(isinstance(refusal, Refused) and refusal.is_ours for refusal in refusals)
    assert server.stored == [GOOD, GOOD]
    assert (server.count("MAIL"), sorted(guard.begun)) == (2, [1, len(MALFORMED) + 2])
    assert len(guard.results) == len(outcomes)
    assert [(log["event"], log["message"]) for log in logs] == [
        ("malformed message refused", envelope.message_id) for envelope in envelopes
    ]


@pytest.mark.parametrize(
    "transport",
    [SandboxTransport(), DjangoBackendTransport("django.core.mail.backends.locmem.EmailBackend")],
    ids=lambda transport: type(transport).__name__,
)
def test_every_other_transport_refuses_malformed_messages(transport: CheckedTransport, mailoutbox: list[Any]) -> None:
    envelopes = [make_envelope(number, data=data) for number, data in enumerate([GOOD, *MALFORMED.values()])]
    outcomes = outcomes_of(transport.send_slice(envelopes, TestGuard()))
    transport.close()
    assert [number for number, outcome in outcomes.items() if isinstance(outcome, Sent)] == [0]
    assert len(mailoutbox) == (0 if isinstance(transport, SandboxTransport) else 1)


def test_a_refusal_names_the_fault_without_content_and_suppresses_nobody() -> None:
    envelope = make_envelope(data=b"Subject: secret\x0bvalue\r\n\r\n", recipients=("a@example.net", "b@example.net"))
    with capture_logs() as logs:
        (result,) = SandboxTransport().send_slice([envelope], TestGuard())
    reason = "its head does not consist of header fields"
    assert logs == [
        {"event": "malformed message refused", "log_level": "error", "message": envelope.message_id, "reason": reason}
    ]
    assert result.outcomes == (Refused(f"554 5.6.0 not sent, because the message is malformed: {reason}"),) * 2
    assert not any(outcome.is_of_recipient for outcome in result.outcomes if isinstance(outcome, Refused))


@for_each(
    "unit",
    [b"X: y\r\n", b"X: y\r\n z\r\n", b" \t", b"a", b"X:", b"a:b", b"\r\n", b"\r", b"\n", b"\0", b"QUJD\r\n", b"\r\n\r"],
)
def test_the_check_takes_no_memory_beyond_copies_of_a_message(unit: bytes) -> None:
    """A repeated group that can backtrack would take many bytes for each repetition."""
    for start in (b"", b"X: y\r\n\r\n"):
        data = start + unit * (1_000_000 // len(unit))
        tracemalloc.start()
        find_fault(data)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 4 * len(data)
