"""Define batches with their parcels, waves and totals, and the receipts of actions."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q

from accounts.models import Account, ApiKey
from batches.states import FINAL_STATES, BatchStatus, Lane, ParcelState
from foundation.clock import Now

FINAL = sorted(FINAL_STATES)
PARCEL_SPAN = 512
"""The number of message ids of a parcel: `message.id = parcel.base * PARCEL_SPAN + n`."""
PARCEL_SIZE = 500
"""The most messages of a parcel."""
LABEL_LENGTH = 120
"""The most characters of a label."""
OF_CALLERS = Q(is_default=False, is_campaign=False)
"""The batches whose ids callers know, and which they can pause, cancel and resume."""


class Batch(models.Model):
    """The handle by which a caller pauses or cancels mail that it scheduled."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="batches")
    public_id = models.CharField(max_length=64, unique=True)
    status = models.SmallIntegerField(choices=BatchStatus.choices, default=BatchStatus.OPEN)
    version = models.BigIntegerField(default=0, help_text="It grows with each change, so that readers notice it")
    is_default = models.BooleanField(
        default=False, help_text="The hidden batch of mail that was sent without a batch id"
    )
    is_campaign = models.BooleanField(
        default=False, db_default=False, help_text="Opened by a campaign's launch, and moved only with its campaign"
    )
    label = models.CharField(
        max_length=LABEL_LENGTH,
        default="",
        db_default="",
        help_text="Its name for people: the title of its campaign, or the first subject of its mail",
    )
    api_key = models.ForeignKey(
        ApiKey,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        db_index=False,
        help_text="The key that made it or launched its campaign; null: an operator, or the account's default batch",
    )
    created_at = models.DateTimeField(db_default=Now())
    stopped_at = models.DateTimeField(null=True, help_text="When it was paused or cancelled")
    resumed_at = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True, help_text="When the pause ends automatically; null: never")
    retention_seconds = models.PositiveIntegerField(
        null=True, help_text="How long after its send_at paused mail is retained; null: RETENTION_SECONDS"
    )

    class Meta:
        verbose_name_plural = "batches"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account"], condition=Q(is_default=True), name="one_default_batch"),
            models.CheckConstraint(
                condition=Q(status=BatchStatus.OPEN, stopped_at=None)
                | (~Q(status=BatchStatus.OPEN) & Q(stopped_at__isnull=False)),
                name="stopped_batch_says_since_when",
            ),
            models.CheckConstraint(
                condition=Q(status=BatchStatus.PAUSED) | Q(paused_until=None), name="only_a_pause_has_an_end"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["account", "stopped_at"], condition=~Q(status=BatchStatus.OPEN), name="stopped_batches"
            ),
            models.Index(fields=["account", "-id"], name="batches_of_account"),
            GinIndex(OpClass("label", name="gin_trgm_ops"), name="batches_by_label"),
            models.Index(fields=["api_key"], condition=Q(api_key__isnull=False), name="batches_of_key"),
            models.Index(fields=["paused_until"], condition=Q(paused_until__isnull=False), name="pauses_that_end"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_hidden(self) -> bool:
        """Return whether callers cannot see this batch (see `OF_CALLERS`)."""
        return self.is_default or self.is_campaign

    @property
    def retention(self) -> dt.timedelta:
        """Return how long after its `send_at` its mail is retained while it is paused, before it expires."""
        seconds = self.retention_seconds
        return dt.timedelta(seconds=settings.RETENTION_SECONDS if seconds is None else seconds)


class Parcel(models.Model):
    """Up to 500 messages of one batch and one `send_at`: the only row that changes on a message's way.

    `members` is a bit mask: bit n is set while this parcel still has to send the message `base * 512 + n` (null: all
    `size` messages). The counters have the outcomes of the others.
    """

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="parcels", db_index=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    lane = models.SmallIntegerField(choices=Lane.choices)
    state = models.SmallIntegerField(choices=ParcelState.choices)
    send_at = models.DateTimeField()
    due_at = models.DateTimeField(help_text="send_at, or the time of the next try")
    base = models.BigIntegerField(help_text="The parcel id from which its messages are numbered")
    members = models.BinaryField(null=True, max_length=PARCEL_SPAN // 8)
    size = models.SmallIntegerField()
    attempts = models.SmallIntegerField(default=0, help_text="Tries that ended in a temporary failure")
    is_remainder = models.BooleanField(
        default=False, help_text="It has only recipients of messages that another parcel counts as sent"
    )

    is_replay = models.BooleanField(
        default=False, db_default=False, help_text="All messages that it still has to send may have been sent before"
    )

    worker_id = models.BigIntegerField(null=True)
    recalled_until = models.DateTimeField(
        null=True, help_text="Before this time no worker claims it or continues with it"
    )
    fence = models.BigIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True)
    slice_no = models.IntegerField(default=0)
    slice_from = models.SmallIntegerField(null=True, help_text="The slice under way: members from n …")
    slice_to = models.SmallIntegerField(null=True, help_text="… to below n; null between slices")

    sent = models.SmallIntegerField(default=0)
    refused = models.SmallIntegerField(default=0)
    dropped = models.SmallIntegerField(default=0)
    stopped = models.SmallIntegerField(default=0)
    in_doubt = models.SmallIntegerField(default=0)
    doubtful = models.BinaryField(
        null=True, max_length=PARCEL_SPAN // 8, help_text="The messages that may have been sent"
    )
    moved = models.SmallIntegerField(default=0, help_text="Messages that were moved to another parcel")
    finalized_at = models.DateTimeField(null=True)
    is_folded = models.BooleanField(default=False, help_text="Counted in its batch's totals")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=(Q(state__in=FINAL, finalized_at__isnull=False) | ~Q(state__in=FINAL))
                & (Q(finalized_at=None) | Q(state__in=FINAL)),
                name="final_parcel_says_when",
            ),
            models.CheckConstraint(
                condition=Q(state=ParcelState.CLAIMED, worker_id__isnull=False)
                | (~Q(state=ParcelState.CLAIMED) & Q(worker_id=None)),
                name="claimed_parcel_has_a_worker",
            ),
            models.CheckConstraint(
                condition=Q(
                    size__gte=F("sent") + F("refused") + F("dropped") + F("stopped") + F("in_doubt") + F("moved")
                ),
                name="parcel_counts_add_up",
            ),
            models.CheckConstraint(
                condition=~Q(state=ParcelState.DONE)
                | Q(size=F("sent") + F("refused") + F("dropped") + F("stopped") + F("in_doubt") + F("moved")),
                name="done_parcel_has_nothing_left",
            ),
            models.CheckConstraint(
                condition=Q(size__gt=0, size__lte=PARCEL_SIZE),
                name="parcel_size",
            ),
        ]
        # Counters, fence and slice are in no index, so that recording a slice stays a HOT update (fillfactor 60).
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=Q(state=ParcelState.SCHEDULED), name="scheduled_parcels"),
            models.Index(fields=["lane", "account", "due_at"], condition=Q(state=ParcelState.DUE), name="due_parcels"),
            models.Index(fields=["batch"], condition=Q(state=ParcelState.CLAIMED), name="claimed_parcels"),
            models.Index(fields=["batch", "send_at"], condition=Q(state=ParcelState.RETAINED), name="retained_parcels"),
            models.Index(fields=["batch", "due_at", "id"], condition=Q(is_folded=False), name="unfolded_parcels"),
            models.Index(fields=["batch"], condition=Q(doubtful__isnull=False), name="doubtful_parcels"),
            models.Index(fields=["account", "id"], condition=Q(in_doubt__gt=0), name="doubts_of_account"),
            models.Index(fields=["account", "id"], condition=Q(state=ParcelState.HELD), name="held_parcels"),
            models.Index(fields=["id"], condition=Q(state__in=FINAL, is_folded=False), name="parcels_to_fold"),
        ]

    def __str__(self) -> str:
        return f"parcel {self.pk}"

    @property
    def pending(self) -> int:
        """Return the messages of the parcel that still wait for an outcome."""
        return self.size - self.sent - self.refused - self.dropped - self.stopped - self.in_doubt - self.moved


