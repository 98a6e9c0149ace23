"""A slice is sent to a peer that follows the protocol."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mailer.transports.base import Refused, RetryAt, Sent
from mailer.transports.smtp import SmtpTransport
from tests.mailer.compose.composed import compose
from tests.mailer.transports.envelopes import HEAD, kinds_of, make_envelope, make_envelopes, outcomes_of
from tests.mailer.transports.guards import TestGuard
from tests.mailer.transports.real_server import RealServer
from tests.mailer.transports.scripted import FEATURES, Pieces, ScriptedServer

StartServer = Callable[..., ScriptedServer]
OpenSmtp = Callable[..., SmtpTransport]
NO_PIPELINING = FEATURES[1:]


@pytest.fixture
def real_server() -> Iterator[RealServer]:
    with RealServer() as server:
        yield server


def test_a_real_server_gets_the_very_bytes(real_server: RealServer, open_smtp: OpenSmtp) -> None:
    data = b"Subject: dots\r\n\r\n.\r\n..two\r\nmiddle . dot\r\n.\r\n"
    envelope = make_envelope(data=data, recipients=("bob@example.net", "cy@example.net"))
    results = open_smtp(f"smtp://127.0.0.1:{real_server.port}").send_slice([envelope], TestGuard())
    assert results[0].outcomes == (Sent("250 2.0.0 kept"), Sent("250 2.0.0 kept"))
    (received,) = real_server.received
    assert received.content == data
    assert (received.mail_from, received.rcpt_tos) == ("ann@example.org", ["bob@example.net", "cy@example.net"])


def test_a_real_server_gets_8bit_and_utf8(real_server: RealServer, open_smtp: OpenSmtp) -> None:
    envelope = make_envelope(
        recipients=("jürgen@example.net",), data="Subject: ä\r\n\r\nö\r\n".encode(), is_8bit=True, is_utf8=True
    )
    assert kinds_of(open_smtp(f"smtp://127.0.0.1:{real_server.port}").send_slice([envelope], TestGuard())) == ["Sent"]
    assert real_server.received[0].rcpt_tos == ["jürgen@example.net"]
    assert real_server.received[0].smtp_utf8


@pytest.mark.parametrize("features", [FEATURES, NO_PIPELINING, ()], ids=["pipelining", "stepwise", "bare"])
def test_every_message_arrives_once_over_many_connections(
    start_server: StartServer, open_smtp: OpenSmtp, features: tuple[str, ...]
) -> None:
    server = start_server(features=features)
    envelopes = make_envelopes(60)
    results = open_smtp(server.url, connections=4).send_slice(envelopes, TestGuard())
    assert set(outcomes_of(results).values()) == {Sent("250 2.0.0 taken")}
    assert sorted(server.stored) == sorted(envelope.data for envelope in envelopes)
    server.wait_until(lambda: server.connections == 4)


def test_pipelining_costs_one_write_a_message(start_server: StartServer, open_smtp: OpenSmtp) -> None:
    server = start_server()
    open_smtp(server.url).send_slice(make_envelopes(3), TestGuard())
    assert server.commands == [
        "EHLO client.test",
        *("MAIL FROM:<ann@example.org> SIZE=52", "RCPT TO:<user1@example.net>", "DATA", "DOT"),
        *("MAIL FROM:<ann@example.org> SIZE=52", "RCPT TO:<user2@example.net>", "DATA", "DOT"),
        *("MAIL FROM:<ann@example.org> SIZE=52", "RCPT TO:<user3@example.net>", "DATA", "DOT"),
    ]
    following = b"MAIL FROM:<ann@example.org> SIZE=52\r\nRCPT TO:<user%d@example.net>\r\nDATA\r\n"
    assert server.behind_dots == [following % 2, following % 3, b""]


def test_connections_are_reused_and_never_more_than_messages(start_server: StartServer, open_smtp: OpenSmtp) -> None:
    server = start_server()
    transport = open_smtp(server.url, connections=8)
    for _ in range(5):
        assert kinds_of(transport.send_slice(make_envelopes(2), TestGuard())) == ["Sent", "Sent"]
    assert server.connections <= 2
    transport.send_slice(make_envelopes(20), TestGuard())
    assert server.connections <= 8


def test_an_empty_slice_opens_nothing(start_server: StartServer, open_smtp: OpenSmtp) -> None:
    server = start_server()
    assert open_smtp(server.url).send_slice([], TestGuard()) == []
    server.wait_until(lambda: server.connections == 0)


def test_close_says_quit(start_server: StartServer, open_smtp: OpenSmtp) -> None:
    server = start_server()
    transport = open_smtp(server.url)
    transport.send_slice(make_envelopes(2), TestGuard())
    transport.close()
    server.wait_until(lambda: server.count("QUIT") == 1)


def test_the_next_address_of_a_host_is_tried(
    start_server: StartServer, open_smtp: OpenSmtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = start_server({"CONNECT": b"554 5.3.2 not today\r\n"})
    server = start_server()
    nobody = socket.create_server(("127.0.0.1", 0))
    ports = [nobody.getsockname()[1], refusing.port, server.port]
    nobody.close()
    addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
    transport = open_smtp("smtp://several.test")
    assert kinds_of(transport.send_slice(make_envelopes(3), TestGuard())) == ["Sent"] * 3
    assert (refusing.connections, server.connections) == (1, 1)
    server.drop_all()
    assert kinds_of(transport.send_slice(make_envelopes(3), TestGuard())) == ["Sent"] * 3
    assert (refusing.connections, server.connections) == (1, 2)  # the good one is remembered


# --- answers of a peer ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("features", [FEATURES, NO_PIPELINING], ids=["pipelining", "stepwise"])
class TestAnswers:
    def send(self, server: ScriptedServer, open_smtp: OpenSmtp, **changes: Any) -> list[tuple[Any, ...]]:
        """Return the outcomes of a first message and of a valid one after it."""
        transport = open_smtp(server.url)
        results = transport.send_slice([make_envelope(1, **changes), make_envelope(2)], TestGuard())
        by_id = {result.message_id: result.outcomes for result in results}
        return [by_id[1], by_id[2]]

    def test_one_refused_recipient_does_not_fail_the_others(
        self, start_server: StartServer, open_smtp: OpenSmtp, features: tuple[str, ...]
    ) -> None:
        script = [
            b"250 ok\r\n",
            b"550 5.1.1 nobody\r\n",
            b"452-4.2.2 full,\r\n452 4.2.2 later\r\n",
            b"251 forwarded\r\n",
        ]
        server = start_server({"RCPT": script}, features=features)
        recipients = tuple(f"{name}@example.net" for name in "abcd")
        first, second = self.send(server, open_smtp, recipients=recipients)
        taken = Sent("250 2.0.0 taken")
        assert first == (taken, Refused("550 5.1.1 nobody"), RetryAt("452 4.2.2 full, 4.2.2 later"), taken)
        assert second == (taken,)
        assert len(server.stored) == 2

    def test_all_recipients_refused_sends_no_body(
        self, start_server: StartServer, open_smtp: OpenSmtp, features: tuple[str, ...]
    ) -> None:
        script = {"RCPT": [b"550 5.1.1 nobody\r\n", b"451 4.3.0 later\r\n"], "DATA": [b"554 5.5.1 no recipients\r\n"]}
        server = start_server(script if "PIPELINING" in features else {"RCPT": script["RCPT"]}, features=features)
        first, second = self.send(server, open_smtp, recipients=("a@example.net", "b@example.net"))
        assert first == (Refused("550 5.1.1 nobody"), RetryAt("451 4.3.0 later"))
        assert second == (Sent("250 2.0.0 taken"),)
        assert server.stored == [make_envelope(2).data]
        assert server.count("RSET") == 1

    @pytest.mark.parametrize(
        ("stage", "reply", "expected"),
        [
            ("MAIL", b"550 5.7.1 not you\r\n", Refused("550 5.7.1 not you")),
            ("MAIL", b"451 4.3.0 later\r\n", RetryAt("451 4.3.0 later")),
            ("DOT", b"550 5.7.1 spam\r\n", Refused("550 5.7.1 spam")),
            ("DOT", b"452 4.3.1 no room\r\n", RetryAt("452 4.3.1 no room")),
            ("DATA", b"451 4.3.0 not now\r\n", RetryAt("451 4.3.0 not now")),
            ("DATA", b"554 5.5.1 never\r\n", Refused("554 5.5.1 never")),
        ],
    )
    def test_a_failure_at_any_stage_is_the_messages_own(
        self,
        start_server: StartServer,
        open_smtp: OpenSmtp,
        features: tuple[str, ...],
        stage: str,
        reply: bytes,
        expected: object,
    ) -> None:
        script = {stage: [reply]}
        if stage == "MAIL" and "PIPELINING" in features:
            script |= {"RCPT": [b"503 5.5.1 no MAIL\r\n"], "DATA": [b"503 5.5.1 no MAIL\r\n"]}
        server = start_server(script, features=features)
        first, second = self.send(server, open_smtp)
        assert first == (expected,)
        assert second == (Sent("250 2.0.0 taken"),)
        server.wait_until(lambda: server.connections == 1)


def test_354_without_an_accepted_recipient_is_answered_with_a_dot_only(
    start_server: StartServer, open_smtp: OpenSmtp
) -> None:
    server = start_server({"RCPT": [b"550 5.1.1 nobody\r\n"], "DOT": [b"554 5.5.1 no recipients\r\n"]})
    results = open_smtp(server.url).send_slice(make_envelopes(2), TestGuard())
    assert outcomes_of(results) == {1: Refused("550 5.1.1 nobody"), 2: Sent("250 2.0.0 taken")}
    assert server.stored == [b"", make_envelope(2).data]


def test_replies_are_read_in_odd_pieces(start_server: StartServer, open_smtp: OpenSmtp) -> None:
    hello = b"250-scripted\r\n250-SIZE 1000\r\n250 PIPELINING\r\n"
    taken = b"250-2.0.0 taken\r\n250-2.0.0 as\r\n250 2.0.0 promised\r\n"
    script = {"EHLO": Pieces(hello), "MAIL": Pieces(b"250-a\r\n250 b\r\n", 3), "DOT": Pieces(taken, 7)}
    results = open_smtp(start_server(script).url).send_slice(make_envelopes(4), TestGuard())
    assert set(outcomes_of(results).values()) == {Sent("250 2.0.0 taken 2.0.0 as 2.0.0 promised")}


def test_a_big_body_arrives_whole(start_server: StartServer, open_smtp: OpenSmtp) -> None:
    server = start_server()
    big = make_envelope(1, data=HEAD + b"x" * 70 + b"\r\n.\r\n" + b"y" * 5_000_000 + b"\r\n")
    results = open_smtp(server.url).send_slice([big, make_envelope(2)], TestGuard())
    assert kinds_of(results) == ["Sent", "Sent"]
    assert server.stored == [big.data, make_envelope(2).data]


def test_a_message_that_the_peer_cannot_take_is_not_sent(start_server: StartServer, open_smtp: OpenSmtp) -> None:
    server = start_server(features=("PIPELINING", "SIZE 1000"))
    envelopes = [make_envelope(1, data=HEAD + b"x" * 1001), make_envelope(2, is_8bit=True), make_envelope(3)]
    outcomes = outcomes_of(open_smtp(server.url).send_slice(envelopes, TestGuard()))
    assert [type(outcomes[number]) for number in (1, 2, 3)] == [Refused, Refused, Sent]
    assert server.count("MAIL") == 1


@pytest.mark.parametrize("is_offered", [True, False])
def test_a_peer_without_smtputf8_is_not_sent_recipients_that_need_it(
    start_server: StartServer, open_smtp: OpenSmtp, is_offered: bool
) -> None:
    """An address in Bcc is in no header, so the message does not need the extension (RFC 6531 section 3.6)."""
    server = start_server(features=("PIPELINING", "SMTPUTF8")[: 1 + is_offered])
    bcc = [["grüße@example.com", ""], ["third@example.com", ""]]
    envelope = compose({"to": [["plain@example.com", "Ädä"]], "bcc": bcc})
    (result,) = open_smtp(server.url).send_slice([envelope], TestGuard())
    plain, with_umlaut, third = result.outcomes
    assert isinstance(plain, Sent)
    assert isinstance(third, Sent)
    recipients = ["plain@example.com", "grüße@example.com", "third@example.com"]
    if is_offered:
        assert isinstance(with_umlaut, Sent)
    else:
        assert isinstance(with_umlaut, Refused)
        assert with_umlaut.reply.startswith("553 5.6.7")
        recipients.remove("grüße@example.com")
    parameter = " SMTPUTF8" if is_offered else ""
    expected = [
        f"MAIL FROM:<from@example.com>{parameter}",
        *(f"RCPT TO:<{each}>" for each in recipients),
        "DATA",
        "DOT",
    ]
    assert server.commands[1:] == expected


def test_smtputf8_is_used_only_where_a_message_needs_it(start_server: StartServer, open_smtp: OpenSmtp) -> None:
    server = start_server()
    envelopes = [
        compose(),
        compose(to="ädä@example.com"),
        compose({"cc": [["ädä@example.com", ""]]}),
        compose({"bcc": [["ädä@example.com", ""]]}),
        compose(sender="ädä@example.com"),
        compose(subject="Grüße", sender_name="Ädä"),
    ]
    numbered = [envelope._replace(message_id=number) for number, envelope in enumerate(envelopes)]
    assert set(kinds_of(open_smtp(server.url).send_slice(numbered, TestGuard()))) == {"Sent"}
    mails = [command for command in server.commands if command.startswith("MAIL")]
    assert [mail.endswith(" SMTPUTF8") for mail in mails] == [False, True, True, True, True, False]
