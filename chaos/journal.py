"""Record the requests of the callers and their answers, which are the promises to be kept."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field

DOMAIN = "chaos.example"


@dataclass(slots=True)
class Request:
    """One mail/send of `size` personalizations; recipients are numbered by request, so each is unique."""

    number: int
    batch_id: str
    """The batch, or an empty text for mail without one."""
    size: int
    send_at: float
    message_id: str = ""
    """The X-Message-Id of a 202, or an empty text without such an answer."""
    status: int = 0

    def recipients(self) -> list[str]:
        return [f"m{self.number}-{n}@{DOMAIN}" for n in range(self.size)]


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop with an answer."""

    batch_id: str
    receipt: str
    answered_at: float
    is_settled: bool
    sent: int


@dataclass
class Journal:
    """A journal that many threads write: appending to a list is atomic."""

    requests: list[Request] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    resumes: list[tuple[str, float]] = field(default_factory=list)
    """Each batch with the time of a resume request; after it mail may be sent, with or without an answer."""
    stopped_batches: set[str] = field(default_factory=set)
    """Every batch that a caller tried to stop."""
    breaches: list[str] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _wall_minus_monotonic: float = field(default_factory=lambda: time.time() - time.monotonic())

    def monotonic(self, timestamp: float) -> float:
        """Return a time of day on the clock of the arrivals."""
        return timestamp - self._wall_minus_monotonic

    def new_request(self, batch_id: str, size: int, send_at: float) -> Request:
        request = Request(next(self._numbers), batch_id, size, send_at)
        self.requests.append(request)
        return request

    def next_resume(self, batch_id: str, after: float) -> float:
        """Return the moment of the first request to resume after that moment."""
        return min((at for batch, at in self.resumes if batch == batch_id and at >= after), default=float("inf"))