class WaveCount(models.Model):
    """The mail of a batch that waits for its first try in one minute, as the sum of the rows of `WaveDelta`."""

    pk = models.CompositePrimaryKey("batch_id", "minute")
    batch_id = models.BigIntegerField()
    minute = models.DateTimeField()
    messages = models.BigIntegerField()
    parcels = models.BigIntegerField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["minute", "batch_id"], name="waves_by_minute"),
            models.Index(fields=["batch_id"], condition=Q(messages=0, parcels=0), name="waves_that_are_over"),
        ]

    def __str__(self) -> str:
        return f"{self.messages} messages of batch {self.batch_id} at {self.minute}"


class WaveDelta(models.Model):
    """A change of a wave that is not added to `WaveCount` yet.

    A trigger of the table of parcels inserts it, in the transaction that lets a parcel begin or stop to wait for its
    first try, so no path of a message can forget to. Nobody updates it, so nobody waits for another.
    """

    batch_id = models.BigIntegerField()
    minute = models.DateTimeField()
    messages = models.IntegerField()
    parcels = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.messages:+} messages of batch {self.batch_id} at {self.minute}"


class BatchTotals(models.Model):
    """The outcomes of a batch's messages in folded parcels. All other parcels are counted when somebody asks."""

    batch = models.OneToOneField(Batch, on_delete=models.CASCADE, primary_key=True, related_name="totals")
    accepted = models.BigIntegerField(default=0)
    sent = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0)
    dropped = models.BigIntegerField(default=0)
    stopped = models.BigIntegerField(default=0)
    in_doubt = models.BigIntegerField(default=0)
    discarded = models.BigIntegerField(default=0)
    expired = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "batch totals"

    def __str__(self) -> str:
        return f"totals of batch {self.batch_id}"


