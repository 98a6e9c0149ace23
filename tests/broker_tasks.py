"""Define tasks for tests of a worker's connection to the broker (`--include tests.broker_tasks`)."""

from __future__ import annotations

from pathlib import Path

from celery import shared_task

from tests.waiting import wait_until


@shared_task(name="tests.hold")
def hold(started: str, end: str) -> None:
    """Create the file `started`, and return when the file `end` exists."""
    Path(started).touch()
    wait_until(Path(end).exists, seconds=60, why="the end of the task")
