"""Learn from earlier slices how many messages make a slice, and which batches are slow.

Slow mail is sent apart from other mail: in separate slices, when nothing else is due or at its turn, and never on all
worker processes at once. So a slow destination delays its batch, and no other mail.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from time import monotonic

from django.conf import settings

SLICE_MESSAGES = 2000
"""The most messages in a slice. With this number, the statements of a slice cost little per message."""
FIRST_MESSAGES = 32
LONG_SECONDS = 1.0
"""A message that takes longer is slow. A slice that takes longer begins no more messages, so that it ends soon."""
SLOW_FOR_SECONDS = 600.0
"""The time after which a process no longer keeps a slow batch apart if it has sent none of its mail."""
SLOW_BATCHES = 1000
"""The most slow batches that a process remembers."""
TURN_SECONDS = 5.0
"""The time for which other mail goes first after a trip with slow mail."""


class SliceSize:
    """The number of messages in a slice of about `SLICE_SECONDS`, at least what the transport can have under way."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._seconds_each = 0.0
        self.size = max(FIRST_MESSAGES, capacity)

    def learn(self, messages: int, seconds: float, *, late: int = 0, waited: float = 0.0) -> None:
        """Adapt the size to the last slice, at most fourfold at once; halve it if nothing was finished.

        The results of the last `late` messages came after a silence, `waited` seconds after its beginning. They show
        nothing about the size: more messages would have kept the other connections busy.
        """
        if not messages or seconds <= 0:
            self.size = max(self._capacity, self.size // 2)
            return
        self._seconds_each = seconds / messages
        brisk_seconds = max(seconds - waited, 1e-6)
        fitting_size = int((messages - late) * settings.SLICE_SECONDS / brisk_seconds)
        self.size = max(self._capacity, min(SLICE_MESSAGES, fitting_size, 4 * self.size))

    def seconds_for(self, messages: int) -> float:
        """Return the seconds that this many messages will take, judged by the last slice; 0 before the first."""
        return messages * self._seconds_each


class SlowBatches:
    """The batches whose mail was slow when this process sent it last."""

    def __init__(self) -> None:
        self._until: OrderedDict[int, float] = OrderedDict()
        self._turn_at = 0.0

    def find(self) -> list[int]:
        """Return the ids of the slow batches."""
        now = monotonic()
        while self._until and next(iter(self._until.values())) < now:
            self._until.popitem(last=False)
        return list(self._until)

    @property
    def have_turn(self) -> bool:
        """Return whether slow batches go first, because other mail did for a while."""
        return monotonic() >= self._turn_at

    def end_turn(self) -> None:
        """Note that a trip with mail of slow batches is over."""
        self._turn_at = monotonic() + TURN_SECONDS

    def learn(self, sent: Collection[int], slow: Collection[int]) -> None:
        """Note that a slice of the batches `sent` was sent, and that mail of `slow` came late."""
        for batch_id in sent:
            self._until.pop(batch_id, None)
        for batch_id in slow:
            self._until[batch_id] = monotonic() + SLOW_FOR_SECONDS
        while len(self._until) > SLOW_BATCHES:
            self._until.popitem(last=False)
