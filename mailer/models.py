"""Mail, Message, Event.

Messages and events are range-partitioned by message id (`mailer/partitions.py`), so their tables are made by the
migration's own SQL and have no foreign keys: a parcel owns an id range and carries the integrity for it.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import Account
from batches.models import Batch
from foundation.clock import Now


class Mail(models.Model):
    """What one request carried once, shared by its messages."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="mails")
    public_id = models.CharField(max_length=22, help_text="The X-Message-Id of the answer")
    sender = models.CharField(max_length=320)
    sender_name = models.TextField(blank=True)
    subject = models.TextField(blank=True)
    reply_to = models.JSONField(default=list, help_text='[["address", "name"], …]')
    content = models.JSONField(help_text='[{"type": …, "value": …}, …]')
    attachments = models.JSONField(default=list, help_text="content is base64")
    headers = models.JSONField(default=dict)
    categories = ArrayField(models.TextField(), default=list)
    custom_args = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes: ClassVar = [models.Index(fields=["account", "-id"], name="mail_of_account")]
        # A constraint, for a unique field would get a second index, for LIKE.
        constraints: ClassVar = [models.UniqueConstraint(fields=["public_id"], name="mail_public_id")]

    def __str__(self) -> str:
        return self.public_id


class Message(models.Model):
    """One personalization of a mail: one envelope, one MIME message. Written once, never changed."""

    id = models.BigIntegerField(primary_key=True)
    mail_id = models.BigIntegerField()
    recipient = models.TextField(help_text="The first To address")
    personal = models.JSONField(null=True, help_text="What else its personalization said; null: nothing")

    class Meta:
        managed = False

    def __str__(self) -> str:
        return f"message {self.pk}"


class EventKind(models.IntegerChoices):
    """What can happen to a message. The first four end its way for the recipients they name."""

    SENT = 1, "sent"
    REFUSED = 2, "refused"
    DROPPED = 3, "dropped"
    STOPPED = 4, "stopped"
    DEFERRED = 5, "deferred"
    IN_DOUBT = 6, "in doubt"


class Event(models.Model):
    """What happened to a message, and when. Insert-only."""

    pk = models.CompositePrimaryKey("message_id", "id")
    message_id = models.BigIntegerField()
    id = models.BigIntegerField()
    kind = models.SmallIntegerField(choices=EventKind.choices)
    at = models.DateTimeField()
    fence = models.BigIntegerField(help_text="The claim under which it happened")
    recipient = models.TextField(null=True, help_text="Null: all its recipients")
    reply = models.TextField(null=True, help_text="What the peer said, or why")

    class Meta:
        managed = False

    def __str__(self) -> str:
        return f"{EventKind(self.kind).label} {self.message_id}"
