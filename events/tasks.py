"""Define the Celery tasks of webhooks. Each is a hint: it may be lost or delivered twice."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.signals import worker_shutting_down

from events.webhooks import hints, lanes


@shared_task(name=hints.DELIVER)
def deliver(lane_id: int) -> int:
    """Deliver what a lane of an endpoint has to deliver. Return the number of events."""
    return lanes.run_lane(lane_id)


@worker_shutting_down.connect
def end_runs(**_: Any) -> None:
    """Let the runs of this worker begin no further delivery."""
    lanes.is_ending.set()
