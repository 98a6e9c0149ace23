"""Define the log of events, and the endpoints to which events are delivered."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts.models import Account
from events.webhooks.urls import hide_login
from foundation.clock import Now

ALL_KINDS = -1
"""The mask of all kinds of events, those of later versions included."""


class LogEntry(models.Model):
    """A place in the log: events that one transaction has written to parcels of an account. Insert-only.

    The n-th parcel has the events with the n-th fence and with this time.
    """

    place = models.BigAutoField(primary_key=True)
    account_id = models.BigIntegerField()
    at = models.DateTimeField(help_text="When the events happened")
    is_late = models.BooleanField(default=False, help_text="The n-th fence is the id of a late event")
    bases = ArrayField(models.BigIntegerField())
    fences = ArrayField(models.BigIntegerField())

    class Meta:
        indexes: ClassVar = [models.Index(fields=["account_id", "place"], name="log_of_account")]

    def __str__(self) -> str:
        return f"place {self.place}"


class Dialect(models.TextChoices):
    """The form in which an endpoint gets events."""

    SENDGRID = "sendgrid", "SendGrid"
    """The event webhook of SendGrid, signed with ECDSA."""
    NATIVE = "native", "native"
    """The native events, signed with HMAC as Standard Webhooks describes."""


class Endpoint(models.Model):
    """A URL that gets the events of an account. Its four lanes remember their positions in the log.

    Secrets are stored encrypted (`webhooks/secrets.py`). While all attempts fail, `retry_at` holds all lanes back.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_index=False)
    public_id = models.UUIDField(default=uuid.uuid4)
    dialect = models.CharField(max_length=10, choices=Dialect.choices)
    url = models.TextField()
    friendly_name = models.TextField(blank=True, default="")
    kinds = models.BigIntegerField(
        default=ALL_KINDS, help_text="The mask of the kinds of events that it gets (`webhooks/kinds.py`)"
    )
    gets_own_events = models.BooleanField(
        default=False, help_text="In SendGrid's dialect: whether it also gets the events that SendGrid does not have"
    )
    is_enabled = models.BooleanField(default=True)
    private_key = models.BinaryField(null=True, help_text="Encrypted: the key for ECDSA; null: bodies are not signed")
    public_key = models.TextField(blank=True, default="", help_text="The public key for ECDSA, in Base64")
    secret = models.BinaryField(null=True, help_text="Encrypted: the secret for HMAC")
    previous_secret = models.BinaryField(
        null=True, help_text="Encrypted: the secret before it, which also signs until it expires"
    )
    previous_expires_at = models.DateTimeField(null=True)
    oauth_client_id = models.TextField(blank=True, default="")
    oauth_client_secret = models.BinaryField(null=True, help_text="Encrypted")
    oauth_token_url = models.TextField(blank=True, default="")
    failing_since = models.DateTimeField(null=True, help_text="No attempt has succeeded since this time")
    failures = models.IntegerField(default=0, help_text="The number of failed attempts since that time")
    retry_at = models.DateTimeField(null=True, help_text="No lane makes an attempt before this time")
    disabled_at = models.DateTimeField(null=True)
    disabled_reason = models.TextField(blank=True, default="", help_text="Why Sluice has disabled it")
    notified_at = models.DateTimeField(
        null=True, help_text="When its owner was last mailed that Sluice has disabled it"
    )
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["public_id"], name="endpoint_public_id")]
        indexes: ClassVar = [
            models.Index(fields=["account", "id"], name="endpoint_of_account"),
            models.Index(fields=["failing_since"], condition=Q(failing_since__isnull=False), name="failing_endpoints"),
            models.Index(fields=["disabled_at"], condition=Q(disabled_at__isnull=False), name="disabled_endpoints"),
        ]

    def __str__(self) -> str:
        return self.friendly_name or self.shown_url

    @property
    def shown_url(self) -> str:
        """Return its URL without user name and password."""
        return hide_login(self.url)

    def valid_previous_secret(self, timestamp: int) -> bytes | memoryview[int] | None:
        """Return the stored previous secret for HMAC, if it is valid at a time in seconds since 1970."""
        expires_at = self.previous_expires_at
        return self.previous_secret if expires_at is not None and timestamp < expires_at.timestamp() else None


class Lane(models.Model):
    """A reader of the log for an endpoint: of the parcels whose base is its number, modulo the number of lanes.

    All events up to `place` are delivered, apart from those at `place` from number `offset` on. One process at a time
    has the lease of a lane, and only that process writes to it.
    """

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="lanes", db_index=False)
    number = models.SmallIntegerField()
    place = models.BigIntegerField()
    offset = models.IntegerField(null=True, help_text="How many events at the place are delivered; null: all")
    failing_since = models.DateTimeField(null=True, help_text="The first failed attempt of its pending delivery")
    next_at = models.DateTimeField(null=True, help_text="It makes no attempt before this time")
    lease = models.UUIDField(null=True, help_text="Names the process that works on it")
    leased_until = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["endpoint", "number"], name="lane_of_endpoint")]
        indexes: ClassVar = [
            models.Index(fields=["failing_since"], condition=Q(failing_since__isnull=False), name="failing_lanes"),
        ]

    def __str__(self) -> str:
        return f"lane {self.number} of endpoint {self.endpoint_id}"


class DeliveryState(models.IntegerChoices):
    """The state of a delivery."""

    PENDING = 1, "pending"
    """No attempt was answered with a 2xx yet. A lane has at most one such delivery, and waits for its end."""
    DELIVERED = 2, "delivered"


class Delivery(models.Model):
    """A body of events for an endpoint, fixed before its first attempt: a range of the log and the kinds in it.

    Its bytes are made from the range, which never changes. They are stored only after an attempt has failed.
    """

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    lane_number = models.SmallIntegerField()
    public_id = models.UUIDField(default=uuid.uuid4, help_text="The same in every attempt: the webhook-id")
    state = models.SmallIntegerField(choices=DeliveryState.choices, default=DeliveryState.PENDING)
    after_place = models.BigIntegerField(help_text="The range begins behind this place of the log")
    after_offset = models.IntegerField(null=True, help_text="As `offset` of a lane")
    place = models.BigIntegerField(help_text="The range ends with this place")
    offset = models.IntegerField(null=True, help_text="As `offset` of a lane")
    kinds = models.BigIntegerField(help_text="The kinds that the endpoint got when the body was made")
    gets_own_events = models.BooleanField(default=False)
    events = models.IntegerField(help_text="The number of events in the body")
    body = models.BinaryField(null=True, help_text="Compressed; null: no attempt has failed")
    attempts = models.IntegerField(default=0)
    status_code = models.IntegerField(null=True, help_text="The status of the last answer; null: there was no answer")
    error = models.TextField(blank=True, default="", help_text="Why the last attempt has failed")
    reply = models.TextField(blank=True, default="", help_text="The beginning of the last answer's body")
    seconds = models.FloatField(null=True, help_text="The duration of the last attempt")
    created_at = models.DateTimeField(db_default=Now())
    attempted_at = models.DateTimeField(null=True, help_text="When the last attempt ended")

    class Meta:
        verbose_name_plural = "deliveries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["public_id"], name="delivery_public_id"),
            models.UniqueConstraint(
                fields=["endpoint", "lane_number"],
                condition=Q(state=DeliveryState.PENDING),
                name="one_pending_delivery",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["endpoint", "-id"], name="delivery_of_endpoint"),
            models.Index(fields=["created_at"], name="deliveries_by_age"),
        ]

    def __str__(self) -> str:
        return str(self.public_id)
