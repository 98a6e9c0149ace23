"""Test encryption, passwords, and the URL that configures them."""

from __future__ import annotations

import ssl
import threading
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from aiosmtpd.smtp import AuthResult, LoginPassword

from mailer.transports.base import InDoubt, NotSent, Sent
from mailer.transports.smtp import SmtpAddress, SmtpTransport, opening
from mailer.transports.smtp.url import StartTls
from tests.examples import for_each
from tests.mailer.transports.envelopes import HEAD, kinds_of, make_envelope, make_envelopes, outcomes_of
from tests.mailer.transports.guards import TestGuard
from tests.mailer.transports.real_server import RealServer
from tests.mailer.transports.scripted import FEATURES, Drop, Hang, HangInBody, Pieces, ScriptedServer

StartServer = Callable[..., ScriptedServer]
OpenSmtp = Callable[..., SmtpTransport]
SECRET = "pa/ss:w@rd"
LOGIN = "ann%40example.org:pa%2Fss%3Aw%40rd@"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def make_context(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name, key_type=trustme.KeyType.ECDSA).configure_cert(context)
    return context


@pytest.fixture(scope="module")
def tls(authority: trustme.CA) -> ssl.SSLContext:
    return make_context(authority)


def send_one(transport: SmtpTransport) -> object:
    return outcomes_of(transport.send_slice([make_envelope()], TestGuard()))[1]


# --- an independent server --------------------------------------------------------------------------------------------


def test_a_real_server_gets_mail_by_starttls(tls: ssl.SSLContext, ca_file: Path, open_smtp: OpenSmtp) -> None:
    with RealServer(tls_context=tls, require_starttls=True) as server:
        transport = open_smtp(f"smtp://127.0.0.1:{server.port}?starttls=always&ca={ca_file}")
        assert kinds_of(transport.send_slice(make_envelopes(3), TestGuard())) == ["Sent"] * 3
        transport.close()
    assert server.were_encrypted == [True] * 3


def test_a_real_server_gets_a_big_body_over_implicit_tls(
    tls: ssl.SSLContext, ca_file: Path, open_smtp: OpenSmtp
) -> None:
    data = b"Subject: big\r\n\r\n" + b"0123456789\r\n" * 30_000
    with RealServer(tls=tls) as server:
        transport = open_smtp(f"smtps://127.0.0.1:{server.port}?ca={ca_file}")
        assert kinds_of(transport.send_slice([make_envelope(data=data)], TestGuard())) == ["Sent"]
        transport.close()
    assert server.received[0].content == data


@pytest.mark.parametrize("excluded", [["LOGIN"], ["PLAIN"]], ids=["plain", "login"])
def test_a_real_server_accepts_the_password(
    tls: ssl.SSLContext, ca_file: Path, open_smtp: OpenSmtp, excluded: list[str]
) -> None:
    def check(server: object, session: object, envelope: object, mechanism: str, data: LoginPassword) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"ann@example.org", SECRET.encode()))

    options = {"authenticator": check, "auth_required": True, "auth_exclude_mechanism": excluded}
    with RealServer(tls_context=tls, **options) as server:
        transport = open_smtp(f"smtp://{LOGIN}127.0.0.1:{server.port}?ca={ca_file}")
        outcome = send_one(transport)
        transport.close()
    assert isinstance(outcome, Sent)


# --- encryption -------------------------------------------------------------------------------------------------------


def test_a_slice_tells_whether_its_connections_were_encrypted(
    start_server: StartServer, open_smtp: OpenSmtp, tls: ssl.SSLContext, ca_file: Path
) -> None:
    features = (*FEATURES, "STARTTLS")
    servers = {True: start_server(tls=tls, features=features).url, False: start_server().url}
    for is_encrypted, url in servers.items():
        transport = open_smtp(f"{url}&ca={ca_file}", connections=2)
        assert transport.is_encrypted is None, "nothing was sent yet"
        assert kinds_of(transport.send_slice(make_envelopes(9), TestGuard())) == ["Sent"] * 9
        assert transport.is_encrypted is is_encrypted
        transport.send_slice([], TestGuard())
        assert transport.is_encrypted is None, "this slice used no connection"
    away = open_smtp("smtp://127.0.0.1:1")
    assert kinds_of(away.send_slice([make_envelope()], TestGuard())) == ["NotSent"]
    assert away.is_encrypted is None


