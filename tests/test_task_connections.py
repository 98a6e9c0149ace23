"""The tasks of a worker process share a connection to PostgreSQL."""

from __future__ import annotations

import psycopg
from celery.fixups.django import DjangoWorkerFixup
from celery.signals import task_prerun
from django.db import connection

from config.celery import app
from mailer.pipeline.deliver import Deliverer
from mailer.tasks import deliver
from tests.database import database_url


def backend_of_task() -> int:
    """Return the PostgreSQL process that a task talks to, as a worker runs it."""
    fixup = DjangoWorkerFixup(app)
    fixup.on_task_prerun(deliver)
    task_prerun.send(sender=deliver)
    with connection.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        (backend,) = cursor.fetchone()
    fixup.on_task_postrun(deliver)
    return int(backend)


def test_a_task_has_the_connection_of_the_one_before_unless_that_was_closed(database: None) -> None:
    first = backend_of_task()
    assert backend_of_task() == first
    with psycopg.connect(database_url()) as other:
        other.execute("select pg_terminate_backend(%s, 5000)", [first])
    second = backend_of_task()
    assert second != first
    assert backend_of_task() == second


def test_an_idle_connection_does_not_listen_to_stops(deliverer: Deliverer) -> None:
    deliverer.deliver_due(seconds=1)
    with connection.cursor() as cursor:
        cursor.execute("select pg_listening_channels()")
        assert cursor.fetchall() == []
    assert connection.connection is not None
    assert not connection.connection._notify_handlers
