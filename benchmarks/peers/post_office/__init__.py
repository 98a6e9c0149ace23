"""Run django-post-office: mail is queued in PostgreSQL with `scheduled_time`, and sent by `send_queued_mail`.

It is tuned: two processes of four threads, batches of 2,000, no logs (its defaults are half as fast). The command is
started exactly at the time; from cron, as its users do, it would start up to a minute later.
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
    """Run the peer without workers: its scheduler starts the command with this number of processes.

    Raises Unavailable.
    """
    python = str(python_environment(HOME))
    with peer_on_postgresql("post-office", HOME, folder, sink) as peer:
        peer.prepare([python, "manage.py", "migrate", "--verbosity", "0"])
        peer.start_scheduler([python, "schedule.py", str(workers)])
        yield peer
