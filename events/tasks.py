"""Define the Celery tasks of webhooks. Each is a hint: it may be lost or delivered twice."""

from __future__ import annotations

import os
from typing import Any, Final

from celery import shared_task
from celery.signals import celeryd_after_setup, worker_shutting_down

from events import QUEUE
from events.webhooks import hints, lanes

NICE: Final = 10
"""The nice value of deliveries: where CPU is short, mail is sent first, and receivers learn of it a little later."""

_is_separate = False
"""Whether this worker has no other queue. One that also sends mail must not become slower."""


@shared_task(name=hints.DELIVER)
def deliver(lane_id: int) -> int:
    """Deliver the events of a lane of an endpoint. Return their number."""
    if _is_separate:
        # In Linux this concerns only the calling thread. The node's loop, which sweeps, keeps its priority.
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
    return lanes.run_lane(lane_id)


@celeryd_after_setup.connect
def note_queues(instance: Any, **_: object) -> None:
    """Note whether this worker only delivers to endpoints."""
    global _is_separate
    _is_separate = set(instance.app.amqp.queues.consume_from) == {QUEUE}


@worker_shutting_down.connect
def end_runs(**_: Any) -> None:
    """Let the runs of this worker begin no further delivery."""
    lanes.is_ending.set()
