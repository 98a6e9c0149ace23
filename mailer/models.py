"""Mail, Message, Event, UnsubscribeGroup, Suppression, and the counters of events.

Messages and events are range-partitioned by message id (`mailer/partitions.py`), so their tables are made by the
migration's own SQL and have no foreign keys: a parcel owns an id range and carries the integrity for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import Account
from batches.models import Batch, Receipt
from content.models import VersionContent
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
        help_text="Whose mail it is due to",
    )
    message_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            # Begins with what delivery asks for.
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
    api_key_id = models.BigIntegerField(null=True, help_text="The key that it was accepted with; null: a campaign's")
    unsubscribe_group = models.ForeignKey(
        UnsubscribeGroup, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    groups_to_display = ArrayField(models.IntegerField(), default=list, db_default=[], help_text="Empty: all")
    unsubscribe_url = models.TextField(
        blank=True, default="", db_default="", help_text="A link of the caller's, instead of ours"
    )
    template = models.ForeignKey(
        VersionContent,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text="The content of the template version that it is made with",
    )
    rendering = models.JSONField(null=True, help_text="What its request asks for beyond its content: `Rendering`")
    defaults = models.JSONField(null=True, help_text="The defaults of its account when it was accepted: `Rendering`")
    bypass = models.SmallIntegerField(default=0, db_default=0, help_text="In spite of which suppressions: `Bypass`")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["account", "-id"], name="mail_of_account"),
            # For the deletion of contents that no mail refers to. Mail without a template is not in it.
            models.Index(fields=["template"], condition=models.Q(template__isnull=False), name="mail_of_template"),
        ]
        # A constraint, for a unique field would get a second index, for LIKE.
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
    recipient = models.TextField(null=True, help_text="Null: all its recipients")
    reply = models.TextField(null=True, help_text="The peer's reply, or the reason for the event")
    members = models.BinaryField(null=True, help_text="Packed: the mask of the messages, by their numbers")
    recipients = models.SmallIntegerField(null=True, help_text="For how many recipients it counts; null: one")
    classification = models.SmallIntegerField(null=True, choices=Classification.choices)
    suppression = models.SmallIntegerField(
        null=True,
        choices=SuppressionKind.choices,
        help_text="The list that a refusal or unsubscribe put the recipient on, or that the recipient was dropped for",
    )
    account_id = models.BigIntegerField(null=True, help_text="Only of a failure: whose mail was refused or deferred")
    is_encrypted = models.BooleanField(
        null=True, help_text="Whether an attempt to deliver was encrypted; null: unknown, or no attempt"
    )

    class Meta:
        managed = False

    def __str__(self) -> str:
        return f"{EventKind(self.kind).label} {self.message_id}"

    @property
    def is_decision(self) -> bool:
        """Return whether this deferral is a decision to send again what is in doubt, and not a reply of the peer."""
        return self.kind == EventKind.DEFERRED and not self.fence


class Series(models.IntegerChoices):
    """The things that counters are kept for. The key of a counter says which one of its account."""

    ACCOUNT = 1, "account"
    """The key is the lane."""
    BATCH = 2, "batch"
    """The key is the batch's id. Default batches have no counters."""
    CATEGORY = 3, "category"
    GROUP = 4, "provider group"
    """The key is the name of the group. It is counted for all accounts together, under the account 0."""
    FAILURE = 5, "failure"
    """The key is the classification, the status code and the provider group, parted by blanks."""
    DOMAIN = 6, "domain of a refused recipient"
    """The key is the classification and the domain in its canonical form, parted by a blank."""
    TOTAL = 7, "all accounts"
    """The key is the lane. The sums of the series ACCOUNT over all accounts, kept under the account 0."""


class Measure(models.IntegerChoices):
    """The things that a counter counts. Below 20 they are the kinds of events."""

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
    ACCEPTED = 20, "accepted"
    BOUNCED = 21, "refused and on the list of bounces"
    BLOCKED = 22, "refused and on the list of blocks"
    INVALID = 23, "refused and on the list of invalid addresses"
    DROPPED_BOUNCE = 31, "dropped because of a bounce"
    DROPPED_SPAM = 32, "dropped because of a spam report"
    DROPPED_UNSUBSCRIBE = 33, "dropped because of an unsubscribe"
    DROPPED_INVALID = 34, "dropped because of an invalid address"
    LATE_1S = 41, "sent within 1 s of its time"
    LATE_10S = 42, "sent within 10 s of its time"
    LATE_1M = 43, "sent within 1 min of its time"
    LATE_10M = 44, "sent within 10 min of its time"
    LATE_LONGER = 45, "sent more than 10 min after its time"
    OPENED = 51, "opened"
    UNIQUE_OPENED = 52, "messages opened for the first time"
    CLICKED = 53, "links clicked"
    UNIQUE_CLICKED = 54, "messages with a link clicked for the first time"
    MACHINE_OPENED = 55, "opened by machines"
    MACHINE_CLICKED = 56, "links clicked by machines"


