"""Workers, their nodes and reports, the switch of the whole installation, and the marks of the sweeper."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from foundation.clock import Now


class Worker(models.Model):
    """A worker instance: one process that claims, by a random id drawn after fork. Dead ones never come back."""

    id = models.BigIntegerField(primary_key=True)
    node = models.CharField(max_length=200)
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now(), help_text="Its last look at the gate")
    dead_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.node} ({self.pk})"


class Node(models.Model):
    """A machine or container that runs Celery workers: its small loop writes this row every second."""

    name = models.CharField(max_length=200, primary_key=True)
    concurrency = models.SmallIntegerField(help_text="Worker processes that deliver")
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name


class NodeMinute(models.Model):
    """The number of heartbeats that a node wrote in a minute. Rows are kept for an hour."""

    pk = models.CompositePrimaryKey("node", "minute")
    node = models.CharField(max_length=200)
    minute = models.DateTimeField()
    beats = models.SmallIntegerField(default=0)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["minute"], name="node_minutes_by_age")]

    def __str__(self) -> str:
        return f"{self.beats} heartbeats of {self.node} at {self.minute}"


class WorkerReport(models.Model):
    """The last report of a worker process about its connections and its peer.

    A process writes it while it sends mail, about once a second. So the report of an idle process is old, and that of a
    process that died is not deleted at once: readers look at the claims of the process, too.
    """

    worker_id = models.BigIntegerField(primary_key=True)
    node = models.CharField(max_length=200)
    at = models.DateTimeField()
    connections = models.SmallIntegerField(default=0, help_text="Open connections")
    connections_used = models.SmallIntegerField(default=0, help_text="Connections on which a message is under way")
    silent_since = models.DateTimeField(
        null=True, help_text="When it began to wait for the peer, if messages were under way"
    )
    replied_at = models.DateTimeField(null=True, help_text="When the peer last accepted or refused a message")
    reply_p50 = models.FloatField(null=True, help_text="Seconds until the peer's reply, median of the last minute")
    reply_p95 = models.FloatField(null=True, help_text="Seconds until the peer's reply, 95th percentile")
    slow_batches = ArrayField(
        models.BigIntegerField(), default=list, help_text="The ids of the batches that are slow for this process"
    )
    error = models.TextField(blank=True, help_text="The last failure of a connection, without addresses of recipients")
    error_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"report of worker {self.worker_id}"


class Installation(models.Model):
    """The switch that stops all mail, in one row."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    frozen_at = models.DateTimeField(null=True)
    thawed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(id=1), name="one_installation")]

    def __str__(self) -> str:
        return "frozen" if self.frozen_at else "open"


class Mark(models.Model):
    """The progress of a sweeper's duty: `plan` has the latest planned `send_at`, the others their last run."""

    duty = models.CharField(max_length=30, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.duty}: {self.at}"
