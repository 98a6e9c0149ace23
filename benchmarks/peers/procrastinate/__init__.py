"""Run Procrastinate: one job in PostgreSQL for each message, deferred in batches with `schedule_at`, sent by Django.

Each worker process runs eight jobs at a time, and each of its threads keeps one SMTP connection. It looks for due jobs
every half second; the default is every five.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.contestants import Contestant
from benchmarks.peers.environments import python_environment
from benchmarks.peers.programs import peer_on_postgresql
from benchmarks.sink import Sink

HOME = Path(__file__).parent


@contextmanager
def running(folder: Path, sink: Sink, *, workers: int = 2) -> Iterator[Contestant]:
    """Run it with this number of worker processes. Raises Unavailable."""
    python = str(python_environment(HOME))
    with peer_on_postgresql("procrastinate", HOME, folder, sink) as peer:
        peer.prepare([python, "-m", "procrastinate", "--app=app.app", "schema", "--apply"])
        for number in range(workers):
            peer.start_worker([python, "worker.py"], number=number + 1)
        peer.start_scheduler([python, "schedule.py"])
        yield peer
