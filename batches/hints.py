"""Celery messages: each says that something may be worth doing now. PostgreSQL knows whether it is.

A hint may be lost, doubled, early or late, so publishing one never fails its caller: when the broker is away it is
skipped, for a few seconds without even trying, and the sweeper finds the work by itself.
"""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import structlog
from celery import current_app
from django.db import connection
from django.db.models import QuerySet, Sum
from kombu.exceptions import OperationalError
from redis import RedisError

from batches import queries
from batches.models import Node
from batches.states import Lane
from foundation.clock import Now

log = structlog.get_logger(__name__)

FIRE_WAVE = "batches.tasks.fire_wave"
ADMIT_BATCH = "batches.tasks.admit_batch"
DELIVER = "mailer.tasks.deliver"

BROKER_PAUSE_SECONDS = 5.0
TOKEN_LIFE_SECONDS = 30
NODE_SILENCE = dt.timedelta(seconds=15)
"""A node that wrote no heartbeat for this long does not count as alive."""
BROKER_ERRORS = (OperationalError, RedisError, OSError)
_broker_is_away_until = 0.0


def hint_wave(batch_id: int, due_at: dt.datetime) -> bool:
    """Publish the ETA task that fires this wave at `due_at`; return False if the broker could not take it."""
    return publish(FIRE_WAVE, [batch_id, due_at.isoformat()], queue="eta", eta=due_at)


def hint_admission(batch_id: int) -> None:
    """Hint that the gate of this batch has changed, and that its parcels may be waiting for a new verdict."""
    publish(ADMIT_BATCH, [batch_id], queue="eta")


def hint_due(lane: Lane, parcels: int) -> None:
    """Publish tokens that say that there is work in this lane.

    There are never more than the fleet can use at once, those that wait included. Whoever takes one of those sees this
    work, too, since it is committed.
    """
    for _ in range(min(parcels, fleet_size() - tokens_waiting(lane))):
        publish(DELIVER, [], queue=lane.label, expires=TOKEN_LIFE_SECONDS)


def tokens_waiting(lane: Lane) -> int:
    """Tokens that no worker has taken yet; 0 when the broker does not answer."""
    if is_broker_away():
        return 0
    try:
        with current_app.producer_or_acquire() as producer:
            client: Any = producer.channel.client
            return int(client.llen(lane.label))
    except BROKER_ERRORS as error:
        _note_broker_away("tokens_waiting", error)
        return 0


def living_nodes() -> QuerySet[Node]:
    """Return the nodes that wrote their heartbeat within `NODE_SILENCE`."""
    return Node.objects.filter(seen_at__gt=Now() - NODE_SILENCE)


def fleet_size() -> int:
    """Return the worker processes on nodes that are alive; at least one, since a node may be just starting."""
    return living_nodes().aggregate(total=Sum("concurrency"))["total"] or 1


def count_idle() -> int:
    """Return how many worker processes have nothing to do and nothing to claim. Whoever asks has a claim."""
    with connection.cursor() as cursor:
        cursor.execute(queries.COUNT_IDLE, {"silence": NODE_SILENCE.total_seconds()})
        row = cursor.fetchone()
    assert row is not None
    return max(0, int(row[0]))


def is_broker_away() -> bool:
    """Return whether the last attempts to publish failed; true for `BROKER_PAUSE_SECONDS` after each."""
    return time.monotonic() < _broker_is_away_until


def publish(
    task: str,
    args: list[object],
    *,
    queue: str,
    eta: dt.datetime | None = None,
    expires: float | None = None,
) -> bool:
    """Send one hint; False when the broker could not take it."""
    if is_broker_away():
        return False
    try:
        current_app.send_task(task, args, queue=queue, eta=eta, expires=expires, retry=False)
    except BROKER_ERRORS as error:
        _note_broker_away(task, error)
        return False
    return True


def _note_broker_away(what: str, error: Exception) -> None:
    global _broker_is_away_until
    _broker_is_away_until = time.monotonic() + BROKER_PAUSE_SECONDS
    log.warning("hint not published", task=what, error=type(error).__name__)
