"""Wait for a condition with a deadline, and turn signals into an exception.

Ctrl-C, SIGTERM and a closed terminal raise `Interrupted` in the main thread, so that `with` blocks unwind and stop the
processes they started. Between the start of a process and its registration no signal may be handled, or the process
would be forgotten: `undisturbed()` delays it.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from stack import StackError

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """Raised when a signal asks the launcher to stop."""


class _Held:
    depth = 0
    pending = False


def interrupt(_signum: int, _frame: FrameType | None) -> None:
    if _Held.depth:
        _Held.pending = True
    else:
        raise Interrupted


@contextmanager
def signals_interrupt() -> Iterator[None]:
    """Let signals raise Interrupted.

    SIGHUP stays ignored under nohup. SIGINT is handled even where a shell's `&` had it ignored, since scripts send it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [number for number in STOPS if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Delay a signal that comes within the block until the end of the outermost block, and raise it there."""
    _Held.depth += 1
    try:
        yield
    finally:
        _Held.depth -= 1
    if _Held.pending and not _Held.depth:
        _Held.pending = False
        raise Interrupted


@contextmanager
def ignoring_signals() -> Iterator[None]:
    """Ignore signals during the orderly stop. After kill -9 the watchdog completes it."""
    _Held.depth += 1
    try:
        yield
    finally:
        _Held.depth -= 1
        _Held.pending = False


def wait_until(condition: Callable[[], object], *, seconds: float, what: str) -> None:
    """Return once `condition()` is true. Raises StackError, which names `what`, when the deadline has passed."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise StackError(f"Timed out after {seconds:.0f} s while waiting for {what}.")
        time.sleep(0.02)
