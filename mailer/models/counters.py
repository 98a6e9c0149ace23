"""Define the counters of events, and their comparison with the stored events."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from foundation.clock import Now


class Series(models.IntegerChoices):
    """The subjects of counters, such as batches. The key of a counter names the subject within its account."""

    ACCOUNT = 1, "account"
    """The key is the lane."""
    BATCH = 2, "batch"
    """The key is the batch's id. Default batches have no counters."""
    CATEGORY = 3, "category"
    GROUP = 4, "provider group"
    """The key is the name of the group. It is counted for all accounts together, under the account 0."""
    FAILURE = 5, "failure"
    """The key is the classification, the status code and the provider group, separated by blanks."""
    DOMAIN = 6, "domain of a refused recipient"
    """The key is the classification and the domain in its canonical form, separated by a blank."""
    TOTAL = 7, "all accounts"
    """The key is the lane. The sums of the series ACCOUNT over all accounts, kept under the account 0."""


class Measure(models.IntegerChoices):
    """The events that a counter counts. The values below 20 are the kinds of events."""

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
    RESUBSCRIBED = 14, "subscribed again"
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

    Each session writes separate rows, so that no two transactions wait for each other.
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
    """The number of events of a kind within a span of time. `mailer/outcomes/folding.py` adds to it."""

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
            # This index is for the sums of all categories over some days: the primary key has the days of one category
            # together.
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
