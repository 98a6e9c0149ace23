"""The doctor visits the SMTP peer: its reports on various peers, and that it sends no mail."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from time import monotonic
from typing import Any

import pytest
import trustme

from mailer.management.commands.doctor import Finding, examine_peer
from mailer.transports.smtp import visiting
from tests.mailer.transports.scripted import FEATURES, Act, Drop, Hang, ScriptedServer

StartServer = Callable[..., ScriptedServer]
Examine = Callable[[str], list[Finding]]
SECRET = "s3cret"
LOGIN_FEATURES = (*FEATURES, "AUTH PLAIN")


@pytest.fixture
def examine(settings: Any) -> Examine:
    """Return what the doctor finds at an SMTP_URL."""
    settings.SYSTEM_FROM = "sluice@example.com"

    def examine_url(url: str) -> list[Finding]:
        settings.SMTP_URL = url
        return list(examine_peer())

    return examine_url


def test_a_working_peer_is_described_and_no_mail_is_sent(start_server: StartServer, examine: Examine) -> None:
    server = start_server()
    peer, mail = examine(server.url)
    assert peer.is_well
    assert peer.says.startswith(
        f"127.0.0.1:{server.port}: scripted, not encrypted, offers PIPELINING; SIZE 50000000; 8BITMIME; SMTPUTF8, "
        "connected in "
    )
    assert mail == Finding(True, "smtp mail", "the peer takes mail from sluice@example.com")
    server.wait_until(lambda: server.count("QUIT") == 1)
    assert server.commands[1:] == [
        "MAIL FROM:<sluice@example.com>",
        "RCPT TO:<sluice@example.com>",
        "RSET",
        "QUIT",
    ]


def test_an_encrypted_session_and_a_missing_offer_are_named(start_server: StartServer, examine: Examine) -> None:
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.ECDSA).configure_cert(context)
    server = start_server(tls=context, features=("STARTTLS", "8BITMIME"))
    with authority.cert_pem.tempfile() as ca_file:
        peer, _mail = examine(f"{server.url}&starttls=always&ca={ca_file}")
    assert "TLSv1.3, offers 8BITMIME; STARTTLS, does not offer PIPELINING; SIZE; SMTPUTF8" in peer.says
    (untrusted,) = examine(f"{server.url}&starttls=always")
    assert not untrusted.is_well
    assert "the certificate was not accepted" in untrusted.says
    assert "Check smtp:// or smtps://, starttls, verify and ca in SMTP_URL" in untrusted.says


@pytest.mark.parametrize(
    ("script", "refusal", "hint"),
    [
        ({"MAIL": b"553 5.7.1 not yours\r\n"}, "553 5.7.1 not yours", "Set SYSTEM_FROM"),
        ({"MAIL": b"530 5.7.0 log in first\r\n"}, "530 5.7.0 log in first", "Set the user and password in SMTP_URL"),
        ({"RCPT": b"550 5.7.1 no relaying\r\n"}, "550 5.7.1 no relaying", "Set SYSTEM_FROM"),
        ({"RCPT": b"451 4.7.1 greylisted\r\n"}, "451 4.7.1 greylisted", "That is temporary"),
        ({"RCPT": [b"550 5.7.1 no relaying\r\n"]}, "", ""),
    ],
    ids=["sender", "no login", "recipients", "greylisting", "only its own postmaster"],
)
def test_a_peer_that_takes_no_mail_is_reported_with_its_reason(
    start_server: StartServer, examine: Examine, script: dict[str, Act], refusal: str, hint: str
) -> None:
    server = start_server(script)
    peer, mail = examine(server.url)
    assert peer.is_well
    assert mail.is_well == (refusal == "")
    assert f"is not taken: {refusal}. {hint}" in mail.says or mail.is_well
    server.wait_until(lambda: server.count("QUIT") == 1)
    assert server.count("DATA") == 0


@pytest.mark.parametrize(
    ("script", "features", "query", "reason", "hint"),
    [
        ({"CONNECT": Hang()}, FEATURES, "", "no answer within 0.5 s", "takes mail from this host"),
        ({"MAIL": Hang()}, FEATURES, "", "no answer within 0.5 s", "Look at the log of the peer; scripted, "),
        ({"CONNECT": b"554 go away\r\n"}, FEATURES, "", "takes no mail: 554 go away", "takes mail from this host"),
        ({"CONNECT": Drop()}, FEATURES, "", "the peer closed the connection", "takes mail from this host"),
        ({}, FEATURES, "&starttls=always", "must encrypt, but it does not offer STARTTLS", "starttls, verify and ca"),
        (
            {"AUTH": b"535 5.7.8 not s3cret\r\n"},
            LOGIN_FEATURES,
            "",
            "the peer refused the user name or password: 535 5.7.8. ",
            "Check the user and password in SMTP_URL; scripted, not encrypted, offers ",
        ),
    ],
    ids=["silent", "silent at MAIL", "refuses us", "hangs up", "no encryption", "wrong login"],
)
def test_an_unreachable_peer_is_reported_with_a_reason_and_a_hint(
    start_server: StartServer,
    examine: Examine,
    settings: Any,
    *,
    script: dict[str, Act],
    features: tuple[str, ...],
    query: str,
    reason: str,
    hint: str,
) -> None:
    if "no answer within" in reason:
        settings.SMTP_TIMEOUT_SECONDS = 0.5
    server = start_server(script, features=features)
    user = f"ann:{SECRET}@" if "AUTH" in script else ""
    (finding,) = examine(server.url.replace("//", f"//{user}") + query)
    assert not finding.is_well
    assert reason in finding.says
    assert hint in finding.says
    assert SECRET not in finding.says
    server.let_go()


@pytest.mark.parametrize(
    ("url", "text"),
    [
        (f"smtp://ann:{SECRET}@127.0.0.1:1", "127.0.0.1:1: no connection: connection refused. Check the host and port"),
        (f"smtp://ann:{SECRET}@no host", "the name no host is not known: "),
        (f"http://ann:{SECRET}@host", "SMTP_URL must start with smtp:// or smtps://. Correct SMTP_URL"),
        (f"smtp://ann:{SECRET}@127.0.0.1:1?ca=/none", "the CA file of SMTP_URL cannot be used: "),
    ],
    ids=["nobody listens", "unknown name", "no SMTP URL", "no CA file"],
)
def test_an_invalid_url_is_reported_with_the_reason(examine: Examine, url: str, text: str) -> None:
    (finding,) = examine(url)
    assert not finding.is_well
    assert text in finding.says
    assert SECRET not in finding.says


def test_an_address_that_would_split_a_command_is_not_named_to_the_peer(
    start_server: StartServer, examine: Examine, settings: Any
) -> None:
    settings.SYSTEM_FROM = "sluice@example.com>\r\nDATA"
    server = start_server()
    (finding,) = examine(server.url)
    assert finding.says == "SYSTEM_FROM is not an address. Set it to one, such as sluice@example.com"
    assert server.connections == 0


@pytest.fixture
def talker() -> Iterator[int]:
    """Return the port of a peer with an endless greeting."""
    is_over = threading.Event()

    def talk() -> None:
        line, _ = listener.accept()
        with line, suppress(OSError):
            while not is_over.wait(0.02):
                line.sendall(b"220-one moment\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        is_over.set()
        thread.join(5)


def test_a_visit_ends_however_long_the_peer_talks(
    talker: int, examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visiting, "VISIT_SECONDS", 0.6)
    started = monotonic()
    (finding,) = examine(f"smtp://127.0.0.1:{talker}")
    assert "the peer was not done within 0.6 s" in finding.says
    assert monotonic() - started < 5


def test_other_transports_have_no_peer_to_visit(settings: Any, database: None) -> None:
    from mailer.management.commands.doctor import examine as examine_all

    settings.TRANSPORT = "sandbox"
    assert "smtp" not in {finding.subject for finding in examine_all()}
