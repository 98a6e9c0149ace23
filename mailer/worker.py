"""Run the node's small loop beside the tasks of a Celery worker, and close its connections in order."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from typing import Any

import structlog
from celery.signals import celeryd_after_setup, worker_process_shutdown, worker_ready, worker_shutdown

from mailer.node import GOODBYE

log = structlog.get_logger(__name__)

GOODBYE_SECONDS = 10.0
"""The time that the node's loop has to end its round and to sign off."""
_node_loop: subprocess.Popen[bytes] | None = None


@celeryd_after_setup.connect
def name_node(sender: str, **_: object) -> None:
    """Let the worker processes, which are forked after this, report under the name of their node."""
    from mailer.pipeline import reports

    reports.node_name = sender


@worker_ready.connect
def start_node_loop(sender: Any, **_: object) -> None:
    """Start the loop once the worker takes tasks. `sender` is the consumer; its pool has the processes."""
    global _node_loop
    delivers = {"transactional", "bulk"} & set(sender.app.amqp.queues.consume_from)
    concurrency = sender.controller.concurrency if delivers else 0
    _node_loop = subprocess.Popen(
        [sys.executable, "-m", "mailer.node", "--name", sender.hostname, "--concurrency", str(concurrency)],
        stdin=subprocess.PIPE,
    )


@worker_shutdown.connect
def stop_node_loop(**_: object) -> None:
    """Tell the loop to end by its pipe. It ends after its current round."""
    if _node_loop is not None and _node_loop.stdin is not None:
        with suppress(OSError):
            _node_loop.stdin.write(GOODBYE)
            _node_loop.stdin.close()
        try:
            _node_loop.wait(timeout=GOODBYE_SECONDS)
        except subprocess.TimeoutExpired:
            log.warning("the node's loop has not ended yet, so the node may be reported as silent")


@worker_process_shutdown.connect
def leave(**_: object) -> None:
    """End a worker process in order: close its connections, and delete its row."""
    from mailer.tasks import deliverer

    if deliverer.cache_info().currsize:
        deliverer().close()
