"""Test the gate: once it is closed no byte reaches the peer, and the results agree with the peer's mail."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from mailer.transports.base import InDoubt, NotSent, Sent, Signal, take_all
from mailer.transports.smtp import SmtpTransport, pool
from mailer.transports.smtp.limits import PeerLimits
from mailer.transports.smtp.work import Work
from tests.mailer.transports.envelopes import HEAD, kinds_of, make_envelope, make_envelopes, outcomes_of
from tests.mailer.transports.guards import TestGuard, make_wakeup
from tests.mailer.transports.scripted import DEADLINE_SECONDS, FEATURES, Drop, Hang, HangInBody, ScriptedServer

StartServer = Callable[..., ScriptedServer]
OpenSmtp = Callable[..., SmtpTransport]
QUICK_SECONDS = DEADLINE_SECONDS - 1
"""A test that waits for a peer that hangs takes at least a second longer."""
BOTH = pytest.mark.parametrize("features", [FEATURES, FEATURES[1:]], ids=["pipelining", "stepwise"])


@BOTH
@pytest.mark.parametrize("begin_limit", [0, 1, 2, 7, 40])
def test_after_the_gate_has_closed_nothing_reaches_the_peer(
    start_server: StartServer, open_smtp: OpenSmtp, features: tuple[str, ...], begin_limit: int
) -> None:
    server = start_server(features=features)
    transport = open_smtp(server.url, connections=3)
    envelopes = make_envelopes(100)
    outcomes = outcomes_of(transport.send_slice(envelopes, TestGuard(begin_limit=begin_limit)))
    sent = [number for number, outcome in outcomes.items() if isinstance(outcome, Sent)]
    assert sorted(server.stored) == sorted(make_envelope(number).data for number in sent)
    assert len(sent) <= begin_limit
    assert {type(outcome) for outcome in outcomes.values()} <= {Sent, NotSent}
    assert len(outcomes) == 100
    transport.close()
    server.wait_until(lambda: not server.lines)
    assert len(server.stored) == len(sent)


@BOTH
def test_the_next_slice_is_sent_after_a_closed_one(
    start_server: StartServer, open_smtp: OpenSmtp, features: tuple[str, ...]
) -> None:
    server = start_server(features=features)
    transport = open_smtp(server.url, connections=2)
    first = transport.send_slice(make_envelopes(10), TestGuard(begin_limit=5))
    second = transport.send_slice(make_envelopes(10), TestGuard())
    assert kinds_of(second) == ["Sent"] * 10
    assert len(server.stored) == kinds_of(first).count("Sent") + 10


@BOTH
def test_the_gate_is_checked_between_354_and_the_body(
    start_server: StartServer, open_smtp: OpenSmtp, features: tuple[str, ...]
) -> None:
    """The gate closes while the peer processes DATA."""
    server = start_server(features=features)

    class ClosesAtData(TestGuard):
        def may_begin(self) -> bool:
            return server.count("DATA") == 0

    results = open_smtp(server.url).send_slice(make_envelopes(3), ClosesAtData())
    assert kinds_of(results) == ["NotSent"] * 3
    assert server.count("DATA") == 1
    assert server.stored == []


@pytest.mark.parametrize("begin_limit", [2, 3])
def test_a_closed_gate_keeps_back_the_final_dot_of_a_big_body(
    start_server: StartServer, open_smtp: OpenSmtp, begin_limit: int
) -> None:
    """The peer reads slowly; the gate is open when the body begins and closed when the dot is due."""
    server = start_server({"DATA": HangInBody(100_000)})
    big = make_envelope(data=HEAD + b"x" * 20_000_000)
    guard = TestGuard(begin_limit=begin_limit)
    results = open_smtp(server.url).send_slice([big, make_envelope(2)], guard)
    assert kinds_of(results) == ["NotSent", "NotSent"]
    server.let_go()
    assert server.stored == []


def test_the_gate_is_checked_before_the_final_dot_of_a_big_body(start_server: StartServer, open_smtp: OpenSmtp) -> None:
    server = start_server()
    guard = TestGuard(begin_limit=1)  # spent on MAIL
    assert kinds_of(open_smtp(server.url).send_slice([make_envelope(data=HEAD + b"x" * 5_000_000)], guard)) == [
        "NotSent"
    ]
    server.wait_until(lambda: not server.lines)
    assert server.stored == []


def test_before_data_a_transaction_ends_without_losing_the_connection(
    start_server: StartServer, open_smtp: OpenSmtp
) -> None:
    server = start_server(features=FEATURES[1:])

    class ClosesAtRcpt(TestGuard):
        def may_begin(self) -> bool:
            return server.count("RCPT") == 0

    transport = open_smtp(server.url)
    assert kinds_of(transport.send_slice(make_envelopes(2), ClosesAtRcpt())) == ["NotSent"] * 2
    assert kinds_of(transport.send_slice(make_envelopes(2), TestGuard())) == ["Sent"] * 2
    assert (server.connections, server.count("RSET"), server.count("DATA")) == (1, 1, 2)


@BOTH
def test_a_closed_gate_does_not_wait_for_a_message_that_is_not_begun(
    start_server: StartServer, open_smtp: OpenSmtp, features: tuple[str, ...]
) -> None:
    """The peer accepts the first message and does not reply to the commands of the second."""
    server = start_server({"MAIL": [b"250 ok\r\n", Hang()]}, features=features)

    class ClosesLater(TestGuard):
        def may_begin(self) -> bool:
            return server.count("MAIL") < 2

    started = time.monotonic()
    outcomes = outcomes_of(open_smtp(server.url, timeout_seconds=60).send_slice(make_envelopes(2), ClosesLater()))
    assert time.monotonic() - started < QUICK_SECONDS
    assert outcomes[1] == Sent("250 2.0.0 taken")
    assert isinstance(outcomes[2], NotSent)


def test_after_giving_up_no_message_is_begun_whatever_the_guard_returns() -> None:
    answers = iter([True])
    work = Work(make_envelopes(1), TestGuard(gives_up_when=lambda: next(answers, False)), PeerLimits(), take_all)
    assert work.may_begin()
    assert [work.poll(), work.poll()] == [Signal.GIVE_UP, Signal.GIVE_UP]
    assert not work.may_begin()


# --- giving up --------------------------------------------------------------------------------------------------------


@BOTH
def test_giving_up_disconnects_hanging_peers_and_names_mail_in_doubt(
    start_server: StartServer, open_smtp: OpenSmtp, features: tuple[str, ...]
) -> None:
    ok = b"250 2.0.0 taken\r\n"
    server = start_server({"DOT": [ok, ok, ok, Hang(), Hang(), Hang()]}, features=features)
    transport = open_smtp(server.url, connections=3, timeout_seconds=60)
    guard = TestGuard(gives_up_when=lambda: len(server.stored) == 6)
    started = time.monotonic()
    outcomes = outcomes_of(transport.send_slice(make_envelopes(30), guard))
    assert time.monotonic() - started < QUICK_SECONDS
    sent = {number for number, outcome in outcomes.items() if isinstance(outcome, Sent)}
    in_doubt = {number for number, outcome in outcomes.items() if isinstance(outcome, InDoubt)}
    assert (len(sent), len(in_doubt)) == (3, 3)
    assert {make_envelope(number).data for number in sent | in_doubt} == set(server.stored)
    assert sum(isinstance(outcome, NotSent) for outcome in outcomes.values()) == 24


def test_a_wakeup_makes_it_poll_at_once(
    start_server: StartServer, open_smtp: OpenSmtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "POLL_SECONDS", 60.0)
    server = start_server({"DOT": Hang()})
    watched, bell = make_wakeup()
    stopped_at: list[float] = []
    with watched, bell:

        def stop() -> None:
            server.wait_until(lambda: len(server.stored) == 1)
            stopped_at.append(time.monotonic())
            bell.send(b"!")

        ringer = threading.Thread(target=stop)
        ringer.start()
        guard = TestGuard(gives_up_when=lambda: bool(stopped_at), wakeup=watched.fileno())
        results = open_smtp(server.url, timeout_seconds=60).send_slice(make_envelopes(2), guard)
        took = time.monotonic() - stopped_at[0]
        ringer.join()
    assert kinds_of(results) == ["InDoubt", "NotSent"]
    assert took < QUICK_SECONDS


@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_guard_may_close_its_wakeup_while_it_looks(
    start_server: StartServer, open_smtp: OpenSmtp, is_replaced: bool
) -> None:
    """A lost database connection does this; each new connection of ours may then get the same descriptor number."""
    server = start_server({"DOT": Drop(b"250 2.0.0 taken\r\n")})
    watched, bell = make_wakeup()
    other = make_wakeup()

    class Reconnects(TestGuard):
        def poll(self) -> Signal:
            watched.close()
            return super().poll()

        def wakeup_fileno(self) -> int | None:
            if watched.fileno() >= 0:
                return watched.fileno()
            return other[0].fileno() if is_replaced else None

    bell.send(b"!")
    guard = Reconnects()
    assert kinds_of(open_smtp(server.url).send_slice(make_envelopes(9), guard)) == ["Sent"] * 9
    assert guard.polls >= 1
    for end in (bell, *other):
        end.close()


@pytest.mark.parametrize("stage", ["CONNECT", "MAIL", "DATA"])
def test_giving_up_before_anything_was_begun_leaves_no_doubt(
    start_server: StartServer, open_smtp: OpenSmtp, stage: str
) -> None:
    server = start_server({stage: Hang()})
    guard = TestGuard(gives_up_when=lambda: True)
    results = open_smtp(server.url, timeout_seconds=60).send_slice(make_envelopes(3), guard)
    assert kinds_of(results) == ["NotSent"] * 3
    assert guard.polls >= 1


def test_a_guard_that_raises_leaves_no_message_in_flight(start_server: StartServer, open_smtp: OpenSmtp) -> None:
    server = start_server({"DOT": [Hang()]})

    def break_down() -> bool:
        raise RuntimeError("the database is gone")

    transport = open_smtp(server.url)
    with pytest.raises(RuntimeError, match="the database is gone"):
        transport.send_slice(make_envelopes(3), TestGuard(gives_up_when=break_down))
    server.let_go()
    server.wait_until(lambda: not server.lines)
    assert kinds_of(transport.send_slice([make_envelope(9)], TestGuard())) == ["Sent"]
    assert server.stored == [make_envelope(1).data, make_envelope(9).data]


def test_the_guard_is_polled_while_a_name_is_looked_up(open_smtp: OpenSmtp, monkeypatch: pytest.MonkeyPatch) -> None:
    is_over = threading.Event()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: is_over.wait(60.0) and [])
    guard = TestGuard(gives_up_when=lambda: True)
    started = time.monotonic()
    results = open_smtp("smtp://slow.test").send_slice(make_envelopes(2), guard)
    is_over.set()
    assert kinds_of(results) == ["NotSent", "NotSent"]
    assert time.monotonic() - started < QUICK_SECONDS


@pytest.mark.parametrize("connections", [1, 3])
def test_a_slice_that_may_take_no_more_keeps_the_rest_unsent(
    start_server: StartServer, open_smtp: OpenSmtp, connections: int
) -> None:
    transport = open_smtp(start_server().url, connections=connections)
    answers = iter([True] * 4)
    kinds = kinds_of(transport.send_slice(make_envelopes(10), TestGuard(), may_take=lambda: next(answers, False)))
    assert sorted(kinds) == ["NotSent"] * 6 + ["Sent"] * 4
    assert kinds_of(transport.send_slice(make_envelopes(3), TestGuard())) == ["Sent"] * 3
