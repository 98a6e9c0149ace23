"""Define the events of messages, and the notices that make the log and campaigns read them.

Events are range-partitioned by message id, and late events by day, so their tables are made by SQL of migrations and
have no foreign keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.contrib.postgres.fields import ArrayField
from django.db import models

from mailer.models.suppressions import SuppressionKind


class EventKind(models.IntegerChoices):
    """The kinds of events of a message. The first four are final for the recipients that they name."""

    SENT = 1, "sent"
    REFUSED = 2, "refused"
    DROPPED = 3, "dropped"
    STOPPED = 4, "stopped"
    DEFERRED = 5, "deferred"
    IN_DOUBT = 6, "in doubt"
    DISCARDED = 7, "discarded"
    EXPIRED = 8, "expired"
    RETAINED = 9, "retained"
    HELD = 10, "held"
    UNSUBSCRIBED = 11, "unsubscribed"
    # 12 and 13 are late events.
    RESUBSCRIBED = 14, "subscribed again"


class ReplyClass(models.IntegerChoices):
    """The five kinds of reasons for which a peer refuses or defers a message."""

    RECIPIENT = 1, "recipient"
    CONTENT = 2, "content"
    REPUTATION = 3, "reputation or policy"
    THROTTLE = 4, "throttle"
    TECHNICAL = 5, "technical"


class Classification(models.IntegerChoices):
    """The reasons for which a peer refuses or defers a message, by the names that SendGrid gives them."""

    INVALID_ADDRESS = 1, "Invalid Address"
    MAILBOX_UNAVAILABLE = 2, "Mailbox Unavailable"
    CONTENT = 3, "Content"
    REPUTATION = 4, "Reputation"
    VOLUME = 5, "Frequency or Volume Too High"
    TECHNICAL = 6, "Technical Failure"
    UNCLASSIFIED = 7, "Unclassified"

    @property
    def event_name(self) -> str:
        """Return the name that SendGrid's logs and webhooks use. Only one differs from the label."""
        return "Technical" if self is Classification.TECHNICAL else str(self.label)

    @property
    def reply_class(self) -> ReplyClass:
        """Return the class of the reason. A peer that gives no reason is taken to follow a policy."""
        return REPLY_CLASSES[self]


REPLY_CLASSES: Final[Mapping[Classification, ReplyClass]] = {
    Classification.INVALID_ADDRESS: ReplyClass.RECIPIENT,
    Classification.MAILBOX_UNAVAILABLE: ReplyClass.RECIPIENT,
    Classification.CONTENT: ReplyClass.CONTENT,
    Classification.REPUTATION: ReplyClass.REPUTATION,
    Classification.VOLUME: ReplyClass.THROTTLE,
    Classification.TECHNICAL: ReplyClass.TECHNICAL,
    Classification.UNCLASSIFIED: ReplyClass.REPUTATION,
}


class Event(models.Model):
    """A row of events: one event of a message, or one that many messages of a parcel share (packed). Insert-only.

    `mailer/outcomes/` writes and reads them, and nobody else does.
    """

    pk = models.CompositePrimaryKey("message_id", "id")
    message_id = models.BigIntegerField(help_text="Packed: the first id that a message of the parcel could have")
    id = models.BigIntegerField()
    kind = models.SmallIntegerField(choices=EventKind.choices)
    at = models.DateTimeField()
    fence = models.BigIntegerField(help_text="The claim under which it happened")
    recipient = models.TextField(null=True, help_text="Null: all recipients of the message")
    reply = models.TextField(null=True, help_text="The peer's reply, or the reason for the event")
    members = models.BinaryField(null=True, help_text="Packed: the mask of the messages, by their numbers")
    recipients = models.SmallIntegerField(
        null=True, help_text="The number of recipients for which it counts; null: one"
    )
    classification = models.SmallIntegerField(null=True, choices=Classification.choices)
    suppression = models.SmallIntegerField(
        null=True,
        choices=SuppressionKind.choices,
        help_text="The list that the recipient was put on, taken off, or dropped for",
    )
    account_id = models.BigIntegerField(
        null=True, help_text="Only for a failure: the account whose mail was refused or deferred"
    )
    is_encrypted = models.BooleanField(
        null=True, help_text="Whether an attempt to deliver was encrypted; null: unknown, or no attempt"
    )

    class Meta:
        managed = False

    def __str__(self) -> str:
        return f"{EventKind(self.kind).label} {self.message_id}"

    @property
    def is_decision(self) -> bool:
        """Return whether this deferral is a decision to send mail in doubt again, and not a reply of the peer."""
        return self.kind == EventKind.DEFERRED and not self.fence


class LateKind(models.IntegerChoices):
    """The kinds of late events."""

    OPENED = 12, "opened"
    CLICKED = 13, "clicked"


class LateEvent(models.Model):
    """An open of a message or a click on a link of it. Insert-only, and kept as long as the history.

    `mailer/tracking/` writes them. Their ids ascend in the order of the commits.
    """

    pk = models.CompositePrimaryKey("id", "at")
    id = models.BigIntegerField()
    at = models.DateTimeField()
    message_id = models.BigIntegerField()
    account_id = models.BigIntegerField()
    batch_id = models.BigIntegerField()
    kind = models.SmallIntegerField(choices=LateKind.choices)
    recipient = models.SmallIntegerField(null=True, help_text="The number of the recipient; null: one of several")
    is_machine = models.BooleanField(help_text="A scanner, a proxy or another machine did it, and no person")
    is_first = models.BooleanField(help_text="It is the first one of its kind by a person")
    address = models.GenericIPAddressField(
        null=True, help_text="Null: unknown, or the account does not store addresses"
    )
    user_agent = models.TextField()
    url = models.TextField(null=True)
    link = models.SmallIntegerField(null=True, help_text="The number of the link among those of its part")
    is_html = models.BooleanField(null=True, help_text="Whether the link is in the HTML part")

    class Meta:
        managed = False

    def __str__(self) -> str:
        return f"{LateKind(self.kind).label} {self.message_id}"


class OutcomeNotice(models.Model):
    """A note that events of a parcel of a campaign wait to be added to the engagements of its contacts.

    The events are those of the parcel with this fence and time.
    """

    batch_id = models.BigIntegerField()
    base = models.BigIntegerField()
    fence = models.BigIntegerField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"events of parcel {self.base}"


class LogNotice(models.Model):
    """A note that events of an account were written, until the publisher of the log takes it (`events/log/`).

    The n-th parcel has the events with the n-th fence and with this time.
    """

    account_id = models.BigIntegerField()
    at = models.DateTimeField()
    is_late = models.BooleanField(db_default=False, help_text="The n-th fence is the id of a late event")
    bases = ArrayField(models.BigIntegerField())
    fences = ArrayField(models.BigIntegerField())

    def __str__(self) -> str:
        return f"events of account {self.account_id}"