class Receipt(models.Model):
    """The stored answer to a stop or a resume: who, when, why, and how much had been sent before."""

    class Action(models.TextChoices):
        PAUSE = "pause", "pause"
        CANCEL = "cancel", "cancel"
        RESUME = "resume", "resume"
        FREEZE = "freeze", "freeze"
        THAW = "thaw", "thaw"
        PURGE = "purge", "purge"
        RESCHEDULE = "reschedule", "reschedule"
        REPLAY = "replay", "replay"
        DROP = "drop", "drop"

    public_id = models.CharField(max_length=22, unique=True)
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="receipts", null=True, help_text="Null: the whole installation"
    )
    batch = models.ForeignKey(
        Batch, on_delete=models.PROTECT, related_name="receipts", null=True, help_text="Null: the whole account"
    )
    message_id = models.BigIntegerField(null=True, help_text="Null: all messages of the batch or account")
    selection = models.TextField(
        blank=True, default="", db_default="", help_text="The filters of the messages in words; empty without filters"
    )
    action = models.CharField(max_length=10, choices=Action.choices)
    actor = models.CharField(max_length=200, help_text="Who asked: a key or an operator")
    reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    claims = models.JSONField(
        null=True, help_text="[parcel, fence] of the claims for which it still waits; null: not read"
    )
    settled_at = models.DateTimeField(null=True)
    sent = models.BigIntegerField(default=0)
    stopped = models.BigIntegerField(default=0, help_text="Accepted, and not sent unless it is resumed")
    in_flight = models.BigIntegerField(default=0, help_text="Claimed by workers that have not recorded them yet")
    in_doubt = models.BigIntegerField(default=0)
    doubtful_messages = models.JSONField(default=list, help_text="The ids of the messages in doubt")
    ended = models.BigIntegerField(
        default=0, help_text="For a resume: messages that were discarded or expired before it"
    )
    ended_before = models.BigIntegerField(
        default=0, db_default=0, help_text="How many of the stopped messages had ended before"
    )
    affected = models.BigIntegerField(
        default=0, db_default=0, help_text="For a purge, reschedule, replay or drop: the messages that it changed"
    )

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=Q(settled_at=None), name="unsettled_receipts"),
            models.Index(fields=["account", "-id"], name="receipts_of_account"),
            models.Index(fields=["actor", "-id"], name="receipts_of_actor"),
            models.Index(fields=["created_at"], name="receipts_by_time"),
        ]

    def __str__(self) -> str:
        if self.message_id is not None:
            return f"{self.action} of message {self.message_id}"
        if self.selection:
            return f"{self.action} of {self.selection}"
        return f"{self.action} of {self.batch or self.account or 'everything'}"

    @property
    def is_settled(self) -> bool:
        """Return whether no worker has a claim on any of it: after that its counts are exact."""
        return self.settled_at is not None

    @property
    def newly_stopped(self) -> int:
        """Return how many messages the action has stopped, without those that had ended before it."""
        return max(self.stopped - self.ended_before, 0)
