"""Make envelopes for tests."""

from __future__ import annotations

from typing import Any

from mailer.transports.base import Envelope, Outcome, Result

HEAD = b"Subject: big\r\n\r\n"
"""The head of a message whose body does not matter."""


def make_envelope(number: int = 1, **changes: Any) -> Envelope:
    data = b"From: ann@example.org\r\nSubject: number %d\r\n\r\nHello.\r\n" % number
    plain = Envelope(number, "ann@example.org", (f"user{number}@example.net",), data)
    return plain._replace(**changes)


def make_envelopes(count: int, **changes: Any) -> list[Envelope]:
    return [make_envelope(number, **changes) for number in range(1, count + 1)]


def outcomes_of(results: list[Result]) -> dict[int, Outcome]:
    """Return the outcomes by message id, for messages with one recipient each."""
    assert len({result.message_id for result in results}) == len(results)
    return {result.message_id: result.outcomes[0] for result in results}


def kinds_of(results: list[Result]) -> list[str]:
    """Return the sorted names of the outcomes."""
    return sorted(type(outcome).__name__ for result in results for outcome in result.outcomes)
