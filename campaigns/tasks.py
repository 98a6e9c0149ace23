"""Define the Celery tasks of campaigns.

Each is a hint: it may be lost or delivered twice, and PostgreSQL knows what has to be done.
"""

from __future__ import annotations

from celery import shared_task

from campaigns import launch


@shared_task(name=launch.EXPAND)
def expand(launch_id: int) -> int:
    """Make messages of a launch's audience. Return their number."""
    return launch.expand(launch_id)
