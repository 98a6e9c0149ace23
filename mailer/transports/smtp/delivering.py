"""Send the messages of a slice on a connection, one after the other.

With PIPELINING (RFC 2920) a message costs one round trip: its body, its final dot, and MAIL, RCPT and DATA of the next
message are one write. A body is never written before its 354 has come, so that the gate can still be read.
"""

from __future__ import annotations

from time import monotonic

from mailer.transports.base import NotSent
from mailer.transports.smtp.connection import Connection, ConnectionLost, Script
from mailer.transports.smtp.replies import SUCCESS, text_of
from mailer.transports.smtp.transaction import DATA, END_OF_DATA, Peer, Transaction
from mailer.transports.smtp.verdicts import PeerBroken
from mailer.transports.smtp.work import GATE_CLOSED, Work

IDLE_SECONDS = 30.0
"""A connection that was idle for longer is tested before it is used, since some firewalls drop connections silently."""
CHECK_SECONDS = 5.0
GO_AHEAD = b"354"
RESET = b"RSET\r\n"


def deliver(connection: Connection, work: Work) -> Script:
    peer = connection.peer
    assert peer is not None
    return (_deliver_pipelined if peer.is_pipelining else _deliver_stepwise)(connection, work, peer)


def _deliver_pipelined(connection: Connection, work: Work, peer: Peer) -> Script:
    yield from _test_connection(connection)
    while work.may_begin() and (transaction := work.take(peer)):
        yield from _deliver_chain(connection, work, peer, transaction)


def _deliver_chain(connection: Connection, work: Work, peer: Peer, first: Transaction) -> Script:
    """Deliver one message and those that follow it without a pause.

    If the peer takes commands behind a final dot, these are all messages that are left.
    """
    begun: Transaction | None = None
    transaction: Transaction | None = first
    connection.current = first
    connection.write(b"".join(first.commands))
    while begun is not None or transaction is not None:
        replies = yield (begun is not None) + (len(transaction.commands) if transaction is not None else 0)
        if begun is not None:
            _finish_begun(connection, begun, work, reply=replies.pop(0))
            begun = None
        if transaction is None:
            continue
        answer = replies.pop()
        transaction.hear(replies)
        following = work.take(peer) if work.limits.takes_commands_behind_dot else None
        connection.following = following
        if answer.startswith(GO_AHEAD):
            _hand_over(connection, transaction, work)
            begun = transaction
        else:
            _finish_unsent(connection, transaction, work, answer=answer)
            connection.current, connection.following = following, None
            connection.write(RESET + b"".join(following.commands) if following else RESET)
            _check_reset((yield 1))
        transaction = following


def _deliver_stepwise(connection: Connection, work: Work, peer: Peer) -> Script:
    yield from _test_connection(connection)
    while work.waiting and work.may_begin() and (transaction := work.take(peer)):
        connection.current = transaction
        mail, *recipients, _ = transaction.commands
        connection.write(mail)
        transaction.hear((yield 1))
        for place, command in enumerate(recipients):
            if transaction.is_hopeful:
                connection.write(command)
                transaction.hear((yield 1), first=place)
        answer = b""
        if transaction.is_hopeful and work.may_begin():
            connection.write(DATA)
            (answer,) = yield 1
        if answer.startswith(GO_AHEAD):
            _hand_over(connection, transaction, work)
            _finish_begun(connection, transaction, work, reply=(yield 1)[0])
        else:
            _finish_unsent(connection, transaction, work, answer=answer)
            connection.write(RESET)
            _check_reset((yield 1))


def _test_connection(connection: Connection) -> Script:
    if monotonic() - connection.quiet_since > IDLE_SECONDS:
        connection.write(RESET)
        connection.expect_within(CHECK_SECONDS)
        _check_reset((yield 1))


def _hand_over(connection: Connection, transaction: Transaction, work: Work) -> None:
    if connection.has_unread:  # the answer to a final dot that was not written yet
        raise ConnectionLost("the peer answered before it was asked")
    following, ending = connection.following, END_OF_DATA
    if following:
        following.is_behind_dot = True
        ending += b"".join(following.commands)
    connection.prepare_message(transaction.body, ending, may_begin=work.may_begin)


def _finish_begun(connection: Connection, begun: Transaction, work: Work, *, reply: bytes) -> None:
    begun.hear_of_body(reply)
    connection.begun = None
    _finish(begun, work)


def _finish_unsent(connection: Connection, transaction: Transaction, work: Work, *, answer: bytes) -> None:
    """Finish a transaction whose message was not sent.

    `answer` is the peer's answer to DATA, or empty where the gate has closed before DATA.
    """
    if answer:
        transaction.hear_of_data(answer)
    transaction.settle(NotSent(GATE_CLOSED))
    connection.current = None
    _finish(transaction, work)
    connection.is_used = True


def _finish(transaction: Transaction, work: Work) -> None:
    """Finish a transaction. A complaint about a command is not a verdict on the message.

    The complaint may be about the place of the command, so after it no command is written behind a final dot. A
    transaction whose commands were written there is repeated at once. Otherwise the message is given back and the
    session is closed. Several complaints in a row count as a try, so that the message does not come back for ever.
    """
    complaint = transaction.complaint
    if complaint is None:
        work.finish(transaction)
        return
    work.limits.takes_commands_behind_dot = False
    if transaction.is_behind_dot:
        transaction.repeat()
        work.finish(transaction)
        return
    if work.limits.complain(transaction.envelope.message_id):
        transaction.count_as_try()
    work.finish(transaction)
    raise ConnectionLost(f"the peer complained about a command: {complaint.reason}", is_complaint=True)


def _check_reset(replies: list[bytes]) -> None:
    if replies[0][0] != SUCCESS:
        raise PeerBroken(f"the peer did not forget the last message: {text_of(replies[0])}")
