"""Run the bare client in a single process (see client_loop.py)."""

from __future__ import annotations

from pathlib import Path

from benchmarks.ceilings.client_loop import messages_per_second
from benchmarks.sink import Sink


def measure(folder: Path, sink: Sink, messages: int) -> float:
    """Return messages per second."""
    return messages_per_second(sink, messages, processes=1)
