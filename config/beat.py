"""Run django-celery-beat's scheduler so that it survives a database that is away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from django.db import DatabaseError, InterfaceError, connection
from django_celery_beat.schedulers import DatabaseScheduler

from foundation.traces import describe_database_error

log = structlog.get_logger(__name__)

PAUSE_SECONDS = 1.0


class PatientScheduler(DatabaseScheduler):  # type: ignore[misc]  # the package is not typed
    """Wait for the database where the original scheduler ends the process.

    The original does so at its start, and when it reads a schedule that has changed. Celery's handler of SIGTERM calls
    `close`, whatever the main thread is doing. In the middle of a statement it would wait for ever for the connection's
    lock, which the same thread holds.
    """

    _is_at_work = False
    _is_interrupted = False

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        before, self._is_at_work = self._is_at_work, True
        try:
            yield
        finally:
            self._is_at_work = before

    def close(self) -> None:
        """Store the last runs and close the connections, unless this interrupts work. Then beat calls it again."""
        if self._is_at_work:
            self._is_interrupted = True
            return
        if self._is_interrupted:
            # The interrupted statement may still be running.
            connection.close()
        super().close()

    def sync(self) -> None:
        """Store the last runs."""
        with self._at_work():
            super().sync()

    def setup_schedule(self) -> None:
        """Read the schedule as soon as the database responds."""
        while not is_there():
            time.sleep(PAUSE_SECONDS)
        super().setup_schedule()

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Publish the tasks that are due. Return the seconds until the next check."""
        try:
            with self._at_work():
                return float(super().tick(*args, **kwargs))
        except (DatabaseError, InterfaceError) as error:
            note_absence(error)
            return PAUSE_SECONDS


def is_there() -> bool:
    """Return whether the database accepts a connection."""
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        note_absence(error)
        return False
    return True


def note_absence(error: DatabaseError | InterfaceError) -> None:
    """Log the error and drop the connection, so that the next statement opens another one."""
    log.warning("database unavailable; beat waits for it", error=describe_database_error(error))
    connection.close()
