"""What every contestant of a wave is: Sluice and its peers, each a module with one function

    @contextmanager
    def running(folder: Path, sink: Sink, *, workers: int = 2) -> Iterator[Contestant]

that brings up all it needs (a database or broker of its own included, with the durability it has by default), with
`folder` for its data and `sink` as its SMTP peer, and takes it down again; Unavailable when it cannot be installed.
What is costly and lasts (an installed environment) is kept elsewhere: `running` is entered anew in each round.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

TICKS = os.sysconf("SC_CLK_TCK")


class Unavailable(Exception):
    """It cannot be installed or started here; says why."""


class Cpu(NamedTuple):
    """User and system seconds so far."""

    programs: float
    """Its workers, and whatever takes its orders over a wire."""
    engines: float
    """Its database and its broker."""

    def since(self, earlier: Cpu) -> Cpu:
        return Cpu(self.programs - earlier.programs, self.engines - earlier.engines)


class Contestant(Protocol):
    def schedule(self, messages: int, send_at: float) -> None:
        """Schedule a wave, as fast as it can: benchmarks.mail to recipient(0) … recipient(messages - 1), at `send_at`
        (seconds since 1970, whole). Returns when all is scheduled, as durably as it ever will be."""

    def rest_seconds(self, messages: int) -> float:
        """How long it wants to be left alone between that and `send_at`: 2 for most; longer where a worker goes on
        loading."""

    def cpu(self) -> Cpu: ...


Running = Callable[..., AbstractContextManager[Contestant]]
"""`running(folder, sink, workers=2)`."""


def tree_cpu(roots: Iterable[int]) -> float:
    """User and system seconds of these processes, of all below them, and of those of their children that have ended."""
    return sum(seconds for _, seconds in tree(roots).values())


def tree(roots: Iterable[int]) -> dict[int, tuple[int, float]]:
    """These processes and all below them: the parent of each, and its seconds with those of its ended children."""
    found: dict[int, tuple[int, float]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        found[int(entry.parent.name)] = int(fields[1]), sum(map(int, fields[11:15])) / TICKS
    children: dict[int, list[int]] = {}
    for pid, (parent, _) in found.items():
        children.setdefault(parent, []).append(pid)
    wanted, left = {}, [pid for pid in roots if pid in found]
    while left:
        pid = left.pop()
        wanted[pid] = found[pid]
        left += children.get(pid, [])
    return wanted
