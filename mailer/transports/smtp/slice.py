"""What is left of the slice that is being handed over, and the gate before it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from mailer.transports.base import Envelope, Guard, NotSent, Result, Signal
from mailer.transports.smtp.transaction import Peer, Transaction

GATE_CLOSED = "the gate closed before it was begun"
NOT_TAKEN_UP = "the slice lasted too long to take it up"


class Slice:
    """Every envelope is in exactly one place: waiting here, on one connection, or in `results`."""

    def __init__(self, envelopes: Sequence[Envelope], guard: Guard) -> None:
        self.waiting = deque(envelopes)
        self.results: list[Result] = []
        self.unfinished = len(envelopes)
        self.is_closed = False
        """The gate has said no once; it is not asked again."""
        self._is_given_up = False
        self._guard = guard

    def may_begin(self) -> bool:
        if not self.is_closed and not self._guard.may_begin():
            self.is_closed = True
        return not self.is_closed

    def note_begun(self, *message_ids: int) -> None:
        """Before these messages are begun, one on each connection."""
        if self.may_begin() and not self._guard.note_begun(*message_ids):
            self.is_closed = True

    def poll(self) -> Signal:
        """Once it was GIVE_UP, it stays so."""
        if not self._is_given_up and self._guard.poll() is Signal.GIVE_UP:
            self._is_given_up = self.is_closed = True
        return Signal.GIVE_UP if self._is_given_up else Signal.GO_ON

    def wakeup_fileno(self) -> int | None:
        return self._guard.wakeup_fileno()

    def take(self, peer: Peer) -> Transaction | None:
        """The next message that this peer can be given; those it can never be given are refused on the way."""
        if self.waiting and not self._guard.may_take():
            self.finish_waiting(NOT_TAKEN_UP)
        while self.waiting and not self.is_closed:
            transaction = Transaction(self.waiting.popleft(), peer)
            if transaction.commands:
                return transaction
            self.finish(transaction)
        return None

    def give_back(self, transaction: Transaction) -> None:
        """For another connection: the peer never looked at it."""
        self.waiting.appendleft(transaction.envelope)

    def finish(self, transaction: Transaction) -> None:
        result = transaction.result
        self._guard.note_result(result)
        self.results.append(result)
        self.unfinished -= 1

    def finish_waiting(self, reason: str) -> None:
        """Nobody is left to take them."""
        not_sent = NotSent(reason)
        for envelope in self.waiting:
            self.results.append(Result(envelope.message_id, (not_sent,) * len(envelope.recipients)))
        self.unfinished -= len(self.waiting)
        self.waiting.clear()
