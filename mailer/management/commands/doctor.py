"""Print the problems of an installation, one on each line, and exit 1 if there are any: `manage.py doctor`."""

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

from batches.hints import living_nodes
from batches.sweep import oldest_due_age
from foundation.clock import database_now
from mailer.models import CounterCheck
from mailer.transports.checking import is_safe_address
from mailer.transports.smtp import SmtpAddress, visit
from mailer.transports.smtp.connection import Stage
from mailer.transports.smtp.visiting import Visit

BEAT_SILENCE = dt.timedelta(seconds=30)
LATE = dt.timedelta(seconds=30)
LONGEST_ANSWER_SECONDS = 10.0
"""The longest wait for an answer of the SMTP peer, if SMTP_TIMEOUT_SECONDS is not shorter."""
OFFERS = ("PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "STARTTLS", "AUTH")
"""EHLO keywords that make a difference to delivery."""
HINTS = {
    Stage.CONNECTING: "Check the host and port in SMTP_URL, and that no firewall is in between",
    Stage.GREETING: "Check that the port in SMTP_URL is that of an SMTP server, and that it takes mail from this host",
    Stage.ENCRYPTION: "Check smtp:// or smtps://, starttls, verify and ca in SMTP_URL, and the peer's certificate",
    Stage.LOGIN: "Check the user and password in SMTP_URL",
    Stage.READY: "Look at the log of the peer",
}
"""The advice for an operator when the visit to the SMTP peer fails at a stage."""


class Finding(NamedTuple):
    """A line of the report."""

    is_well: bool
    subject: str
    says: str


class Command(BaseCommand):
    help = "Print the problems of this installation"
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        findings = list(examine())
        for finding in findings:
            mark = self.style.SUCCESS("ok  ") if finding.is_well else self.style.ERROR("BAD ")
            self.stdout.write(f"{mark} {finding.subject:<12} {finding.says}")
        if not all(finding.is_well for finding in findings):
            sys.exit(1)


def examine() -> Iterator[Finding]:
    """Return all findings. Without the database, the checks that need it are left out."""
    yield Finding(
        True, "versions", f"Python {sys.version.split()[0]}, Django {django.__version__}, Celery {celery.__version__}"
    )
    database = _database()
    yield database
    yield _broker()
    if settings.TRANSPORT == "smtp":
        yield from examine_peer()
    if database.is_well:
        examinations: tuple[Callable[[], Finding], ...] = (_migrations, _nodes, _beat, _oldest_due, _counters)
        for examination in examinations:
            try:
                yield examination()
            except DatabaseError as error:
                yield Finding(False, examination.__name__.strip("_"), str(error).splitlines()[0])


def examine_peer() -> Iterator[Finding]:
    """Visit the SMTP peer as the transport would, and send nothing. This takes at most half a minute."""
    if not is_safe_address(settings.SYSTEM_FROM):
        yield Finding(False, "smtp", "SYSTEM_FROM is not an address. Set it to one, such as sluice@example.com")
        return
    timeout_seconds = min(settings.SMTP_TIMEOUT_SECONDS, LONGEST_ANSWER_SECONDS)
    try:
        address = SmtpAddress.parse(settings.SMTP_URL)
        result = visit(address, sender=settings.SYSTEM_FROM, timeout_seconds=timeout_seconds)
    except (ValueError, OSError) as error:
        reason = str(error) if isinstance(error, ValueError) else f"the CA file of SMTP_URL cannot be used: {error}"
        yield Finding(False, "smtp", f"{reason}. Correct SMTP_URL")
        return
    place = result.place or f"{address.host}:{address.port}"
    if result.failure:
        details = f"; {describe_peer(result)}" if result.greeting else ""
        yield Finding(False, "smtp", f"{place}: {result.failure}. {HINTS[result.stage]}{details}")
        return
    yield Finding(True, "smtp", f"{place}: {describe_peer(result)}")
    yield describe_acceptance(result)


def describe_peer(result: Visit) -> str:
    """Return the peer's name, its offers, its encryption and its speed in one line."""
    words = result.greeting.split()
    offers = [f"{name} {result.offers[name]}".strip() for name in OFFERS if name in result.offers]
    missing = [name for name in OFFERS[:4] if name not in result.offers]
    return ", ".join(
        [
            words[1] if len(words) > 1 else "a peer without a name",
            result.tls_version or "not encrypted",
            f"offers {'; '.join(offers) or 'nothing'}",
            *([f"does not offer {'; '.join(missing)}"] if missing else []),
            f"connected in {result.connect_ms:.0f} ms, greeted after {result.greeting_ms:.0f} ms",
            f"slowest answer {result.reply_ms:.0f} ms",
        ]
    )


def describe_acceptance(result: Visit) -> Finding:
    """Say whether the peer takes mail from Sluice's own address, and what to do when it does not."""
    if not result.refusal:
        return Finding(True, "smtp mail", f"the peer takes mail from {settings.SYSTEM_FROM}")
    if result.refusal.startswith("4"):
        hint = "That is temporary: run this again in some minutes, then look at the log of the peer"
    elif result.refusal.startswith("530"):
        hint = "Set the user and password in SMTP_URL, and starttls=always or smtps://"
    else:
        hint = "Set SYSTEM_FROM to an address that the peer lets this host or user send from"
    return Finding(False, "smtp mail", f"mail from {settings.SYSTEM_FROM} is not taken: {result.refusal}. {hint}")


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
    living = list(living_nodes())
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


def _counters() -> Finding:
    last = CounterCheck.objects.filter(day__isnull=False, finished_at__isnull=False).order_by("-day").first()
    if last is None:
        return Finding(True, "counters", "not compared with the stored events yet: that is done every night")
    if last.differences:
        advice = "Run manage.py check_counters for all of them"
        return Finding(False, "counters", f"{last.differences} differ on {last.day}: {last.examples[0]}. {advice}")
    return Finding(True, "counters", f"equal the stored events of {last.day}")
