"""Define UnsubscribeGroup and Suppression: the addresses that get no more mail, and the reasons."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import Account
from batches.models import Batch
from foundation.clock import Now


class UnsubscribeGroup(models.Model):
    """A kind of mail that recipients can unsubscribe from. A deleted group keeps its row, since mail names it."""

    id = models.AutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=30)
    description = models.CharField(max_length=100)
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "name"], condition=models.Q(deleted_at=None), name="unsubscribe_group_name"
            ),
            models.UniqueConstraint(
                fields=["account"], condition=models.Q(is_default=True, deleted_at=None), name="one_default_group"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class SuppressionKind(models.IntegerChoices):
    """The reason why an address gets no more mail of an account. A block is only reported: mail is still sent."""

    GROUP = 1, "group"
    GLOBAL = 2, "global"
    BOUNCE = 3, "bounce"
    BLOCK = 4, "block"
    INVALID = 5, "invalid"
    SPAM = 6, "spam"


class Suppression(models.Model):
    """An address that an account's mail no longer goes to: none of it, or none of a group."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    email = models.TextField(help_text="In its canonical form (`foundation.addresses.address_key`)")
    kind = models.SmallIntegerField(choices=SuppressionKind.choices)
    group = models.ForeignKey(
        UnsubscribeGroup, on_delete=models.PROTECT, null=True, related_name="suppressions", db_index=False
    )
    reason = models.TextField(blank=True, help_text="The peer's reply")
    status = models.TextField(blank=True, help_text="An enhanced status code, 5.1.1")
    batch = models.ForeignKey(
        Batch,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text="The batch whose mail caused it",
    )
    message_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            # Delivery looks suppressions up by account and address, so the index begins with these.
            models.UniqueConstraint(
                fields=["account", "email", "kind", "group"], nulls_distinct=False, name="suppression_once"
            ),
            models.CheckConstraint(
                condition=models.Q(kind=SuppressionKind.GROUP, group__isnull=False)
                | (~models.Q(kind=SuppressionKind.GROUP) & models.Q(group=None)),
                name="suppression_of_group",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "kind", "-created_at"], name="suppression_list"),
            models.Index(
                fields=["group", "-created_at"], condition=models.Q(group__isnull=False), name="suppression_in_group"
            ),
            models.Index(
                fields=["batch", "kind"], condition=models.Q(batch__isnull=False), name="suppression_of_batch"
            ),
        ]

    def __str__(self) -> str:
        return f"{SuppressionKind(self.kind).label} {self.email}"
