"""Remember the limits that the answers of a peer have shown, for as long as the process lives."""

from __future__ import annotations

RECIPIENTS = 50
"""The most recipients of a transaction. RFC 5321 section 4.5.3.1.8 lets a client count on 100; Postfix sends 50, so no
peer is surprised by as many, and Amazon SES takes no more."""
COMPLAINTS = 3
"""The number of complaints about the commands of one message that count as a try."""
COMPLAINTS_KEPT = 10_000
"""The most messages whose complaints are remembered."""


class PeerLimits:
    """The habits of one peer, learnt from its answers."""

    def __init__(self) -> None:
        self.recipients = RECIPIENTS
        """The most recipients of a transaction."""
        self.takes_commands_behind_dot = True
        """True while the next message's commands may follow a final dot before it is answered.

        Haraka since 3.3.4 is a peer that offers PIPELINING and does not take them.
        """
        self._complaints: dict[int, int] = {}

    def allow(self, recipients: int) -> None:
        """Note after how many recipients the peer refused more: later transactions have no more than that."""
        self.recipients = max(1, min(self.recipients, recipients))

    def complain(self, message_id: int) -> bool:
        """Count a complaint about the commands of a message. Return True if the complaints count as a try.

        Without a limit, a message that a peer always answers in this way would be tried every second for ever.
        """
        complaints = self._complaints.pop(message_id, 0) + 1
        if complaints >= COMPLAINTS:
            return True
        if len(self._complaints) >= COMPLAINTS_KEPT:
            del self._complaints[next(iter(self._complaints))]
        self._complaints[message_id] = complaints
        return False
