"""List the contestants, one on each line. Modules are imported when they are used."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from benchmarks.contestants import Running
from benchmarks.sink import Sink

SLUICE = "sluice"
CONTESTANTS = {
    SLUICE: "benchmarks.sluice",
    "celery": "benchmarks.peers.celery_eta",
    "post-office": "benchmarks.peers.post_office",
    "bullmq": "benchmarks.peers.bullmq",
    "procrastinate": "benchmarks.peers.procrastinate",
}
"""Each module has `running` (benchmarks/contestants.py)."""


class Ceiling(NamedTuple):
    """A ceiling: no program of any kind could be faster on this machine.

    `module` has `measure(folder: Path, sink: Sink, messages: int) -> float`, per second, which starts what it needs (a
    PostgreSQL with stack.services.start_engines, durable) in `folder`.
    """

    module: str
    case: str
    """The case with which it is compared: drain, accept, accept-one."""


CEILINGS = {
    "sink alone": Ceiling("benchmarks.ceilings.sink_alone", "drain"),
    "bare client loop": Ceiling("benchmarks.ceilings.client_loop", "drain"),
    "bare client, 1 process": Ceiling("benchmarks.ceilings.client_alone", "drain"),
    "bare COPY by 1,000": Ceiling("benchmarks.ceilings.bare_copy", "accept"),
    "bare COPY at once": Ceiling("benchmarks.ceilings.one_copy", "accept"),
    "empty view with one commit": Ceiling("benchmarks.ceilings.empty_view", "accept-one"),
}


def running(name: str) -> Running:
    function: Running = import_module(CONTESTANTS[name]).running
    return function


def measure_ceiling(name: str) -> Callable[[Path, Sink, int], float]:
    function: Callable[[Path, Sink, int], float] = import_module(CEILINGS[name].module).measure
    return function
