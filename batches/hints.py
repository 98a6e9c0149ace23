"""Publish hints: Celery messages that say that there may be work now. PostgreSQL knows whether there is.

A hint may be lost, repeated, early or late, so an error while publishing never reaches the caller. When the broker is
away, hints are skipped, for some seconds without even a try, and the sweeper finds the work.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

import structlog
from celery import current_app
from django.conf import settings
from django.db import connection
from django.db.models import QuerySet, Sum
from kombu.exceptions import OperationalError
from redis import RedisError

from batches import queries
from batches.models import Node
from batches.states import Lane
from foundation.clock import Now
from foundation.traces import trace_of

log = structlog.get_logger(__name__)

FIRE_WAVE = "batches.tasks.fire_wave"
ADMIT_BATCH = "batches.tasks.admit_batch"
DELIVER = "mailer.tasks.deliver"

SLACK = dt.timedelta(seconds=15)
"""Waves are hinted this far beyond the horizon of the planner, so that a wave with a slow commit is not missed by both
the code that makes it and the planner. A wave that is hinted twice is harmless."""
BROKER_PAUSE_SECONDS = 5.0
TOKEN_LIFE_SECONDS = 30
NODE_SILENCE = dt.timedelta(seconds=15)
"""A node that wrote no heartbeat for this long does not count as alive."""
BROKER_ERRORS = (OperationalError, RedisError, OSError)
_broker_is_away_until = 0.0


def hint_wave(batch_id: int, due_at: dt.datetime) -> bool:
    """Publish the ETA task that fires this wave at `due_at`; return False if the broker could not take it."""
    return publish(FIRE_WAVE, [batch_id, due_at.isoformat()], queue="eta", eta=due_at)


def hint_near_wave(batch_id: int, due_at: dt.datetime, *, now: dt.datetime) -> bool:
    """Publish the ETA task of a wave that was just made, unless the planner will do it.

    Return False if it was not published.
    """
    return is_near(due_at, now=now) and hint_wave(batch_id, due_at)


def is_near(due_at: dt.datetime, *, now: dt.datetime) -> bool:
    """Return whether the planner may already have passed this time. Then a new wave is hinted at once."""
    return due_at <= now + horizon() + SLACK


def horizon() -> dt.timedelta:
    """Return how far ahead the planner publishes the ETA tasks of waves."""
    return dt.timedelta(seconds=settings.PLAN_HORIZON_SECONDS)


def hint_admission(batch_id: int) -> None:
    """Hint that the gate of this batch has changed, and that its parcels may be waiting for a new verdict."""
    publish(ADMIT_BATCH, [batch_id], queue="eta")


def hint_due(lane: Lane, parcels: int) -> None:
    """Publish tokens that say that there is work in this lane.

    Together with the tokens that wait already, there are never more than the fleet can use at once. A worker that takes
    a waiting token sees this work, too, since it is committed.
    """
    for _ in range(min(parcels, fleet_size() - tokens_waiting(lane))):
        publish(DELIVER, [], queue=lane.label, expires=TOKEN_LIFE_SECONDS)


def tokens_waiting(lane: Lane) -> int:
    """Return the tokens that no worker has taken yet; 0 when the broker does not answer."""
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
    """Return how many worker processes have nothing to do and nothing to claim. The caller has a claim."""
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
    """Send one hint. Return False if the broker could not take it."""
    if is_broker_away():
        return False
    try:
        current_app.send_task(task, args, queue=queue, eta=eta, expires=expires, retry=False)
    except BROKER_ERRORS as error:
        _note_broker_away(task, error)
        return False
    return True


def _note_broker_away(task: str, error: Exception) -> None:
    global _broker_is_away_until
    _broker_is_away_until = time.monotonic() + BROKER_PAUSE_SECONDS
    log.warning("hint not published", task=task, error=type(error).__name__)


PACE_SECONDS = 0.02
REMEMBERED_WAVES = 10_000
SOON = dt.timedelta(seconds=2)
"""A wave this near may fire before a slow commit of its mail: it is hinted for each mail."""

WaveKey = tuple[int, dt.datetime]
"""The key of a wave: the id of its batch, and the due_at of its parcels."""


class Hinter:
    """Collect hints, and publish them in a thread that starts with the first hint, and therefore after the fork."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._due: Counter[Lane] = Counter()
        self._waves: set[WaveKey] = set()
        self._planned: set[WaveKey] = set()
        self._thread: threading.Thread | None = None

    def note(self, due: Counter[Lane], waves: Iterable[WaveKey], *, now: dt.datetime) -> None:
        """Take hints that are published at once: the number of due parcels by lane, and the waves to be planned."""
        with self._condition:
            self._due += due
            # A wave that this process has planned covers all mail that is committed before the time of the wave.
            self._waves.update(wave for wave in waves if wave not in self._planned or wave[1] < now + SOON)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="hinter", daemon=True)
                self._thread.start()
            self._condition.notify()

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._due or self._waves)
                due, self._due = self._due, Counter()
                waves, self._waves = self._waves, set()
            try:
                self._publish(due, waves)
            except Exception as error:
                # No error may end the thread. The sweeper finds the work whose hints were not published.
                log.error("hints not published", error=trace_of(error))
                connection.close()
            time.sleep(PACE_SECONDS)

    def _publish(self, due: Counter[Lane], waves: set[WaveKey]) -> None:
        connection.close_if_unusable_or_obsolete()
        for lane, parcels in due.items():
            hint_due(lane, parcels)
        planned = {wave for wave in waves if hint_wave(*wave)}
        with self._condition:
            if len(self._planned) > REMEMBERED_WAVES:
                self._planned.clear()
            self._planned |= planned


class Direct:
    """Publish at once, in the process that accepts, so that workers, commands and tests need no thread."""

    def note(self, due: Counter[Lane], waves: Iterable[WaveKey], *, now: dt.datetime) -> None:
        for lane, parcels in due.items():
            hint_due(lane, parcels)
        for wave in waves:
            hint_wave(*wave)


hinter: Hinter | Direct = Direct()


def use_thread() -> None:
    """Let this process, and those it forks, publish in a separate thread after this."""
    global hinter
    hinter = Hinter()


def leave_hints(due: Counter[Lane], waves: Iterable[WaveKey], *, now: dt.datetime) -> None:
    """Note the hints of mail that was accepted at the moment `now`, after its commit. The planner hints far waves."""
    near = {wave for wave in waves if is_near(wave[1], now=now)}
    if due or near:
        hinter.note(due, near, now=now)
