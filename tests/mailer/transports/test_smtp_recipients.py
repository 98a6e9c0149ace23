"""Messages with many recipients take several transactions, and each recipient has a separate outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from mailer.transports.base import Begun, Envelope, InDoubt, NotSent, Outcome, Part, Refused, RetryAt, Sent
from mailer.transports.smtp import SmtpTransport
from mailer.transports.smtp.limits import COMPLAINTS, RECIPIENTS
from tests.examples import few_by_default
from tests.mailer.transports.envelopes import kinds_of, make_envelope, make_envelopes, outcomes_of
from tests.mailer.transports.guards import TestGuard
from tests.mailer.transports.scripted import FEATURES, Act, Drop, ScriptedServer
from tests.mailer.transports.strict import StrictPeer

StartServer = Callable[..., ScriptedServer]
OpenSmtp = Callable[..., SmtpTransport]
BOTH = pytest.mark.parametrize("features", [FEATURES, FEATURES[1:]], ids=["pipelining", "stepwise"])


def to_many(count: int) -> Envelope:
    return make_envelope(recipients=tuple(f"r{n}@example.net" for n in range(count)))


def outcomes_by_recipient(transport: SmtpTransport, envelope: Envelope, guard: TestGuard) -> dict[str, Outcome]:
    (result,) = transport.send_slice([envelope], guard)
    return dict(zip(envelope.recipients, result.outcomes, strict=True))


def test_a_message_to_many_recipients_is_sent_in_several_transactions(
    start_server: StartServer, open_smtp: OpenSmtp
) -> None:
    server, guard = start_server(), TestGuard()
    results = open_smtp(server.url, connections=3).send_slice([to_many(2 * RECIPIENTS + 1), make_envelope(2)], guard)
    assert kinds_of(results) == ["Sent"] * (2 * RECIPIENTS + 2)
    assert sorted(result.message_id for result in results) == [1, 2]
    assert (server.count("MAIL"), server.count("RCPT")) == (4, 2 * RECIPIENTS + 2)
    parts = [begun for begun in guard.begun if isinstance(begun, Part)]
    assert sorted(len(part.recipients) for part in parts) == [1, RECIPIENTS, RECIPIENTS]
    assert guard.begun.count(2) == 1
    recipients = [address for result in guard.results for address in result.recipients]
    assert sorted(recipients) == sorted(to_many(2 * RECIPIENTS + 1).recipients), "each is noted once"


@pytest.mark.parametrize("begin_limit", range(8))
def test_a_gate_that_closes_between_two_transactions_keeps_the_rest(
    start_server: StartServer, open_smtp: OpenSmtp, begin_limit: int
) -> None:
    server = start_server()
    envelope = to_many(3 * RECIPIENTS)
    outcomes = outcomes_by_recipient(open_smtp(server.url), envelope, TestGuard(begin_limit=begin_limit))
    kinds = Counter(type(outcome) for outcome in outcomes.values())
    assert kinds[Sent] == RECIPIENTS * len(server.stored)
    assert kinds[Sent] + kinds[NotSent] == 3 * RECIPIENTS
    assert len(server.stored) < 3 or begin_limit > 3


def test_accepted_recipients_get_it_though_a_peer_that_greylists_ends_the_session(open_smtp: OpenSmtp) -> None:
    """The peer closes the session after twenty errors; recipients that it accepted before must not wait for a retry."""
    envelope = to_many(60)
    peer = StrictPeer(greylisted=set(envelope.recipients))
    with peer.running() as url:
        transport = open_smtp(url, connections=2)
        first = outcomes_by_recipient(transport, envelope, TestGuard())
        assert {type(outcome) for outcome in first.values()} == {RetryAt}
        assert all("Greylisted" in outcome.reply for outcome in first.values() if isinstance(outcome, RetryAt))
        peer.greylisted = set(envelope.recipients[15:])
        second = outcomes_by_recipient(transport, envelope, TestGuard())
        assert [type(outcome) for outcome in second.values()] == [Sent] * 15 + [RetryAt] * 45
        peer.greylisted = set()
        remaining = envelope._replace(recipients=envelope.recipients[15:], is_part=True)
        assert kinds_of(transport.send_slice([remaining], TestGuard())) == ["Sent"] * 45
    assert peer.copies == Counter(envelope.recipients), "each has one copy"


@pytest.mark.parametrize("counts_excess", [False, True])
@pytest.mark.parametrize("room", [1, 10, 49])
def test_a_peer_with_a_lower_limit_gets_smaller_transactions_without_a_retry(
    open_smtp: OpenSmtp, room: int, counts_excess: bool
) -> None:
    envelope = to_many(120)
    peer = StrictPeer(room=room, counts_excess=counts_excess)
    with peer.running() as url:
        transport = open_smtp(url)
        assert kinds_of(transport.send_slice([envelope], TestGuard())) == ["Sent"] * 120
        sessions = peer.sessions
        again = envelope._replace(message_id=2)
        assert kinds_of(transport.send_slice([again], TestGuard())) == ["Sent"] * 120
    assert set(peer.copies.values()) == {2}
    assert max(peer.transactions) == room
    assert peer.sessions <= sessions + 1, "the limit was learnt"


def test_refused_and_accepted_recipients_do_not_wait_for_each_other(open_smtp: OpenSmtp) -> None:
    envelope = to_many(90)
    peer = StrictPeer(errors=5, refused=set(envelope.recipients[::3]), greylisted=set(envelope.recipients[1::3]))
    with peer.running() as url:
        outcomes = outcomes_by_recipient(open_smtp(url, connections=4), envelope, TestGuard())
    assert [type(outcome) for outcome in outcomes.values()] == [Refused, RetryAt, Sent] * 30
    assert peer.copies == Counter(envelope.recipients[2::3])


@BOTH
def test_a_peer_that_disconnects_before_its_first_reply_is_not_tried_again_at_once(
    start_server: StartServer, open_smtp: OpenSmtp, features: tuple[str, ...]
) -> None:
    server = start_server({"RCPT": Drop(b"421 4.7.0 go away\r\n")}, features=features)
    outcomes = outcomes_by_recipient(open_smtp(server.url), to_many(10), TestGuard())
    assert set(outcomes.values()) == {RetryAt("421 4.7.0 go away")}
    assert server.connections == 1


@BOTH
def test_a_connection_lost_among_the_recipients_repeats_only_the_unanswered_ones(
    start_server: StartServer, open_smtp: OpenSmtp, features: tuple[str, ...]
) -> None:
    ok: Act = b"250 ok\r\n"
    server = start_server({"RCPT": [ok, b"550 5.1.1 nobody\r\n", ok, Drop()]}, features=features)
    envelope = to_many(6)
    outcomes = outcomes_by_recipient(open_smtp(server.url), envelope, TestGuard())
    assert [type(outcome) for outcome in outcomes.values()] == [Sent, Refused, Sent, Sent, Sent, Sent]
    taken = [command for command in server.commands if command == "DOT"]
    assert (len(taken), server.connections) == (2, 2)


def test_one_transaction_in_doubt_leaves_the_others_certain(start_server: StartServer, open_smtp: OpenSmtp) -> None:
    server = start_server({"DOT": [b"250 2.0.0 taken\r\n", Drop(), b"250 2.0.0 taken\r\n"]})
    outcomes = outcomes_by_recipient(open_smtp(server.url, connections=2), to_many(3 * RECIPIENTS), TestGuard())
    kinds = Counter(type(outcome) for outcome in outcomes.values())
    assert kinds == {Sent: 2 * RECIPIENTS, InDoubt: RECIPIENTS}


def test_a_recipient_named_twice_ends_once(start_server: StartServer, open_smtp: OpenSmtp) -> None:
    envelope = make_envelope(recipients=("a@example.net", "b@example.net") * RECIPIENTS)
    (result,) = open_smtp(start_server().url).send_slice([envelope], TestGuard())
    assert kinds_of([result]) == ["Sent"] * 2 * RECIPIENTS


# --- complaints about commands ----------------------------------------------------------------------------------------


class Untidy(ScriptedServer):
    """A peer like Haraka since 3.3.4: it answers 503 to commands that arrive together with a final dot."""

    def act_at(self, stage: str) -> Act:
        if stage in {"MAIL", "RCPT", "DATA"} and self.behind_dots and self.behind_dots[-1]:
            command = self.commands[-1].encode() + b"\r\n"
            if self.behind_dots[-1].startswith(command):
                self.behind_dots[-1] = self.behind_dots[-1].removeprefix(command)
                return b"503 Bad sequence of commands - pipelined after end of DATA\r\n"
        return super().act_at(stage)


def test_a_peer_that_refuses_commands_after_the_dot_gets_none_again(open_smtp: OpenSmtp) -> None:
    with Untidy() as server:
        transport, guard = open_smtp(server.url), TestGuard()
        assert (
            kinds_of(transport.send_slice([*make_envelopes(8), to_many(120)._replace(message_id=9)], guard))
            == ["Sent"] * 128
        )
        dots = len(server.behind_dots)
        assert kinds_of(transport.send_slice(make_envelopes(3), TestGuard())) == ["Sent"] * 3
        assert server.behind_dots[dots:] == [b""] * 3
        assert (server.connections, len(server.stored)) == (1, 14)


NO_VERDICTS = [b"500 what?\r\n", b"502 5.5.1 no\r\n", b"503 5.5.1 not now\r\n", b"504 5.5.4 no\r\n"]


@BOTH
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize("reply", few_by_default(NO_VERDICTS, NO_VERDICTS[0]))
def test_a_complaint_about_a_command_is_no_verdict(
    start_server: StartServer, open_smtp: OpenSmtp, features: tuple[str, ...], stage: str, reply: bytes
) -> None:
    server = start_server({stage: [reply]}, features=features)
    if stage in {"MAIL", "RCPT"} and "PIPELINING" in features:
        server = start_server({"RCPT": [reply], "DATA": [b"503 5.5.1 no RCPT\r\n"]}, features=features)
    transport = open_smtp(server.url)
    outcomes = outcomes_of(transport.send_slice(make_envelopes(3), TestGuard()))
    assert outcomes[1] == NotSent(reply.decode().strip())
    assert {type(outcomes[2]), type(outcomes[3])} <= {Sent, NotSent}
    assert kinds_of(transport.send_slice([make_envelope(1)], TestGuard())) == ["Sent"]


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "DOT"])
def test_a_message_that_always_meets_a_complaint_becomes_a_temporary_failure(
    start_server: StartServer, open_smtp: OpenSmtp, stage: str
) -> None:
    script: dict[str, Act | list[Act]] = {stage: b"503 5.5.1 never\r\n"}
    if stage in {"MAIL", "RCPT"}:
        script["DATA"] = b"503 5.5.1 never\r\n"
    server = start_server(script)
    transport = open_smtp(server.url)
    tries = [outcomes_of(transport.send_slice([make_envelope(1)], TestGuard()))[1] for _ in range(COMPLAINTS)]
    assert [type(outcome) for outcome in tries] == [NotSent] * (COMPLAINTS - 1) + [RetryAt]
    assert isinstance(tries[-1], RetryAt)
    assert "503 5.5.1 never" in tries[-1].reply
    assert "each time" in tries[-1].reply
    assert server.connections == COMPLAINTS, "each on another session"


def test_a_peer_that_complains_to_everybody_is_not_hammered(start_server: StartServer, open_smtp: OpenSmtp) -> None:
    server = start_server({"DOT": b"503 5.5.1 never\r\n"})
    results = open_smtp(server.url, connections=3).send_slice(make_envelopes(50), TestGuard())
    assert kinds_of(results) == ["NotSent"] * 50
    server.wait_until(lambda: server.connections == 3)


def test_one_recipient_with_a_complaint_does_not_hold_up_the_others(
    start_server: StartServer, open_smtp: OpenSmtp
) -> None:
    server = start_server({"RCPT": [b"250 ok\r\n", b"503 5.5.1 what?\r\n"]})
    outcomes = outcomes_by_recipient(open_smtp(server.url), to_many(3), TestGuard())
    assert [type(outcome) for outcome in outcomes.values()] == [Sent, NotSent, Sent]


def is_whole(begun: Begun) -> bool:
    return isinstance(begun, int)


@pytest.mark.parametrize(("script", "whole"), [({}, True), ({"RCPT": [b"550 no\r\n"]}, False)])
def test_a_note_names_recipients_only_where_they_are_needed(
    start_server: StartServer, open_smtp: OpenSmtp, script: dict[str, Act | list[Act]], whole: bool
) -> None:
    guard = TestGuard()
    open_smtp(start_server(script).url).send_slice([to_many(2)], guard)
    assert [is_whole(begun) for begun in guard.begun] == [whole]
