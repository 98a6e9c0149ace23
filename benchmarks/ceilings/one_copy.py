"""Write the rows of bare_copy.py in one COPY and one transaction."""

from __future__ import annotations

from pathlib import Path

from benchmarks.ceilings.bare_copy import rows_per_second
from benchmarks.sink import Sink


def measure(folder: Path, sink: Sink, messages: int) -> float:
    """Return rows per second, on disk."""
    return rows_per_second(folder, messages, at_once=messages)
