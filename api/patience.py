"""Patience: the core refuses a change at once while another one of the same campaign is being committed. A wire that
has no word for that asks again, for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from campaigns.errors import TransitionInProgress

PATIENCE_SECONDS = 1.0
FIRST_PAUSE_SECONDS: Final = 0.01
LONGEST_PAUSE_SECONDS: Final = 0.1

P = ParamSpec("P")
T = TypeVar("T")


def patiently(change: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `change` until no other change is in its way. Raises TransitionInProgress after `PATIENCE_SECONDS`."""
    return patiently_until(time.monotonic() + PATIENCE_SECONDS, change, *args, **kwargs)


def patiently_until(deadline: float, change: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The same up to a moment of `time.monotonic`, for who makes several changes; each is tried once at least."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            return change(*args, **kwargs)
        except TransitionInProgress:
            if time.monotonic() >= deadline:
                raise
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
