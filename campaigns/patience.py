"""Try a change of a campaign again for a moment while another change of the same campaign is being committed.

The life cycle refuses such a change at once. An API that has no error for that refusal waits instead.
"""

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
    """Call `change` until no other change is in its way, at least once. Raises TransitionInProgress after `deadline`.

    The deadline is in seconds of `time.monotonic`, so that a caller with several changes can share one.
    """
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            return change(*args, **kwargs)
        except TransitionInProgress:
            if time.monotonic() >= deadline:
                raise
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