def test_a_connection_that_was_lost_in_the_slice_counts(
    start_server: StartServer, open_smtp: OpenSmtp, tls: ssl.SSLContext, ca_file: Path
) -> None:
    script = {"STARTTLS": [b"454 4.7.0 not now\r\n"], "MAIL": [b"250 2.1.0 Ok\r\n", Drop()]}
    server = start_server(script, tls=tls, features=(*FEATURES, "STARTTLS"))
    transport = open_smtp(f"{server.url}&ca={ca_file}")
    assert kinds_of(transport.send_slice(make_envelopes(3), TestGuard())) == ["Sent"] * 3
    assert server.connections == 2
    assert transport.is_encrypted is None, "the first message went in the clear"
    assert kinds_of(transport.send_slice(make_envelopes(1), TestGuard())) == ["Sent"]
    assert transport.is_encrypted is True


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_pipelining_works_over_tls(
    start_server: StartServer, open_smtp: OpenSmtp, tls: ssl.SSLContext, ca_file: Path, scheme: str
) -> None:
    features = (*FEATURES, "STARTTLS") if scheme == "smtp" else FEATURES
    server = start_server(tls=tls, features=features)
    transport = open_smtp(f"{scheme}://127.0.0.1:{server.port}?ca={ca_file}&hello=me.test", connections=3)
    big = make_envelope(99, data=HEAD + b"x" * 1_000_000 + b"\r\n")
    assert kinds_of(transport.send_slice([*make_envelopes(50), big], TestGuard())) == ["Sent"] * 51
    assert big.data in server.stored
    assert len(server.stored) == 51
    assert kinds_of(transport.send_slice(make_envelopes(5), TestGuard())) == ["Sent"] * 5
    server.wait_until(lambda: server.connections == 3)
    assert server.count("EHLO") == (6 if scheme == "smtp" else 3)


@pytest.mark.parametrize("begin_limit", [1, 5])
def test_the_gate_holds_over_tls(
    start_server: StartServer, open_smtp: OpenSmtp, tls: ssl.SSLContext, ca_file: Path, begin_limit: int
) -> None:
    server = start_server(tls=tls)
    transport = open_smtp(f"smtps://127.0.0.1:{server.port}?ca={ca_file}", connections=2)
    results = transport.send_slice(make_envelopes(30), TestGuard(begin_limit=begin_limit))
    transport.close()
    server.wait_until(lambda: not server.lines)
    assert len(server.stored) == kinds_of(results).count("Sent") <= begin_limit


def test_a_dot_is_held_back_over_tls(
    start_server: StartServer, open_smtp: OpenSmtp, tls: ssl.SSLContext, ca_file: Path
) -> None:
    server = start_server({"DATA": HangInBody(100_000)}, tls=tls)
    transport = open_smtp(f"smtps://127.0.0.1:{server.port}?ca={ca_file}")
    big = make_envelope(data=HEAD + b"x" * 20_000_000)
    assert kinds_of(transport.send_slice([big], TestGuard(begin_limit=1))) == ["NotSent"]
    server.let_go()
    assert server.stored == []


def test_a_lost_dot_over_tls_is_in_doubt(
    start_server: StartServer, open_smtp: OpenSmtp, tls: ssl.SSLContext, ca_file: Path
) -> None:
    server = start_server({"DOT": Drop()}, tls=tls)
    outcome = send_one(open_smtp(f"smtps://127.0.0.1:{server.port}?ca={ca_file}"))
    assert isinstance(outcome, InDoubt)


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize("fault", ["unknown authority", "other name"])
def test_an_invalid_certificate_ends_the_session(
    start_server: StartServer, open_smtp: OpenSmtp, authority: trustme.CA, ca_file: Path, scheme: str, fault: str
) -> None:
    context = make_context(trustme.CA() if fault == "unknown authority" else authority, "other.test")
    server = start_server(tls=context, features=(*FEATURES, "STARTTLS") if scheme == "smtp" else FEATURES)
    outcome = send_one(open_smtp(f"{scheme}://127.0.0.1:{server.port}?ca={ca_file}"))
    assert isinstance(outcome, NotSent)
    assert "the certificate was not accepted" in outcome.reason
    assert server.count("MAIL") == 0
    assert isinstance(send_one(open_smtp(f"{scheme}://127.0.0.1:{server.port}?verify=no")), Sent)


def test_starttls_is_required_when_configured(start_server: StartServer, open_smtp: OpenSmtp) -> None:
    server = start_server()
    assert send_one(open_smtp(server.url + "&starttls=always")) == NotSent(
        "the peer must encrypt, but it does not offer STARTTLS"
    )
    refusing = start_server({"STARTTLS": b"454 4.7.0 not now\r\n"}, features=(*FEATURES, "STARTTLS"))
    assert send_one(open_smtp(refusing.url + "&starttls=always")) == NotSent(
        "the peer must encrypt, but it answered STARTTLS with 454 4.7.0 not now"
    )
    assert isinstance(send_one(open_smtp(refusing.url)), Sent)


def test_starttls_is_not_used_when_forbidden(
    start_server: StartServer, open_smtp: OpenSmtp, tls: ssl.SSLContext
) -> None:
    server = start_server(tls=tls, features=(*FEATURES, "STARTTLS"))
    assert isinstance(send_one(open_smtp(server.url + "&starttls=never")), Sent)
    assert server.count("STARTTLS") == 0


def test_replies_before_tls_are_forgotten(
    start_server: StartServer, open_smtp: OpenSmtp, tls: ssl.SSLContext, ca_file: Path
) -> None:
    """A reply injected behind that to STARTTLS must not be taken for the one to EHLO under TLS (RFC 3207, 4.2)."""
    injected = b"220 2.0.0 go\r\n250-evil\r\n250 SIZE 1\r\n"
    server = start_server({"STARTTLS": injected}, tls=tls, features=(*FEATURES, "STARTTLS"))
    assert isinstance(send_one(open_smtp(f"{server.url}&ca={ca_file}")), Sent)
    assert server.count("EHLO") == 2


