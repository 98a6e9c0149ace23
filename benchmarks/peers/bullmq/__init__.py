"""Run BullMQ with nodemailer: one delayed job in Redis for each message, added in bulk.

It is tuned: 200 jobs at a time and a pool of 20 SMTP connections in each worker process; a finished job is deleted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.contestants import Contestant
from benchmarks.mail import HTML, SENDER, SUBJECT, TEXT
from benchmarks.peers.environments import node_environment
from benchmarks.peers.programs import peer_on_redis
from benchmarks.sink import Sink

HOME = Path(__file__).parent
LETTER = {"from": SENDER, "subject": SUBJECT, "text": TEXT, "html": HTML}


@contextmanager
def running(folder: Path, sink: Sink, *, workers: int = 2) -> Iterator[Contestant]:
    """Run it with this number of worker processes. Raises Unavailable."""
    variables = {"NODE_PATH": str(node_environment(HOME) / "node_modules"), "LETTER": json.dumps(LETTER)}
    with peer_on_redis("bullmq", HOME, folder, sink, **variables) as peer:
        for number in range(workers):
            peer.start_worker(["node", "worker.js"], number=number + 1)
        peer.start_scheduler(["node", "schedule.js"])
        yield peer
