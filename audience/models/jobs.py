"""Define jobs with their turns, chunks and rejected rows."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import Q

from accounts.models import Account
from foundation.clock import Now


class JobKind(models.TextChoices):
    """The kind of work that a job does."""

    UPSERT = "upsert", "upsert"
    IMPORT = "import", "import"
    DELETE = "delete", "delete"
    EXPORT = "export", "export"
    EVENTS = "events", "export of events"


class JobStatus(models.TextChoices):
    """The status of a job. All but the first are final."""

    PENDING = "pending", "pending"
    COMPLETED = "completed", "completed"
    """Every row was processed."""
    ERRORED = "errored", "errored"
    """Some rows were rejected."""
    FAILED = "failed", "failed"
    """The job rejected all rows, or could not be done at all."""


class Job(models.Model):
    """Work on an audience that no caller waits for. Each page is stored with `cursor` in one transaction."""

    uuid = models.UUIDField(db_default=RandomUUID())
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=6, choices=JobKind.choices)
    status = models.CharField(max_length=9, choices=JobStatus.choices, default=JobStatus.PENDING)
    options = models.JSONField(default=dict, help_text="The parameters of the job: lists, mappings, the type of a file")
    requested_count = models.BigIntegerField(default=0)
    created_count = models.BigIntegerField(default=0)
    updated_count = models.BigIntegerField(default=0)
    deleted_count = models.BigIntegerField(default=0)
    errored_count = models.BigIntegerField(default=0)
    cursor = models.BigIntegerField(default=0, help_text="Where to continue; everything before it is done")
    bytes = models.BigIntegerField(default=0, db_default=0, help_text="The size of its uploaded file, as stored")
    row = models.BigIntegerField(default=0, help_text="Rows of the file before the cursor; for an export, its chunks")
    message = models.TextField(default="", help_text="The reason for the failure")
    leased_until = models.DateTimeField(
        null=True, help_text="The end of its lease; if it has passed, the job was left behind"
    )
    created_at = models.DateTimeField(db_default=Now())
    uploaded_at = models.DateTimeField(null=True, help_text="When its input was complete; null while it waits")
    started_at = models.DateTimeField(null=True)
    turn_at = models.DateTimeField(null=True, help_text="When it was last taken")
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True, help_text="When it is deleted, with its chunks and rejected rows")

    class Meta:
        db_table = "campaigns_job"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["uuid"], name="job_uuid"),
            models.CheckConstraint(
                condition=Q(status=JobStatus.PENDING, finished_at=None)
                | (~Q(status=JobStatus.PENDING) & Q(finished_at__isnull=False)),
                name="finished_job_says_when",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "-id"], name="jobs_of_account"),
            models.Index(fields=["id"], condition=Q(status=JobStatus.PENDING), name="pending_jobs"),
            models.Index(fields=["finished_at"], condition=Q(status=JobStatus.FAILED), name="failed_jobs"),
            models.Index(fields=["expires_at"], condition=Q(expires_at__isnull=False), name="expiring_jobs"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.uuid}"


class JobTurn(models.Model):
    """The last time that a job of an account was taken.

    The row is locked by the transaction that takes or creates a job of the account, so that its running and waiting
    jobs can be counted.
    """

    account = models.OneToOneField(Account, on_delete=models.CASCADE, primary_key=True, related_name="+")
    at = models.DateTimeField(null=True)

    class Meta:
        db_table = "campaigns_jobturn"

    def __str__(self) -> str:
        return f"turn of {self.account_id}"


class JobChunk(models.Model):
    """A numbered piece of the bytes that a job reads or has written, so that any node can continue the job."""

    pk = models.CompositePrimaryKey("job_id", "number")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    number = models.IntegerField()
    data = models.BinaryField()

    class Meta:
        db_table = "campaigns_jobchunk"

    def __str__(self) -> str:
        return f"chunk {self.number} of job {self.job_id}"


class RejectedRow(models.Model):
    """A row that a job rejected, and the reason."""

    pk = models.CompositePrimaryKey("job_id", "number")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="rejected_rows", db_index=False)
    number = models.BigIntegerField(help_text="The number of the row, from 1")
    text = models.TextField()
    reason = models.TextField()

    class Meta:
        db_table = "campaigns_rejectedrow"

    def __str__(self) -> str:
        return f"row {self.number}: {self.reason}"
