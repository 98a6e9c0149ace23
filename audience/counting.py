"""How many contacts a segment has, for whoever looks at it: counted at most once in a while, and never for long."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable
from typing import Final

from audience.errors import SearchTooSlow, TooManyCalls, UnknownSegment
from audience.models import Segment
from audience.segments import refresh_segment
from foundation.clock import database_now

FRESH: Final = dt.timedelta(minutes=1)
SECONDS: Final = 1.0
"""For the segments of one list: those that are not reached keep the count they had."""


def counted(segments: Iterable[Segment], *, seconds: float = SECONDS) -> list[Segment]:
    """The same segments; those whose count is older than `FRESH` were counted anew, as many as that time allows. Of
    one that takes too long, or while the account has too many expensive calls under way, the old count stays."""
    until, stale = time.monotonic() + seconds, database_now() - FRESH
    return [
        _recount(each) if (each.counted_at or stale) <= stale and time.monotonic() < until else each
        for each in segments
    ]


def _recount(segment: Segment) -> Segment:
    try:
        return refresh_segment(segment)
    except (SearchTooSlow, TooManyCalls, UnknownSegment):
        return segment
