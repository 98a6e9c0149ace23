"""Define the Celery tasks of campaigns.

Each is a hint: it may be lost or delivered twice, and PostgreSQL knows what has to be done.
"""

from __future__ import annotations

from celery import shared_task

from campaigns import engaging, launch


@shared_task(name=launch.EXPAND)
def expand(launch_id: int) -> int:
    """Make messages of a launch's audience. Return their number."""
    return launch.expand(launch_id)


@shared_task(name=engaging.ENGAGE)
def engage() -> int:
    """Record what happened between contacts and campaigns. Return the number of events."""
    return engaging.engage()
