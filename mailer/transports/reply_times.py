"""Measure how long the peer takes to reply, with some of the messages."""

from __future__ import annotations

from collections import deque
from time import monotonic

SAMPLES_A_SECOND = 20
"""The number of messages that are timed. Reading the clock for every message would cost too much."""
SPAN_SECONDS = 60.0


class ReplyTimes:
    """The times until the replies of the last minute."""

    def __init__(self) -> None:
        self.next_at = 0.0
        """The time from which the next message is timed (`time.monotonic`)."""
        self.replied_at: float | None = None
        """When the last reply came."""
        self._times: deque[tuple[float, float]] = deque(maxlen=int(SAMPLES_A_SECOND * SPAN_SECONDS))

    def begin(self, now: float) -> float:
        """Begin to time a message at `now`, and return it. The messages of the next moments are not timed."""
        self.next_at = now + 1 / SAMPLES_A_SECOND
        return now

    def end(self, begun_at: float) -> None:
        """Note that the reply has come."""
        self.replied_at = monotonic()
        self._times.append((self.replied_at, self.replied_at - begun_at))

    def percentiles(self) -> tuple[float, float] | None:
        """Return the median and the 95th percentile in seconds; None without a reply in the last minute."""
        since = monotonic() - SPAN_SECONDS
        while self._times and self._times[0][0] < since:
            self._times.popleft()
        times = sorted(seconds for _, seconds in self._times)
        if not times:
            return None
        return times[(len(times) - 1) // 2], times[(len(times) - 1) * 95 // 100]
