"""`manage.py doctor`: says what is wrong with an installation, one line a finding, and exits 1 if anything is."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import celery
import django
import redis
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django_celery_beat.models import PeriodicTask
from kombu import Connection
from kombu.exceptions import OperationalError

from batches.models import Node
from batches.sweep import oldest_due_age
from foundation.clock import database_now

NODE_SILENCE = dt.timedelta(seconds=15)
BEAT_SILENCE = dt.timedelta(seconds=30)
LATE = dt.timedelta(seconds=30)


class Finding(NamedTuple):
    """One line of the report."""

    is_well: bool
    subject: str
    says: str


class Command(BaseCommand):
    help = "Say what is wrong with this installation"
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        findings = list(examine())
        for finding in findings:
            mark = self.style.SUCCESS("ok  ") if finding.is_well else self.style.ERROR("BAD ")
            self.stdout.write(f"{mark} {finding.subject:<12} {finding.says}")
        if not all(finding.is_well for finding in findings):
            sys.exit(1)


def examine() -> Iterator[Finding]:
    """All findings; what needs the database is left out when that cannot be reached."""
    yield Finding(
        True, "versions", f"Python {sys.version.split()[0]}, Django {django.__version__}, Celery {celery.__version__}"
    )
    database = _database()
    yield database
    yield _broker()
    if database.is_well:
        examinations: tuple[Callable[[], Finding], ...] = (_migrations, _nodes, _beat, _oldest_due)
        for examination in examinations:
            try:
                yield examination()
            except DatabaseError as error:
                yield Finding(False, examination.__name__.strip("_"), str(error).splitlines()[0])


def _database() -> Finding:
    try:
        with connection.cursor() as cursor:
            cursor.execute("show server_version")
            row = cursor.fetchone()
    except DatabaseError as error:
        return Finding(False, "database", f"cannot be reached: {str(error).splitlines()[0]}. Look at DATABASE_URL")
    return Finding(True, "database", f"PostgreSQL {row[0] if row else '?'}")


def _broker() -> Finding:
    try:
        with Connection(settings.REDIS_URL, transport_options=settings.CELERY_BROKER_TRANSPORT_OPTIONS) as broker:
            channel: Any = broker.default_channel
            version = channel.client.info("server")["redis_version"]
    except (redis.RedisError, OperationalError, OSError) as error:
        return Finding(False, "redis", f"cannot be reached: {type(error).__name__}. Look at REDIS_URL")
    return Finding(True, "redis", f"speaks Redis {version}")


def _migrations() -> Finding:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        return Finding(False, "migrations", f"{len(missing)} are not applied. Run: manage.py migrate")
    return Finding(True, "migrations", "all applied")


def _nodes() -> Finding:
    now = database_now()
    living = [node for node in Node.objects.all() if now - node.seen_at < NODE_SILENCE]
    delivering = sum(node.concurrency for node in living)
    if not delivering:
        return Finding(False, "workers", "none that delivers is alive. Start: celery -A config worker")
    return Finding(True, "workers", f"{delivering} processes deliver, on {', '.join(sorted(n.name for n in living))}")


def _beat() -> Finding:
    last = PeriodicTask.objects.filter(name="sweep", enabled=True).values_list("last_run_at", flat=True).first()
    if last is None:
        return Finding(False, "beat", "has never run the sweep. Start: celery -A config beat")
    age = database_now() - last
    return Finding(age < BEAT_SILENCE, "beat", f"last ran the sweep {age.total_seconds():.0f} s ago")


def _oldest_due() -> Finding:
    age = oldest_due_age()
    if age is None:
        return Finding(True, "due mail", "none is waiting")
    return Finding(age < LATE, "due mail", f"the oldest has been waiting for {age.total_seconds():.1f} s")
