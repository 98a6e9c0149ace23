"""Run plain Celery, as many projects begin: one task with an ETA for each message, built and sent by Django.

Of its two usual ways this is the faster one: each worker process keeps its SMTP connection, whereas `send_mail` opens
one for each message (measured separately: 1,000 against 860 messages a second). The tasks carry only the recipient.
Start the schedule early enough: the worker loads every waiting task into memory, at about 1,500 a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.contestants import Contestant
from benchmarks.peers.environments import python_environment
from benchmarks.peers.programs import peer_on_redis
from benchmarks.sink import Sink

HOME = Path(__file__).parent


@contextmanager
def running(folder: Path, sink: Sink, *, workers: int = 2) -> Iterator[Contestant]:
    """Run one worker with this number of processes. Raises Unavailable."""
    python = str(python_environment(HOME))
    with peer_on_redis("celery", HOME, folder, sink) as peer:
        peer.rest_per_message = 1 / 3000
        peer.start_worker([python, "-m", "celery", "-A", "app", "worker", "-c", str(workers), "-l", "WARNING"])
        peer.start_scheduler([python, "schedule.py"])
        yield peer
