"""Times as callers write them: with `Z`, with an offset, or with neither, which means UTC."""

from __future__ import annotations

import datetime as dt
from typing import Final

YEARS: Final = range(1000, 9999)


def read_moment(said: str) -> dt.datetime:
    """Raises ValueError."""
    read = dt.datetime.fromisoformat(said)
    if read.year not in YEARS:
        raise ValueError("out of range")
    return read if read.tzinfo else read.replace(tzinfo=dt.UTC)
