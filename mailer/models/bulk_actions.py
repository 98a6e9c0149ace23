"""Define BulkAction."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import Account
from batches.models import Batch, Receipt
from foundation.clock import Now


class BulkAction(models.Model):
    """An action on all messages that filters select, carried out in steps (`mailer/bulk/`)."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, related_name="+", db_index=False, help_text="Null: all accounts"
    )
    batch = models.ForeignKey(
        Batch, on_delete=models.PROTECT, null=True, related_name="+", db_index=False, help_text="Null: all batches"
    )
    filters = models.JSONField(help_text="The other filters, as parameters of the list's address")
    action = models.CharField(max_length=10, choices=Receipt.Action.choices)
    send_at = models.DateTimeField(null=True, help_text="The new time of a reschedule")
    actor = models.CharField(max_length=200, help_text="The operator who confirmed it")
    reason = models.CharField(max_length=500, blank=True)
    expected = models.BigIntegerField(help_text="How many messages matched when it was confirmed")
    is_exact = models.BooleanField(help_text="False: there were more messages")
    created_at = models.DateTimeField(db_default=Now())
    before = models.BigIntegerField(help_text="Messages with lower ids were not looked at yet")
    leased_until = models.DateTimeField(null=True, help_text="Until this time a process works on it")
    finished_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=200, blank=True, help_text="Who ended it early")
    affected = models.BigIntegerField(default=0, help_text="The number of messages that it changed")
    in_doubt = models.BigIntegerField(
        default=0, help_text="The number of messages that it stopped, but that may have been sent before"
    )
    not_changed = models.BigIntegerField(default=0, help_text="The number of messages that it could not change")
    receipts = models.JSONField(default=dict, help_text="The id of its receipt for each account, by the account's id")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=models.Q(finished_at=None), name="unfinished_bulk_actions"),
        ]

    def __str__(self) -> str:
        return f"{self.action} of many messages"
