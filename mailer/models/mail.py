"""Define Mail and Message.

Messages are range-partitioned by their id (`mailer/partitions.py`), so their table is made by the migration's own SQL
and has no foreign keys: a parcel owns an id range and carries the integrity for it.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import Account
from batches.models import Batch
from content.models import VersionContent
from foundation.clock import Now
from mailer.models.suppressions import UnsubscribeGroup


class Mail(models.Model):
    """The part of a request that its messages share, stored once."""

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
    api_key_id = models.BigIntegerField(
        null=True, help_text="The key with which it was accepted; null: mail of a campaign"
    )
    unsubscribe_group = models.ForeignKey(
        UnsubscribeGroup, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    groups_to_display = ArrayField(models.IntegerField(), default=list, db_default=[], help_text="Empty: all")
    unsubscribe_url = models.TextField(
        blank=True, default="", db_default="", help_text="A link of the caller that replaces ours"
    )
    template = models.ForeignKey(
        VersionContent,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text="The content of the template version from which it is made",
    )
    rendering = models.JSONField(null=True, help_text="The rendering that its request asks for: `Rendering`")
    defaults = models.JSONField(null=True, help_text="The defaults of its account when it was accepted: `Rendering`")
    bypass = models.SmallIntegerField(default=0, db_default=0, help_text="The suppressions that it ignores: `Bypass`")
    send_at = models.DateTimeField(
        null=True, help_text="The time in its request, for messages that have no other time; null: no time"
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["account", "-id"], name="mail_of_account"),
            # This index is for the deletion of contents that no mail refers to. It leaves out mail without a template.
            models.Index(fields=["template"], condition=models.Q(template__isnull=False), name="mail_of_template"),
        ]
        # This is a constraint, since a unique field would get a second index, for LIKE.
        constraints: ClassVar = [models.UniqueConstraint(fields=["public_id"], name="mail_public_id")]

    def __str__(self) -> str:
        return self.public_id


class Message(models.Model):
    """A personalization of a mail: one envelope, one MIME message. Written once, never changed."""

    id = models.BigIntegerField(primary_key=True)
    mail_id = models.BigIntegerField()
    recipient = models.TextField(help_text="The first To address")
    personal = models.JSONField(null=True, help_text="The other values of its personalization; null: none")

    class Meta:
        managed = False

    def __str__(self) -> str:
        return f"message {self.pk}"
