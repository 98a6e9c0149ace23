"""Run views in the threads of a process, and queue the requests that wait for a thread.

Callers take turns: the next request is taken from the caller that has waited longest since its last turn, so that a
caller with many requests does not delay the others.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """A queue of items by caller. Not thread-safe."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, deque[tuple[float, T]]] = {}
        """The items by caller, in the order in which the callers are served."""
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def put(self, caller: Hashable, item: T) -> None:
        """Add an item behind the other items of the caller."""
        self._waiting.setdefault(caller, deque()).append((time.monotonic(), item))
        self._size += 1

    def take(self) -> T:
        """Remove and return an item of the caller whose turn it is. Raises StopIteration when nothing waits."""
        caller = next(iter(self._waiting))
        waiting = self._waiting.pop(caller)
        _, item = waiting.popleft()
        if waiting:
            # The caller is now last.
            self._waiting[caller] = waiting
        self._size -= 1
        return item

    def take_old(self, before: float) -> list[T]:
        """Remove and return the items that were added before this time of the monotonic clock."""
        old = []
        for caller, waiting in list(self._waiting.items()):
            while waiting and waiting[0][0] < before:
                old.append(waiting.popleft()[1])
            if not waiting:
                del self._waiting[caller]
        self._size -= len(old)
        return old


class Lane(Generic[T]):
    """A fixed number of threads and the items that wait for them. All methods may be called from any thread."""

    def __init__(self, name: str, work: Callable[[T], None], *, threads: int, waiting: int) -> None:
        self._work = work
        self._room = waiting
        self._queue: FairQueue[T] = FairQueue()
        self._changed = threading.Condition()
        self._free = threads
        """The threads that run no view. One that has not begun yet is free, too, so that a request can wait for it."""
        self._is_closed = False
        self._threads = [
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True) for number in range(threads)
        ]

    def __len__(self) -> int:
        """Return the number of waiting items."""
        return len(self._queue)

    def start(self, *, first: Callable[[], None], last: Callable[[], None]) -> None:
        """Start the threads; each begins with `first` and ends with `last`."""
        self._first, self._last = first, last
        for thread in self._threads:
            thread.start()

    def put(self, caller: Hashable, item: T) -> bool:
        """Queue an item for the next free thread; False when too many wait already."""
        with self._changed:
            if len(self._queue) >= self._room + self._free:
                return False
            self._queue.put(caller, item)
            self._changed.notify()
            return True

    def take_old(self, before: float) -> list[T]:
        """Remove and return the items that were added before this time of the monotonic clock."""
        with self._changed:
            return self._queue.take_old(before)

    def close(self, *, until: float) -> None:
        """Let the threads end when the queue is empty; wait for them until this time of the monotonic clock."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _run(self) -> None:
        self._first()
        freed = 0
        while (item := self._next(freed)) is not None:
            self._work(item)
            freed = 1
        self._last()

    def _next(self, freed: int) -> T | None:
        """Wait for the next item of this thread; None at the end. `freed` is 1 after an item, and 0 at first."""
        with self._changed:
            self._free += freed
            self._changed.wait_for(lambda: self._queue or self._is_closed)
            if not self._queue:
                return None
            self._free -= 1
            return self._queue.take()
