"""Keep the work of a pool of connections: the messages of a slice that are still to be sent, and the gate."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from mailer.transports.base import Begun, Envelope, Guard, NotSent, Outcome, Result, Signal
from mailer.transports.smtp.limits import PeerLimits
from mailer.transports.smtp.transaction import Peer, Transaction

GATE_CLOSED = "the gate closed before it was begun"
NOT_TAKEN_UP = "the slice lasted too long to take it up"


class Work:
    """The envelopes of a slice. Each is in exactly one place: waiting here, on one connection, or in `results`.

    An envelope with more recipients than fit into a transaction is cut into parts, which are envelopes too. Its result
    is complete when the last part has one.
    """

    def __init__(
        self, envelopes: Sequence[Envelope], guard: Guard, limits: PeerLimits, may_take: Callable[[], bool]
    ) -> None:
        self.waiting = deque(envelopes)
        self.results: list[Result] = []
        self.unfinished = len(envelopes)
        """Messages without a result."""
        self.limits = limits
        self.is_closed = False
        """True once the gate has refused. Then it is not read again."""
        self._cut: dict[int, CutMessage] = {}
        """The messages that are sent in parts, by message id."""
        self._is_given_up = False
        self._guard = guard
        self._may_take = may_take
        size = limits.recipients
        if any(len(envelope.recipients) > size for envelope in envelopes):
            self.waiting = deque(part for envelope in envelopes for part in self._cut_up(envelope))

    def may_begin(self) -> bool:
        if not self.is_closed and not self._guard.may_begin():
            self.is_closed = True
        return not self.is_closed

    def note_begun(self, *begun: Begun) -> None:
        """Note that these messages are about to be begun, one on each connection."""
        if self.may_begin() and not self._guard.note_begun(*begun):
            self.is_closed = True

    def poll(self) -> Signal:
        """Poll the guard. After a GIVE_UP, every answer is GIVE_UP."""
        if not self._is_given_up and self._guard.poll() is Signal.GIVE_UP:
            self._is_given_up = self.is_closed = True
        return Signal.GIVE_UP if self._is_given_up else Signal.GO_ON

    def wakeup_fileno(self) -> int | None:
        return self._guard.wakeup_fileno()

    def take(self, peer: Peer) -> Transaction | None:
        """Return the next message that this peer can take. Messages that it can never take are refused on the way."""
        if self.waiting and not self._may_take():
            self.finish_waiting(NOT_TAKEN_UP)
        while self.waiting and not self.is_closed:
            transaction = Transaction(self.waiting.popleft(), peer)
            if transaction.commands:
                return transaction
            self.finish(transaction)
        return None

    def give_back(self, transaction: Transaction) -> None:
        """Queue it again, before the others: the peer never read it, or only complained about its commands."""
        self.waiting.appendleft(transaction.envelope)

    def finish(self, transaction: Transaction) -> None:
        if transaction.again or transaction.left:
            if len(transaction.again) == len(transaction.outcomes):
                self.give_back(transaction)
                return
            self._put_back(transaction)
        result = transaction.result
        if result.outcomes:
            self._guard.note_result(result)
        if self._cut and result.message_id in self._cut:
            self._finish_part(result)
        else:
            self.results.append(result)
            self.unfinished -= 1

    def finish_waiting(self, reason: str) -> None:
        """Finish the messages that wait: no connection is left to take them."""
        not_sent = NotSent(reason)
        for envelope in self.waiting:
            result = Result(envelope.message_id, (not_sent,) * len(envelope.recipients), envelope.recipients)
            if envelope.message_id in self._cut:
                self._finish_part(result)
            else:
                self.results.append(result)
                self.unfinished -= 1
        self.waiting.clear()

    def _put_back(self, transaction: Transaction) -> None:
        """Queue the recipients who need another transaction, before all other messages."""
        envelope = transaction.envelope
        if envelope.message_id not in self._cut:
            self._cut[envelope.message_id] = CutMessage(envelope)
        if transaction.room:
            self.limits.allow(transaction.room)
        parts = [part_of(envelope, transaction.again)] if transaction.again else []
        parts += self._cut_up(part_of(envelope, transaction.left)) if transaction.left else []
        self.waiting.extendleft(reversed(parts))

    def _cut_up(self, envelope: Envelope) -> Iterator[Envelope]:
        """Yield the envelope in parts that go into one transaction each."""
        size = self.limits.recipients
        if len(envelope.recipients) <= size:
            yield envelope
            return
        self._cut.setdefault(envelope.message_id, CutMessage(envelope))
        for start in range(0, len(envelope.recipients), size):
            yield part_of(envelope, range(start, min(start + size, len(envelope.recipients))))

    def _finish_part(self, result: Result) -> None:
        message = self._cut[result.message_id]
        message.outcomes.update(zip(result.recipients, result.outcomes, strict=True))
        message.missing -= len(result.outcomes)
        if not message.missing:
            self.results.append(message.result)
            self.unfinished -= 1


class CutMessage:
    """A message whose recipients are in several transactions, and their outcomes so far."""

    def __init__(self, envelope: Envelope) -> None:
        self.envelope = envelope
        self.outcomes: dict[str, Outcome] = {}
        self.missing = len(envelope.recipients)
        """Recipients without an outcome."""

    @property
    def result(self) -> Result:
        """Return the outcomes of all recipients, once none is missing."""
        recipients = self.envelope.recipients
        return Result(self.envelope.message_id, tuple(self.outcomes[recipient] for recipient in recipients), recipients)


def part_of(envelope: Envelope, positions: Sequence[int]) -> Envelope:
    """Return the envelope for some of its recipients, by their positions."""
    return envelope._replace(recipients=tuple(envelope.recipients[place] for place in positions), is_part=True)
