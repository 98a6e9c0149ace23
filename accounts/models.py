"""Define Account, ApiKey and IdempotencyKey."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar
from zoneinfo import ZoneInfo, available_timezones

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models

from foundation.addresses import LONGEST_EMAIL, is_email
from foundation.clock import Now


def validate_email(text: str) -> None:
    """Raise ValidationError unless mail can be sent to this address."""
    if not is_email(text):
        raise ValidationError("Mail cannot be sent to this address.")


def validate_time_zone(name: str) -> None:
    """Raise ValidationError unless this is the name of a time zone, such as Europe/Berlin."""
    if name not in available_timezones():
        raise ValidationError("There is no time zone with this name.")


class DoubtPolicy(models.IntegerChoices):
    """The policy for a message whose result is not known, such as one that a dead worker had started to send."""

    HOLD = 0, "hold"
    """The message stays in doubt until a person replays or drops it. No recipient gets it twice."""
    RESEND = 1, "resend"
    """The message is sent again with the same Message-ID. Every recipient gets it, some of them perhaps twice."""


class Account(models.Model):
    """A tenant. With a parent it is a subuser: the parent's keys may act for it, and the parent's freeze holds it."""

    username = models.CharField(
        max_length=64, unique=True, validators=[RegexValidator(r"^[A-Za-z0-9][A-Za-z0-9_.@-]*$")]
    )
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="subusers", db_index=True
    )
    frozen_at = models.DateTimeField(
        null=True, blank=True, help_text="While set, no mail of it or its subusers is sent"
    )
    thawed_at = models.DateTimeField(null=True, blank=True)
    doubt_policy = models.SmallIntegerField(
        "mail in doubt",
        choices=DoubtPolicy.choices,
        default=DoubtPolicy.HOLD,
        db_default=DoubtPolicy.HOLD,
        help_text="hold: a person decides. resend: it is sent again with the same Message-ID",
    )
    lateness_limit = models.PositiveIntegerField(
        "lateness limit (seconds)",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Mail that is later than this is held instead of sent. Empty: mail is sent, however late",
    )
    purged_through = models.BigIntegerField(default=0, db_default=0, help_text="Parcels numbered up to this are purged")
    is_purging = models.BooleanField(default=False, db_default=False, help_text="Some of them may still be pending")
    mail_defaults = models.JSONField(
        null=True, editable=False, help_text="How its mail is rendered unless a request says otherwise: `Rendering`"
    )
    time_zone = models.CharField(
        max_length=64,
        default="UTC",
        db_default="UTC",
        validators=[validate_time_zone],
        help_text="The time zone in which its operators enter and read the times of campaigns",
    )
    keeps_reader_addresses = models.BooleanField(
        "addresses of readers are stored",
        default=True,
        db_default=True,
        help_text="The network addresses of people who open its mail or click a link are stored as long as the history",
    )
    email = models.CharField(
        "contact address",
        max_length=LONGEST_EMAIL,
        blank=True,
        default="",
        db_default="",
        validators=[validate_email],
        help_text="Notices about the account are mailed to it. Empty: to its parent, or to the first verified sender",
    )
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.username

    @property
    def zone(self) -> ZoneInfo:
        """Return the time zone in which its operators enter and read the times of campaigns."""
        return ZoneInfo(self.time_zone)


class ApiKey(models.Model):
    """A bearer key `SG.<key_id>.<secret>` of an account. The secret is kept only as a SHA-256 digest."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="keys")
    key_id = models.CharField(max_length=22, unique=True)
    secret_digest = models.BinaryField(max_length=32)
    name = models.CharField(max_length=100)
    scopes = ArrayField(models.CharField(max_length=100))
    created_at = models.DateTimeField(db_default=Now())
    revoked_at = models.DateTimeField(null=True, blank=True)
    found_at: dt.datetime
    """The time of the request that used the key, by the database's clock."""

    class Meta:
        indexes: ClassVar = [models.Index(fields=["account", "created_at"], name="key_by_account")]

    def __str__(self) -> str:
        return f"{self.name} ({self.key_id})"


class IdempotencyKey(models.Model):
    """A request that came with an Idempotency-Key, and its answer (`idempotency.py`)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_index=False)
    digest = models.BinaryField(max_length=32, help_text="SHA-256 of method, path and key")
    body_digest = models.BinaryField(max_length=32, help_text="SHA-256 of the body")
    reserved_at = models.DateTimeField(db_default=Now())
    status = models.SmallIntegerField(
        null=True, help_text="The status of the answer; null while the request is under way"
    )
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "digest"], name="one_request_to_a_key"),
        ]
        indexes: ClassVar = [models.Index(fields=["reserved_at"], name="keys_by_age")]

    def __str__(self) -> str:
        return f"idempotency key {self.pk}"
