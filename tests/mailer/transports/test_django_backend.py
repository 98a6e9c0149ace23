"""Test Django's e-mail backends as a transport: the messages they get, and the outcomes of their exceptions."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
import requests
from anymail.backends.postmark import EmailBackend as PostmarkBackend
from anymail.backends.test import EmailBackend as AnymailTestBackend
from anymail.exceptions import (
    AnymailAPIError,
    AnymailRecipientsRefused,
    AnymailRequestsAPIError,
    AnymailUnsupportedFeature,
)
from anymail.message import AnymailRecipientStatus
from django.core.exceptions import ImproperlyConfigured
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend as DjangoSmtpBackend
from urllib3.exceptions import MaxRetryError, NewConnectionError

from mailer.transports.base import Envelope, InDoubt, NotSent, Outcome, Refused, RetryAt, Sent
from mailer.transports.django_backend import DjangoBackendTransport
from mailer.transports.django_message import EnvelopeMessage
from tests.examples import for_each
from tests.mailer.transports.envelopes import kinds_of, make_envelope, make_envelopes, outcomes_of
from tests.mailer.transports.guards import TestGuard
from tests.mailer.transports.real_server import RealServer

HERE = "tests.mailer.transports.test_django_backend"


class ScriptedBackend(BaseEmailBackend):
    """A backend that raises an exception of `acts`, calls a function with the message, or returns a count."""

    acts: list[Any] = []
    opened = 0
    opening: Exception | None = None
    sent: list[Any] = []

    def open(self) -> bool:
        type(self).opened += 1
        if self.opening:
            raise self.opening
        return True

    def send_messages(self, email_messages: Any) -> int:
        act = self.acts.pop(0) if self.acts else 1
        if isinstance(act, Exception):
            raise act
        self.sent.extend(email_messages)
        return act(email_messages[0]) if callable(act) else act


@pytest.fixture(autouse=True)
def clean_backend() -> None:
    ScriptedBackend.acts, ScriptedBackend.sent, ScriptedBackend.opened, ScriptedBackend.opening = [], [], 0, None


@pytest.fixture
def transport() -> Iterator[DjangoBackendTransport]:
    transport = DjangoBackendTransport(f"{HERE}.ScriptedBackend")
    yield transport
    transport.close()


def make_rich_envelope(**changes: Any) -> Envelope:
    message = EmailMessage()
    message["From"] = "Änn <ann@example.org>"
    message["To"] = '"Bob, B." <Bob@Example.net>, gone@example.net'
    message["Cc"] = "cy@example.net"
    message["Reply-To"] = "help@example.org"
    message["Subject"] = "Grüße"
    message["Message-ID"] = "<1@sluice.test>"
    message["Date"] = "Fri, 20 Nov 2026 10:00:00 +0000"
    message["X-Campaign"] = "spring"
    message.set_content("plain ä\nFrom here on\n")
    message.add_alternative('<img src="cid:logo"> ä\n', subtype="html")
    html = message.get_payload(1)
    html.add_related(b"\x89PNG", "image", "png", cid="<logo>", disposition="inline", filename="logo.png")
    message.add_attachment("a,b\n", subtype="csv", filename="täble.csv")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="paper.pdf")
    inner = EmailMessage()
    inner["Subject"] = "inner"
    inner.set_content("inside\n")
    message.add_attachment(inner)
    recipients = ("bob@example.net", "cy@example.net", "hidden@example.net")
    data = message.as_bytes(policy=policy.SMTP)
    return make_envelope(**({"data": data, "sender": "bounce@example.org", "recipients": recipients} | changes))


# --- the messages that a backend gets ---------------------------------------------------------------------------------


def test_djangos_smtp_backend_sends_the_very_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    rich = make_rich_envelope()
    envelope = rich._replace(data=b"X-Long: " + b"unfolded " * 30 + b"\r\n" + rich.data)
    with RealServer() as server:
        backend = DjangoSmtpBackend(host="127.0.0.1", port=server.port, username="", password="", timeout=5)
        monkeypatch.setattr("mailer.transports.django_backend.get_connection", lambda _: backend)
        transport = DjangoBackendTransport("smtp")
        assert transport.send_slice([envelope], TestGuard())[0].outcomes == (Sent(), Sent(), Sent())
        transport.close()
    (received,) = server.received
    assert received.content == envelope.data
    assert received.mail_from == "bounce@example.org"
    assert sorted(received.rcpt_tos) == sorted(["Bob@Example.net", "cy@example.net", "hidden@example.net"])


ENCRYPTED: dict[str, tuple[BaseEmailBackend, bool | None]] = {
    "SMTP with STARTTLS": (DjangoSmtpBackend(use_tls=True), True),
    "SMTP over TLS": (DjangoSmtpBackend(use_ssl=True), True),
    "SMTP": (DjangoSmtpBackend(use_tls=False, use_ssl=False), False),
    "provider": (PostmarkBackend(server_token="secret"), True),
    "provider without TLS": (PostmarkBackend(server_token="secret", api_url="http://localhost/"), False),
    "unknown": (ScriptedBackend(), None),
}
"""Backends, with what is known of their connections."""


@for_each("name", ENCRYPTED)
def test_the_settings_of_a_backend_tell_whether_it_encrypts(name: str) -> None:
    backend, is_encrypted = ENCRYPTED[name]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mailer.transports.django_backend.get_connection", lambda _: backend)
        assert DjangoBackendTransport(name).is_encrypted is is_encrypted


def test_a_provider_is_given_the_parts() -> None:
    message = EnvelopeMessage(make_rich_envelope(), is_for_provider=True)
    assert message.from_email == "Änn <ann@example.org>"
    assert message.subject == "Grüße"
    assert message.to == ['"Bob, B." <Bob@Example.net>']  # not gone@example.net: it is not in the envelope
    assert (message.cc, message.bcc) == (["cy@example.net"], ["hidden@example.net"])
    assert message.reply_to == ["help@example.org"]
    assert message.body == "plain ä\nFrom here on\n"
    assert [(part.content, part.mimetype) for part in message.alternatives] == [
        ('<img src="cid:logo"> ä\n', "text/html")
    ]
    assert message.extra_headers == {
        "Message-ID": "<1@sluice.test>",
        "Date": "Fri, 20 Nov 2026 10:00:00 +0000",
        "X-Campaign": "spring",
    }


def test_a_provider_gets_inline_pictures_and_attachments() -> None:
    backend = AnymailTestBackend()
    message = EnvelopeMessage(make_rich_envelope(), is_for_provider=True)
    assert backend.send_messages([message]) == 1
    attachments = message.anymail_test_params["attachments"]
    assert [
        (attachment.name, attachment.mimetype, attachment.inline, attachment.cid) for attachment in attachments
    ] == [
        ("logo.png", "image/png", True, "logo"),
        ("täble.csv", "text/csv", False, ""),
        ("paper.pdf", "application/pdf", False, ""),
        (None, "message/rfc822", False, ""),
    ]
    logo, table, paper, inner = attachments
    assert (logo.content, table.content, paper.content) == (b"\x89PNG", "a,b\r\n", b"%PDF")
    assert message_from_bytes(inner.content)["Subject"] == "inner"
    assert message.anymail_test_params["text_body"] == "plain ä\nFrom here on\n"
    assert message.anymail_test_params["html_body"] == '<img src="cid:logo"> ä\n'


REPORT = b"Reporting-MTA: dns; a\r\n\r\nAction: failed\r\n"


@for_each("kind", ["delivery-status", "global", "partial", "x-other"])
def test_a_provider_gets_the_bytes_of_a_file_with_parts(kind: str) -> None:
    """The parser reads some parts as messages."""
    head = b"From: a@example.org\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n"
    part = f'Content-Type: message/{kind}\r\nContent-Disposition: attachment; filename="f"\r\n\r\n'.encode()
    backend = AnymailTestBackend()
    message = EnvelopeMessage(make_envelope(data=head + part + REPORT + b"\r\n--b--\r\n"), is_for_provider=True)
    assert backend.send_messages([message]) == 1
    (file,) = message.anymail_test_params["attachments"]
    assert (file.name, file.mimetype, file.content.rstrip()) == ("f", f"message/{kind}", REPORT.rstrip())


def test_html_alone_is_the_body() -> None:
    data = b"From: a@example.org\r\nContent-Type: text/html\r\n\r\n<p>\r\n"
    message = EnvelopeMessage(make_envelope(data=data), is_for_provider=True)
    assert (message.body, message.content_subtype, message.alternatives) == ("<p>\n", "html", [])


def test_one_hidden_recipient_alone_is_the_to_of_a_provider() -> None:
    envelope = make_rich_envelope(recipients=("hidden@example.net",))
    message = EnvelopeMessage(envelope, is_for_provider=True)
    assert (message.to, message.cc, message.bcc) == (["hidden@example.net"], [], [])


def test_a_header_that_a_backend_adds_is_in_the_mime() -> None:
    raw = EnvelopeMessage(make_rich_envelope(), is_for_provider=True).message()
    raw["X-Signed"] = "yes"
    assert b"X-Signed: yes" in raw.as_bytes(linesep="\r\n")


def test_a_message_that_cannot_be_sent_is_refused_and_stops_no_other(transport: DjangoBackendTransport) -> None:
    bad = [make_envelope(1, recipients=("no address",)), make_envelope(2, sender="a@b\r\nRCPT TO:<c@d>")]
    outcomes = outcomes_of(transport.send_slice([*bad, make_envelope(3)], TestGuard()))
    assert [type(outcomes[number]) for number in (1, 2, 3)] == [Refused, Refused, Sent]
    assert [getattr(outcomes[number], "is_ours", None) for number in (1, 2, 3)] == [True, True, None]
    assert len(ScriptedBackend.sent) == 1


# --- the outcomes of its answers --------------------------------------------------------------------------------------


def requests_error(cause: Exception) -> Exception:
    """Return an exception as anymail raises it."""
    kind = type("AnymailRequestsAPIError", (AnymailRequestsAPIError, type(cause)), {})
    error: Exception = kind("Error posting to https://key@example.test")
    error.__cause__ = cause
    return error


def api_error(status: int) -> AnymailAPIError:
    response = requests.Response()
    response.status_code, response.reason, response._content = status, "because", b"{}"
    return AnymailAPIError("x", status_code=status, response=response, esp_name="Test")


FAILED = "the backend failed while it was sending ({})"
UNREACHABLE = requests.ConnectionError(MaxRetryError(None, "/", NewConnectionError(None, "refused")))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (smtplib.SMTPSenderRefused(550, b"no", "a@b"), Refused("550 no")),
        (smtplib.SMTPDataError(451, b"later"), RetryAt("451 later")),
        (smtplib.SMTPDataError(552, b"too big"), Refused("552 too big")),
        (smtplib.SMTPDataError(503, b"out of order"), RetryAt("503 out of order")),
        (smtplib.SMTPSenderRefused(501, b"syntax", "a@b"), RetryAt("501 syntax")),
        (smtplib.SMTPSenderRefused(501, b"bad address", "a@b"), Refused("501 bad address")),
        (smtplib.SMTPSenderRefused(530, b"no", "a@b"), NotSent("the peer wants encryption or a login first: 530 no")),
        (smtplib.SMTPNotSupportedError("SMTPUTF8"), Refused("SMTPNotSupportedError")),
        (smtplib.SMTPServerDisconnected("gone"), InDoubt(FAILED.format("SMTPServerDisconnected"))),
        (TimeoutError("slow"), InDoubt(FAILED.format("TimeoutError"))),
        (RuntimeError("secret"), InDoubt(FAILED.format("RuntimeError"))),
        (ConnectionRefusedError(111, "Connection refused"), NotSent("no connection: Connection refused")),
        (socket.gaierror(-2, "Name or service not known"), NotSent("no connection: Name or service not known")),
        (ImproperlyConfigured("no key"), NotSent("no connection: ImproperlyConfigured")),
        (api_error(400), Refused("Test API response 400 (because):\n{}")),
        (api_error(429), RetryAt("Test API response 429 (because):\n{}")),
        (api_error(503), RetryAt("Test API response 503 (because):\n{}")),
        (api_error(401), NotSent("Test API response 401 (because):\n{}")),
        (AnymailRecipientsRefused(), Refused("AnymailRecipientsRefused")),
        (AnymailUnsupportedFeature("bcc"), Refused("AnymailUnsupportedFeature")),
        (requests_error(UNREACHABLE), NotSent("no connection: AnymailRequestsAPIError")),
        (requests_error(requests.ReadTimeout("slow")), InDoubt(FAILED.format("AnymailRequestsAPIError"))),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_every_exception_has_its_outcome(
    transport: DjangoBackendTransport, error: Exception, expected: Outcome
) -> None:
    ScriptedBackend.acts = [error]
    outcomes = outcomes_of(transport.send_slice(make_envelopes(2), TestGuard()))
    assert outcomes == {1: expected, 2: Sent()}
    assert ScriptedBackend.opened == 2  # never on a failed connection


def test_each_refused_recipient_has_a_separate_answer(transport: DjangoBackendTransport) -> None:
    answers = {"a@example.net": (550, b"nobody"), "B@example.net": (450, b"busy")}
    ScriptedBackend.acts = [smtplib.SMTPRecipientsRefused(answers)]
    (result,) = transport.send_slice([make_envelope(recipients=("a@example.net", "b@example.net"))], TestGuard())
    assert result.outcomes == (Refused("550 nobody"), RetryAt("450 busy"))
    assert isinstance(result.outcomes[0], Refused)
    assert result.outcomes[0].is_of_recipient


def test_a_provider_answers_for_each_recipient(transport: DjangoBackendTransport) -> None:
    def answer(message: Any) -> int:
        class Status:
            recipients = {
                "Bob@Example.net": AnymailRecipientStatus("1", "queued"),
                "cy@example.net": AnymailRecipientStatus("1", "rejected"),
                "hidden@example.net": AnymailRecipientStatus("1", "failed"),
            }

        message.anymail_status = Status
        return 1

    ScriptedBackend.acts = [answer]
    (result,) = transport.send_slice([make_rich_envelope()], TestGuard())
    assert [type(outcome) for outcome in result.outcomes] == [Sent, Refused, RetryAt]


def test_a_backend_that_sends_nothing_has_refused(transport: DjangoBackendTransport) -> None:
    ScriptedBackend.acts = [0, None]
    assert kinds_of(transport.send_slice(make_envelopes(2), TestGuard())) == ["Refused", "Sent"]


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(111, "refused"),
        smtplib.SMTPAuthenticationError(535, b"s3cret"),
        ssl.SSLCertVerificationError("s3cret"),
    ],
)
def test_a_backend_that_does_not_open_uses_up_no_attempt(transport: DjangoBackendTransport, error: Exception) -> None:
    ScriptedBackend.opening = error
    results = transport.send_slice(make_envelopes(2), TestGuard())
    assert kinds_of(results) == ["NotSent", "NotSent"]
    assert "s3cret" not in str(results)


# --- the gate ---------------------------------------------------------------------------------------------------------


def test_after_the_gate_has_closed_nothing_more_is_begun(transport: DjangoBackendTransport) -> None:
    results = transport.send_slice(make_envelopes(5), TestGuard(begin_limit=2))
    assert kinds_of(results) == ["NotSent"] * 3 + ["Sent"] * 2
    assert len(ScriptedBackend.sent) == 2


def test_a_call_under_way_is_waited_for_and_the_guard_is_polled(transport: DjangoBackendTransport) -> None:
    guard = TestGuard()
    guard.gives_up_when = lambda: guard.polls > 3
    may_end = threading.Event()

    def answer(message: Any) -> int:
        while guard.polls < 5:
            time.sleep(0.01)
        may_end.set()
        return 1

    ScriptedBackend.acts = [answer]
    outcomes = outcomes_of(transport.send_slice(make_envelopes(3), guard))
    assert may_end.is_set()
    assert [type(outcomes[number]) for number in (1, 2, 3)] == [Sent, NotSent, NotSent]


def test_a_guard_that_raises_is_not_taken_for_the_backend(transport: DjangoBackendTransport) -> None:
    guard = TestGuard()
    is_over = threading.Event()

    def break_down() -> bool:
        if guard.polls > 1:
            raise RuntimeError("the database is gone")
        return False

    def answer(message: Any) -> int:
        while guard.polls < 2:
            time.sleep(0.01)
        time.sleep(0.05)
        is_over.set()
        return 1

    guard.gives_up_when = break_down
    ScriptedBackend.acts = [answer]
    with pytest.raises(RuntimeError, match="the database is gone"):
        transport.send_slice(make_envelopes(2), guard)
    assert is_over.is_set()
    assert len(ScriptedBackend.sent) == 1
