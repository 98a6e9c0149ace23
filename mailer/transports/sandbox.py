"""Pretend to send: every message is `Sent`, as long as the gate is open, and nothing reaches a peer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mailer.transports.base import Envelope, Guard, NotSent, Outcome, Result, Sent, begun_as
from mailer.transports.checking import CheckedTransport


class SandboxTransport(CheckedTransport):
    """A Transport (see base.py) for trying things out."""

    @property
    def capacity(self) -> int:
        return 1

    def send_checked(self, envelopes: Sequence[Envelope], guard: Guard, may_take: Callable[[], bool]) -> list[Result]:
        return [self._pretend(envelope, guard) for envelope in envelopes]

    def _pretend(self, envelope: Envelope, guard: Guard) -> Result:
        may_begin = guard.may_begin() and guard.note_begun(begun_as(envelope))
        outcome: Outcome = Sent("sandbox") if may_begin else NotSent("the gate closed before it was begun")
        result = Result(envelope.message_id, (outcome,) * len(envelope.recipients), envelope.recipients)
        guard.note_result(result)
        return result

    def close(self) -> None:
        """Do nothing: no connection is open."""
