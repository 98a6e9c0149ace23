"""Run the small loop of a worker node: `python -m mailer.node`, a child of the Celery worker.

Every second it writes the node's heartbeat and sweeps, so that the installation heals itself even if beat is down.
While no token reaches the workers, because the broker is away or they have not reconnected to it, the loop delivers
mail itself, with the same code but more slowly.

It is a separate process because a prefork worker must not run threads, and it ends when its parent does: its standard
input is a pipe that only the parent holds open. A parent that is stopped on purpose writes `GOODBYE` first. Then the
node deletes its row, so that it is not reported as a node that has died.
"""

from __future__ import annotations

import argparse
import os
import select
import sys
import time

import structlog

GOODBYE = b"goodbye"
"""The parent writes this when it is stopped on purpose."""

log = structlog.get_logger(__name__)


def main() -> None:
    """Loop until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--concurrency", type=int, required=True, help="worker processes of this node that deliver")
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    run(arguments.name, arguments.concurrency)


def run(name: str, concurrency: int) -> None:
    """Do round after round, `SWEEP_INTERVAL_SECONDS` apart."""
    from django.conf import settings
    from django.db import connection

    from mailer.pipeline import reports

    reports.node_name = name
    while True:
        started = time.monotonic()
        do_round(name, concurrency)
        connection.close_if_unusable_or_obsolete()
        last_words = _wait_for_parent(max(0.05, settings.SWEEP_INTERVAL_SECONDS - (time.monotonic() - started)))
        if last_words is not None:
            if last_words == GOODBYE:
                leave(name)
            return


def do_round(name: str, concurrency: int) -> None:
    """Write the heartbeat, sweep, and deliver if nobody else can.

    A database that is away is tried again at the next round.
    """
    from django.conf import settings
    from django.db import DatabaseError, connection

    from batches.hints import is_broker_away
    from batches.sweep import is_stalled
    from foundation.traces import describe_database_error
    from mailer.sweep import sweep_in_turn
    from mailer.tasks import deliverer

    try:
        _beat(name, concurrency)
        sweep_in_turn()
        if concurrency and (is_broker_away() or is_stalled()):
            deliverer().deliver_due(seconds=settings.SWEEP_INTERVAL_SECONDS)
    except DatabaseError as error:
        log.warning("database unavailable; the next round tries again", error=describe_database_error(error))
        connection.close()


def _beat(name: str, concurrency: int) -> None:
    from django.db import connection

    from batches import queries

    with connection.cursor() as cursor:
        cursor.execute(queries.BEAT, {"name": name, "concurrency": concurrency})


def leave(name: str) -> None:
    """Delete the node's row. A database that is away keeps it, and the node is reported as silent."""
    from django.db import DatabaseError

    from batches.models import Node
    from foundation.traces import describe_database_error

    try:
        Node.objects.filter(name=name).delete()
    except DatabaseError as error:
        log.warning("the row of the node was not deleted: database unavailable", error=describe_database_error(error))


def _wait_for_parent(seconds: float) -> bytes | None:
    """Wait for the next round. Return what the parent has written before it ended, or None while it lives."""
    readable, _, _ = select.select([sys.stdin], [], [], seconds)
    return os.read(sys.stdin.fileno(), len(GOODBYE)) if readable else None


if __name__ == "__main__":
    main()
