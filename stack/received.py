"""Count the mail in a Maildir by the first word of the recipient (`alone-7@…` belongs to `alone`)."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

ENVELOPE = b"X-Envelope-To: "


class Received:
    """A reader of a Maildir that reads each message once."""

    def __init__(self, maildir: Path) -> None:
        self._new = maildir / "new"
        self._seen: set[str] = set()
        self._recipients: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()

    def of(self, name: str) -> int:
        """Return how many messages have come for recipients of this name."""
        self._read_new()
        return self._counts[name]

    @property
    def doubled(self) -> list[str]:
        """Return the recipients who got more than one message."""
        self._read_new()
        return [recipient for recipient, times in self._recipients.items() if times > 1]

    def _read_new(self) -> None:
        for name in set(os.listdir(self._new)) - self._seen:
            self._seen.add(name)
            recipient = recipient_of(self._new / name)
            self._recipients[recipient] += 1
            self._counts[recipient.partition("@")[0].rpartition("-")[0]] += 1


def recipient_of(message: Path) -> str:
    """Return the envelope's recipient, as the local inbox has written it down."""
    with message.open("rb") as lines:
        return next((line[len(ENVELOPE) :].strip().decode() for line in lines if line.startswith(ENVELOPE)), "")
