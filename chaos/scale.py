"""Define the size of a run: a full one for `./sluice chaos`, and a small one for the tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stack.processes import Program
from stack.programs import BEAT, EVENTS_THREADS, celery, web_program, worker_program

LANES, WAVES, EVENTS = "transactional,bulk", "eta,maintenance,audience", "events"
ETA_WORKER, EVENTS_WORKER = "eta", "events"


@dataclass(frozen=True, slots=True)
class Scale:
    """The fleet, the load on it, and the pace of callers and faults."""

    workers: tuple[str, ...] = ("worker1", "worker2")
    """The workers that deliver, of two processes each."""
    has_eta_worker: bool = True
    """Whether a separate worker handles waves and sweeps; otherwise the delivering ones do."""
    has_events_worker: bool = True
    """Whether a separate worker, of threads, delivers events; otherwise the delivering ones do."""
    has_beat: bool = True
    has_database_door: bool = True
    """Whether the programs reach PostgreSQL through a proxy that can be slow, which costs some CPU time."""
    callers: int = 6
    campaigns: int = 5
    """The campaigns that are sent, of all kinds."""
    contacts: int = 120
    """The contacts of each campaign."""
    sizes: tuple[int, ...] = (1, 1, 1, 5, 20, 20, 120, 300)
    """The sizes of the requests; a size that is named more often is more frequent."""
    ahead_seconds: int = 4
    """The longest time that mail is scheduled ahead."""
    thinking_seconds: tuple[float, float] = (0.2, 3.0)
    """The time between two moves of a caller."""
    pause_seconds: tuple[float, float] = (0.5, 3.0)
    """The time between two faults."""
    overlap_share: float = 0.25
    """The share of faults that come together with another."""
    last_wave: tuple[int, ...] = (150,) * 20
    """The sizes of the requests at the end, which show that the fleet works."""

    @property
    def all_workers(self) -> tuple[str, ...]:
        return (*self.workers, ETA_WORKER) if self.has_eta_worker else self.workers

    def fleet(self, state: Path, port: int, environment: Mapping[str, str]) -> list[Program]:
        """Return the programs of the product, the web among them."""
        others = [(WAVES, self.has_eta_worker), (EVENTS, self.has_events_worker)]
        queues = ",".join([LANES, *(queues for queues, is_elsewhere in others if not is_elsewhere)])
        programs = [worker_program(state, environment, name=name, queues=queues, processes=2) for name in self.workers]
        if self.has_eta_worker:
            programs.append(worker_program(state, environment, name=ETA_WORKER, queues=WAVES, processes=2))
        if self.has_events_worker:
            programs.append(
                worker_program(
                    state, environment, name=EVENTS_WORKER, queues=EVENTS, processes=EVENTS_THREADS, pool="threads"
                )
            )
        if self.has_beat:
            programs.append(Program(name="beat", command=celery("beat"), rank=BEAT, environment=environment))
        return [*programs, web_program(port, environment)]


FULL = Scale()
SMALL = Scale(
    workers=("worker1",),
    has_eta_worker=False,
    has_events_worker=False,
    has_beat=False,
    has_database_door=False,
    callers=5,
    campaigns=1,
    contacts=20,
    sizes=(1, 1, 5, 20, 60),
    ahead_seconds=1,
    thinking_seconds=(0.1, 0.5),
    pause_seconds=(0.1, 0.4),
    overlap_share=0.0,
    last_wave=(40,) * 3,
)
"""One worker whose node loop sweeps, for the tests."""