class CounterDelta(models.Model):
    """A number that one database session has counted in one minute, until the sweeper adds it to the counters.

    A session writes only its own rows, so that no two transactions wait for each other.
    """

    pk = models.CompositePrimaryKey("series", "account_id", "key", "measure", "at", "writer")
    series = models.SmallIntegerField(choices=Series.choices)
    account_id = models.BigIntegerField()
    key = models.TextField(db_collation="C")
    measure = models.SmallIntegerField(choices=Measure.choices)
    at = models.DateTimeField(help_text="The minute of the events")
    writer = models.IntegerField(help_text="The process id of the database session")
    n = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{Series(self.series).label} {self.key}: {self.n} {Measure(self.measure).label}"


class Counter(models.Model):
    """How many events of a kind there were within a span of time. `mailer/outcomes/folding.py` adds to it."""

    pk = models.CompositePrimaryKey("series", "account_id", "key", "span", "at", "measure")
    series = models.SmallIntegerField(choices=Series.choices)
    account_id = models.BigIntegerField()
    key = models.TextField(db_collation="C")
    span = models.IntegerField(help_text="In seconds")
    at = models.DateTimeField(help_text="When the span begins")
    measure = models.SmallIntegerField(choices=Measure.choices)
    n = models.BigIntegerField()

    class Meta:
        indexes: ClassVar = [
            # For the sums of all categories over some days: the primary key has the days of one category together.
            models.Index(
                fields=["account_id", "at"], condition=models.Q(series=Series.CATEGORY), name="counter_of_categories"
            ),
            models.Index(fields=["series", "span", "at"], name="counters_by_age"),
            # The accounts with the most refusals of a minute, and those that sent the most mail on a day.
            models.Index(
                fields=["at", "-n"],
                condition=models.Q(series=Series.ACCOUNT, span=60, measure=Measure.REFUSED),
                name="most_refused",
            ),
            models.Index(
                fields=["at", "-n"],
                condition=models.Q(series=Series.ACCOUNT, span=86_400, measure=Measure.SENT),
                name="most_sent",
            ),
        ]

    def __str__(self) -> str:
        return f"{Series(self.series).label} {self.key}: {self.n} {Measure(self.measure).label}"


class CounterCheck(models.Model):
    """A comparison of the counters of some days with the stored events. It reads them in slices, by parcel id."""

    day = models.DateField(null=True, unique=True, help_text="The day of a nightly check; null: an operator's check")
    since = models.DateTimeField()
    until = models.DateTimeField()
    position = models.BigIntegerField(help_text="The parcel id from which on events are still to be read")
    end = models.BigIntegerField(help_text="The parcel id before which the last slice ends")
    begun_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    differences = models.IntegerField(default=0)
    examples = models.JSONField(default=list, help_text="Sentences about the first differences")

    def __str__(self) -> str:
        return f"counters from {self.since} to {self.until}"


class EventTally(models.Model):
    """The number of stored events of one counter and day that an unfinished check has read."""

    pk = models.CompositePrimaryKey("check_id", "series", "account_id", "key", "day", "measure")
    check_id = models.BigIntegerField()
    series = models.SmallIntegerField(choices=Series.choices)
    account_id = models.BigIntegerField()
    key = models.TextField(help_text="Empty for an account: all lanes")
    day = models.DateTimeField()
    measure = models.SmallIntegerField(choices=Measure.choices)
    n = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{Series(self.series).label} {self.key}: {self.n} {Measure(self.measure).label}"


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
    address = models.GenericIPAddressField(null=True, help_text="Null: unknown, or the account stores none")
    user_agent = models.TextField()
    url = models.TextField(null=True)
    link = models.SmallIntegerField(null=True, help_text="The number of the link among those of its part")
    is_html = models.BooleanField(null=True, help_text="Whether the link is in the HTML part")

    class Meta:
        managed = False

    def __str__(self) -> str:
        return f"{LateKind(self.kind).label} {self.message_id}"


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
    is_exact = models.BooleanField(help_text="False: there were more")
    created_at = models.DateTimeField(db_default=Now())
    before = models.BigIntegerField(help_text="Messages with lower ids are still to be looked at")
    leased_until = models.DateTimeField(null=True, help_text="Until then a process works on it")
    finished_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=200, blank=True, help_text="Who ended it early")
    affected = models.BigIntegerField(default=0, help_text="The messages that it was carried out on")
    in_doubt = models.BigIntegerField(default=0, help_text="Stopped, but perhaps sent before")
    not_changed = models.BigIntegerField(default=0, help_text="Messages that it could not be carried out on")
    receipts = models.JSONField(default=dict, help_text="The id of its receipt for each account, by the account's id")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=models.Q(finished_at=None), name="unfinished_bulk_actions"),
        ]

    def __str__(self) -> str:
        return f"{self.action} of many messages"
