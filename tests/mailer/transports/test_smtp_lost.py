"""Test peers that disconnect, hang or send garbage: the outcomes claim exactly what is known of each message."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest

from mailer.transports.base import InDoubt, NotSent, Outcome, Refused, RetryAt, Sent
from mailer.transports.smtp import SmtpTransport, delivering
from tests.examples import few_by_default, few_rows_by_default
from tests.mailer.transports.envelopes import HEAD, kinds_of, make_envelope, make_envelopes, outcomes_of
from tests.mailer.transports.guards import TestGuard
from tests.mailer.transports.scripted import FEATURES, Act, Drop, DropInBody, Hang, HangInBody, ScriptedServer

StartServer = Callable[..., ScriptedServer]
OpenSmtp = Callable[..., SmtpTransport]
BOTH = pytest.mark.parametrize("features", [FEATURES, FEATURES[1:]], ids=["pipelining", "stepwise"])
GARBAGE = b"\x00\xffthis is no SMTP\r\n"


LOST: list[dict[str, Act]] = [
    {"MAIL": Drop()},
    {"RCPT": Drop()},
    {"DATA": Drop()},
    {"DATA": Drop(b"354 go on\r\n")},
    {"DATA": DropInBody(10)},
    {"MAIL": GARBAGE},
    {"DATA": GARBAGE},
    {"DATA": b"250 what?\r\n"},
    {"RCPT": b"354 what?\r\n"},
    {"DATA": b"354 go on\r\n250 2.0.0 taken already\r\n"},
]
"""The ways in which a peer or its connection fails before the final dot."""


@BOTH
@pytest.mark.parametrize("script", few_by_default(LOST, *LOST[3:5]), ids=str)
def test_lost_before_the_final_dot_is_not_sent(
    start_server: StartServer, open_smtp: OpenSmtp, features: tuple[str, ...], script: dict[str, Act]
) -> None:
    server = start_server(script, features=features)
    big = make_envelope(data=HEAD + b"x" * 10_000_000)  # more than the kernel takes: its dot is held back
    results = open_smtp(server.url).send_slice([big], TestGuard())
    assert kinds_of(results) == ["NotSent"]
    assert server.stored == []


@BOTH
@pytest.mark.parametrize(
    "script", [{"DATA": b"250 what?\r\n"}, {"RCPT": b"354 what?\r\n"}, {"DATA": b"354 go on\r\n250 taken\r\n"}], ids=str
)
def test_a_peer_out_of_turn_loses_no_message_of_ours(
    start_server: StartServer, open_smtp: OpenSmtp, features: tuple[str, ...], script: dict[str, Act]
) -> None:
    server = start_server(script, features=features)
    results = open_smtp(server.url, connections=2).send_slice(make_envelopes(9), TestGuard())
    assert kinds_of(results) == ["NotSent"] * 9
    assert server.stored == []


@BOTH
def test_a_peer_that_wants_a_login_refuses_no_message(
    start_server: StartServer, open_smtp: OpenSmtp, features: tuple[str, ...]
) -> None:
    server = start_server({"MAIL": b"530 5.7.0 Authentication required\r\n"}, features=features)
    outcomes = outcomes_of(open_smtp(server.url).send_slice(make_envelopes(3), TestGuard()))
    wants = "the peer wants encryption or a login first: 530 5.7.0 Authentication required"
    assert set(outcomes.values()) == {NotSent(wants)}


@BOTH
@pytest.mark.parametrize("act", [Drop(), GARBAGE, b"354 again\r\n", Drop(b"250 2.0.0 tak")], ids=str)
def test_lost_after_the_final_dot_is_in_doubt(
    start_server: StartServer, open_smtp: OpenSmtp, features: tuple[str, ...], act: Act
) -> None:
    server = start_server({"DOT": [b"250 2.0.0 taken\r\n", act]}, features=features)
    outcomes = outcomes_of(open_smtp(server.url).send_slice(make_envelopes(4), TestGuard()))
    assert outcomes[1] == Sent("250 2.0.0 taken")
    assert isinstance(outcomes[2], InDoubt)
    assert {type(outcomes[3]), type(outcomes[4])} == {NotSent}
    assert server.stored == [make_envelope(1).data, make_envelope(2).data]


def test_a_reply_before_the_connection_ends_counts(start_server: StartServer, open_smtp: OpenSmtp) -> None:
    server = start_server({"DOT": Drop(b"250 2.0.0 taken\r\n")})
    outcomes = outcomes_of(open_smtp(server.url).send_slice(make_envelopes(5), TestGuard()))
    assert set(outcomes.values()) == {Sent("250 2.0.0 taken")}
    server.wait_until(lambda: server.connections == 5)


REPLIES: list[tuple[bytes, Outcome]] = [
    (b"552 5.3.4 too big\r\n", Refused("552 5.3.4 too big")),
    (b"452 4.3.1 no room\r\n", RetryAt("452 4.3.1 no room")),
    (b"421 4.3.2 bye\r\n", RetryAt("421 4.3.2 bye")),
    (b"250 ok\r\n", NotSent("the peer answered in the middle of the message: 250 ok")),
]
"""The replies in the middle of a body, and the outcomes that they mean."""


@BOTH
@pytest.mark.parametrize(("say", "expected"), few_rows_by_default(REPLIES, REPLIES[0]))
def test_a_peer_that_has_seen_enough_of_a_body_is_heard(
    start_server: StartServer, open_smtp: OpenSmtp, features: tuple[str, ...], say: bytes, expected: Outcome
) -> None:
    server = start_server({"DATA": [HangInBody(1000, say)]}, features=features)
    envelopes = [make_envelope(1, data=HEAD + b"x" * 20_000_000), make_envelope(2)]
    outcomes = outcomes_of(open_smtp(server.url, timeout_seconds=60).send_slice(envelopes, TestGuard()))
    assert outcomes[1] == expected
    assert server.stored in ([], [make_envelope(2).data])


@BOTH
def test_a_peer_that_drops_every_dot_is_not_hammered(
    start_server: StartServer, open_smtp: OpenSmtp, features: tuple[str, ...]
) -> None:
    server = start_server({"DOT": Drop()}, features=features)
    results = open_smtp(server.url, connections=3).send_slice(make_envelopes(50), TestGuard())
    assert kinds_of(results) == ["InDoubt"] * 3 + ["NotSent"] * 47
    server.wait_until(lambda: server.connections == 3)


@pytest.mark.parametrize("stage", ["EHLO", "MAIL", "DATA", "CONNECT"])
def test_a_peer_that_never_replies_is_disconnected(start_server: StartServer, open_smtp: OpenSmtp, stage: str) -> None:
    server = start_server({stage: Hang()})
    results = open_smtp(server.url, timeout_seconds=0.2).send_slice(make_envelopes(2), TestGuard())
    assert kinds_of(results) == ["NotSent", "NotSent"]
    assert any("no answer within 0.2 s" in outcome.reason for outcome in outcomes_of(results).values())


def test_no_answer_to_the_final_dot_is_doubt(start_server: StartServer, open_smtp: OpenSmtp) -> None:
    server = start_server({"DOT": Hang()})
    results = open_smtp(server.url, timeout_seconds=0.2).send_slice(make_envelopes(3), TestGuard())
    assert kinds_of(results) == ["InDoubt", "NotSent", "NotSent"]


# --- 421 --------------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "DOT"])
def test_421_is_the_reply_to_the_current_message(
    start_server: StartServer, open_smtp: OpenSmtp, features: tuple[str, ...], stage: str
) -> None:
    server = start_server({stage: [Drop(b"421 4.3.2 shutting down\r\n")]}, features=features)
    outcomes = outcomes_of(open_smtp(server.url, connections=1).send_slice(make_envelopes(1), TestGuard()))
    assert outcomes[1] == RetryAt("421 4.3.2 shutting down")


@BOTH
def test_a_peer_that_takes_three_messages_a_session_gets_all(
    start_server: StartServer, open_smtp: OpenSmtp, features: tuple[str, ...]
) -> None:
    ok = b"250 2.1.0 Ok\r\n"
    server = start_server({"MAIL": [*[ok, ok, ok, Drop(b"421 4.7.0 enough\r\n")] * 3]}, features=features)
    outcomes = outcomes_of(open_smtp(server.url).send_slice(make_envelopes(10), TestGuard()))
    assert set(outcomes.values()) == {Sent("250 2.0.0 taken")}
    server.wait_until(lambda: server.connections == 4)
    assert len(server.stored) == 10


# --- openings ---------------------------------------------------------------------------------------------------------


def test_an_unreachable_peer_costs_no_attempt_and_is_known_at_once(open_smtp: OpenSmtp) -> None:
    nobody = socket.create_server(("127.0.0.1", 0))
    port = nobody.getsockname()[1]
    nobody.close()
    started = time.monotonic()
    results = open_smtp(f"smtp://127.0.0.1:{port}", connections=4).send_slice(make_envelopes(20), TestGuard())
    assert set(outcomes_of(results).values()) == {NotSent("no connection: connection refused")}
    assert time.monotonic() - started < 1.0


def test_an_unknown_host_uses_up_no_attempt(open_smtp: OpenSmtp, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    (outcome,) = set(outcomes_of(open_smtp("smtp://nowhere.test").send_slice(make_envelopes(3), TestGuard())).values())
    assert outcome == NotSent("the name nowhere.test is not known: Name or service not known")


@pytest.mark.parametrize("reply", [b"554 5.3.2 no service\r\n", b"421 4.3.2 too many\r\n", GARBAGE])
def test_a_peer_that_refuses_connections_uses_up_no_attempt(
    start_server: StartServer, open_smtp: OpenSmtp, reply: bytes
) -> None:
    server = start_server({"CONNECT": Drop(reply)})
    assert kinds_of(open_smtp(server.url).send_slice(make_envelopes(3), TestGuard())) == ["NotSent"] * 3


def test_a_peer_that_takes_few_connections_gets_all_over_those(start_server: StartServer, open_smtp: OpenSmtp) -> None:
    busy = Drop(b"421 4.7.0 too many connections\r\n")
    server = start_server({"CONNECT": [b"220 hello\r\n", busy, busy, b"220 hello\r\n", *[busy] * 20]})
    results = open_smtp(server.url, connections=6).send_slice(make_envelopes(40), TestGuard())
    assert kinds_of(results) == ["Sent"] * 40
    assert len(server.stored) == 40
    server.wait_until(lambda: server.connections == 6)


def test_a_peer_that_knows_only_helo_gets_mail(start_server: StartServer, open_smtp: OpenSmtp) -> None:
    server = start_server({"EHLO": b"502 5.5.1 what?\r\n"})
    assert kinds_of(open_smtp(server.url).send_slice(make_envelopes(3), TestGuard())) == ["Sent"] * 3
    assert server.commands[:3] == ["EHLO client.test", "HELO client.test", "MAIL FROM:<ann@example.org>"]


# --- kept connections -------------------------------------------------------------------------------------------------


@BOTH
def test_a_kept_connection_that_was_closed_is_noticed_before_use(
    start_server: StartServer, open_smtp: OpenSmtp, features: tuple[str, ...]
) -> None:
    server = start_server(features=features)
    transport = open_smtp(server.url)
    transport.send_slice(make_envelopes(1), TestGuard())
    server.drop_all()
    assert kinds_of(transport.send_slice(make_envelopes(5), TestGuard())) == ["Sent"] * 5
    assert (server.connections, len(server.stored)) == (2, 6)


@BOTH
def test_a_reused_connection_that_fails_at_its_first_command_uses_up_no_attempt(
    start_server: StartServer, open_smtp: OpenSmtp, features: tuple[str, ...]
) -> None:
    server = start_server({"MAIL": [b"250 ok\r\n", Drop()]}, features=features)
    transport = open_smtp(server.url)
    transport.send_slice(make_envelopes(1), TestGuard())
    assert kinds_of(transport.send_slice(make_envelopes(5), TestGuard())) == ["Sent"] * 5
    server.wait_until(lambda: server.connections == 2)


def test_a_kept_connection_that_was_never_used_may_fail_too(start_server: StartServer, open_smtp: OpenSmtp) -> None:
    server = start_server({"MAIL": [Drop()]})
    transport = open_smtp(server.url)
    assert kinds_of(transport.send_slice(make_envelopes(2), TestGuard(begin_limit=0))) == ["NotSent"] * 2
    assert kinds_of(transport.send_slice(make_envelopes(2), TestGuard())) == ["Sent"] * 2
    assert server.connections == 2


@BOTH
def test_a_peer_with_unsolicited_replies_is_disconnected(
    start_server: StartServer, open_smtp: OpenSmtp, features: tuple[str, ...]
) -> None:
    """An unsolicited reply would be taken for the reply to the next message."""
    server = start_server({"DOT": [b"250 2.0.0 taken\r\n250 2.0.0 taken\r\n"]}, features=features)
    transport = open_smtp(server.url)
    assert kinds_of(transport.send_slice(make_envelopes(1), TestGuard())) == ["Sent"]
    assert kinds_of(transport.send_slice(make_envelopes(1), TestGuard())) == ["Sent"]
    assert (server.connections, len(server.stored)) == (2, 2)


@BOTH
def test_a_peer_that_disconnects_after_a_refusal_delays_no_other_message(
    start_server: StartServer, open_smtp: OpenSmtp, features: tuple[str, ...]
) -> None:
    server = start_server({"DATA": [b"554 5.7.1 no\r\n"], "RSET": [Drop()]}, features=features)
    outcomes = outcomes_of(open_smtp(server.url).send_slice(make_envelopes(4), TestGuard()))
    assert outcomes[1] == Refused("554 5.7.1 no")
    assert [type(outcomes[number]) for number in (2, 3, 4)] == [Sent] * 3
    assert (server.connections, len(server.stored)) == (2, 3)


def test_a_connection_that_was_idle_for_long_is_probed_first(
    start_server: StartServer, open_smtp: OpenSmtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start_server({"RSET": [b"250 alive\r\n", Drop()]})
    transport = open_smtp(server.url)
    transport.send_slice(make_envelopes(1), TestGuard())
    monkeypatch.setattr(delivering, "IDLE_SECONDS", 0.0)
    for connections in (1, 2):
        assert kinds_of(transport.send_slice(make_envelopes(1), TestGuard())) == ["Sent"]
        assert server.connections == connections


def test_a_slow_opening_continues_from_slice_to_slice(start_server: StartServer, open_smtp: OpenSmtp) -> None:
    """A peer with a late greeting must not get a new connection each time that the gate closes before it greets."""
    server = start_server({"CONNECT": [b"220 hello\r\n", Hang()]})
    transport = open_smtp(server.url, connections=2)
    assert kinds_of(transport.send_slice(make_envelopes(3), TestGuard())) == ["Sent"] * 3
    assert kinds_of(transport.send_slice(make_envelopes(3), TestGuard())) == ["Sent"] * 3
    server.wait_until(lambda: server.connections == 2)