def test_a_peer_that_hangs_in_the_handshake_is_disconnected(start_server: StartServer, open_smtp: OpenSmtp) -> None:
    server = start_server({"CONNECT": Hang()})
    url = f"smtps://127.0.0.1:{server.port}"
    assert send_one(open_smtp(url, timeout_seconds=0.2)) == NotSent("no answer within 0.2 s")


def test_a_peer_without_tls_is_disconnected_where_tls_is_required(
    start_server: StartServer, open_smtp: OpenSmtp
) -> None:
    outcome = send_one(open_smtp(f"smtps://127.0.0.1:{start_server().port}"))
    assert isinstance(outcome, NotSent)
    assert outcome.reason.startswith("TLS failed: ")


# --- passwords --------------------------------------------------------------------------------------------------------


def test_a_password_is_never_sent_in_the_clear(
    start_server: StartServer, open_smtp: OpenSmtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start_server(features=(*FEATURES, "AUTH PLAIN"))
    monkeypatch.setattr(opening, "_is_loopback", lambda _: False)
    outcome = send_one(open_smtp(server.url.replace("//", f"//{LOGIN}")))
    assert outcome == NotSent("the password is not sent: the connection is not encrypted")
    assert server.count("AUTH") == 0


def test_no_reason_holds_the_password(start_server: StartServer, open_smtp: OpenSmtp) -> None:
    token = b64encode(f"\0ann@example.org\0{SECRET}".encode())
    echo = b"535 5.7.8 no such user: " + token + b" " + SECRET.encode() + b"\r\n"
    server = start_server({"AUTH": echo}, features=(*FEATURES, "AUTH LOGIN PLAIN"))
    outcome = send_one(open_smtp(server.url.replace("//", f"//{LOGIN}")))
    assert outcome == NotSent("the peer refused the user name or password: 535 5.7.8")
    assert server.commands[1] == f"AUTH PLAIN {token.decode()}"


def test_a_peer_without_a_known_mechanism_is_not_sent_mail(start_server: StartServer, open_smtp: OpenSmtp) -> None:
    server = start_server(features=(*FEATURES, "AUTH CRAM-MD5"))
    assert send_one(open_smtp(server.url.replace("//", f"//{LOGIN}"))) == NotSent(
        "the peer offers neither AUTH PLAIN nor AUTH LOGIN"
    )


# --- the URL ----------------------------------------------------------------------------------------------------------


def test_every_part_of_a_url_is_read() -> None:
    address = SmtpAddress.parse(f"smtps://{LOGIN}mx.example.org:2465?verify=no&ca=/x.pem&hello=me.test&starttls=never")
    assert address == SmtpAddress(
        host="mx.example.org",
        port=2465,
        user="ann@example.org",
        password=SECRET,
        is_implicit_tls=True,
        starttls=StartTls.NEVER,
        is_verified=False,
        ca_file="/x.pem",
        hello="me.test",
    )
    assert SECRET not in repr(address)


def test_a_url_without_a_port_has_the_default_port() -> None:
    assert SmtpAddress.parse("smtp://mx.test").port == 25
    assert SmtpAddress.parse("smtps://mx.test").port == 465
    assert SmtpAddress.parse("smtp://[::1]:2525") == SmtpAddress(host="::1", port=2525)


@for_each(
    "url",
    ["", "http://u:{0}@h", "smtp://", "smtp://u:{0}@h:port", "smtp://u:{0}@h/path", "smtp://u:{0}@h?starttls=maybe",
     "smtp://u:{0}@h?verify=perhaps", "smtp://u:{0}@h?tls=yes", "smtp://u:{0}@h?hello=a%0d%0ab", "smtp://u:{0}@[h"],
)  # fmt: skip
def test_a_mistaken_url_is_named_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="SMTP_URL") as caught:
        SmtpAddress.parse(url.format("s3cret"))
    assert "s3cret" not in str(caught.value)


def test_a_missing_ca_file_stops_start_up(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        SmtpTransport(SmtpAddress.parse(f"smtps://h?ca={tmp_path / 'no.pem'}"), connections=1, timeout_seconds=1)


def test_the_greeting_names_an_address_where_the_host_has_no_full_name(
    start_server: StartServer, open_smtp: OpenSmtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "box")
    server = start_server({"CONNECT": Pieces(b"220-two\r\n220 lines\r\n", 4)})
    assert isinstance(send_one(open_smtp(f"smtp://127.0.0.1:{server.port}")), Sent)
    assert server.commands[0] == "EHLO [127.0.0.1]"


def test_many_slices_leave_no_thread_behind(start_server: StartServer, open_smtp: OpenSmtp) -> None:
    server = start_server()
    transport = open_smtp(server.url)
    transport.send_slice(make_envelopes(1), TestGuard())
    assert not any(thread.name == "smtp-resolver" for thread in threading.enumerate())
