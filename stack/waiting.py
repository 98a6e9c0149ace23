"""Waiting on a condition with a deadline, and the signals that end a wait.

Ctrl-C, SIGTERM and a closed terminal raise `Interrupted` in the main thread, so that `with` blocks unwind and stop what
they started. Between starting a process and writing it down no signal may strike, or it would be forgotten:
`undisturbed()` puts it off.
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
    """Asked to stop by a signal."""


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
    """SIGHUP stays ignored under nohup. SIGINT is taken even where a shell's `&` had it ignored: scripts send it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    taken = [number for number in STOPS if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in taken}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Raise a signal that comes meanwhile at the end of the outermost block."""
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
    """Ignore signals during the ordered stop: the impatient have kill -9, and then the watchdog finishes it."""
    _Held.depth += 1
    try:
        yield
    finally:
        _Held.depth -= 1
        _Held.pending = False


def wait_until(condition: Callable[[], object], *, seconds: float, what: str) -> None:
    """Return once `condition()` is true; StackError naming `what` when the deadline has passed."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise StackError(f"Waited {seconds:.0f} s in vain: {what}.")
        time.sleep(0.02)
