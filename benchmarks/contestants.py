"""Define the contestants of a wave: Sluice and its peers.

Each is a module with a context manager `running(folder: Path, sink: Sink, *, workers: int = 2) ->
Iterator[Contestant]`. It starts everything that the contestant needs (including its database or broker, with the
durability it has by default), with `folder` for its data and `sink` as its SMTP peer, and stops it again. It raises
Unavailable if the contestant cannot be installed. An installed environment is costly and permanent, so it is kept
elsewhere: `running` is entered again in each round.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

TICKS = os.sysconf("SC_CLK_TCK")


class Unavailable(Exception):
    """Raised with a reason when a contestant cannot be installed or started here."""


class Cpu(NamedTuple):
    """The CPU time until now: user and system seconds together."""

    programs: float
    """The seconds of its workers, and of every program that it calls over the network."""
    engines: float
    """The seconds of its database and its broker."""

    def since(self, earlier: Cpu) -> Cpu:
        return Cpu(self.programs - earlier.programs, self.engines - earlier.engines)


class Contestant(Protocol):
    def schedule(self, messages: int, send_at: float) -> None:
        """Schedule a wave as fast as possible, and return when it has reached its final durability.

        The mail is that of `benchmarks.mail`, to recipient(0) … recipient(messages - 1), at `send_at` (whole seconds
        since 1970).
        """

    def rest_seconds(self, messages: int) -> float:
        """Return how long the contestant is left alone between that and `send_at`.

        For most it is 2. It is longer if a worker continues to load.
        """

    def cpu(self) -> Cpu: ...


Running = Callable[..., AbstractContextManager[Contestant]]
"""The function `running(folder, sink, workers=2)` of a contestant."""


def tree_cpu(roots: Iterable[int]) -> float:
    """Return the CPU seconds of these processes, their descendants, and their ended children."""
    return sum(seconds for _, seconds in tree(roots).values())


def tree(roots: Iterable[int]) -> dict[int, tuple[int, float]]:
    """Return these processes and all below them: the parent of each, and its seconds (with ended children's)."""
    processes: dict[int, tuple[int, float]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        processes[int(entry.parent.name)] = int(fields[1]), sum(map(int, fields[11:15])) / TICKS
    children: dict[int, list[int]] = {}
    for pid, (parent, _) in processes.items():
        children.setdefault(parent, []).append(pid)
    descendants, queue = {}, [pid for pid in roots if pid in processes]
    while queue:
        pid = queue.pop()
        descendants[pid] = processes[pid]
        queue += children.get(pid, [])
    return descendants
