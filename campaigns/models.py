"""Define Sender, Campaign, Launch and AccountTerms. The models of the audience are in `audience/models/`."""

from __future__ import annotations

import uuid
from operator import attrgetter
from typing import Any, ClassVar, Final, NamedTuple, Self
from zoneinfo import ZoneInfo

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.core.validators import MinValueValidator, validate_email
from django.db import models
from django.db.models import Case, F, OuterRef, Q, SmallIntegerField, When
from django.db.models.functions import JSONObject, Lower

from accounts.models import Account, ApiKey
from audience.models import ContactList, Segment
from batches.models import Batch
from batches.states import BatchStatus
from campaigns.states import FINAL_STATUSES, RUNNING, CampaignStatus
from foundation.clock import Now
from mailer.models import Mail, UnsubscribeGroup


class Sender(models.Model):
    """The sender of a campaign. It can be used once its address was verified by a link mailed to it."""

    id = models.AutoField(primary_key=True)
    uuid = models.UUIDField(db_default=RandomUUID())
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    nickname = models.CharField(max_length=100)
    from_email = models.CharField(max_length=320)
    from_name = models.TextField()
    reply_to = models.CharField(max_length=320)
    reply_to_name = models.TextField(default="")
    address = models.TextField()
    address_2 = models.TextField(default="")
    city = models.TextField()
    state = models.TextField(default="")
    zip = models.TextField(default="")
    country = models.TextField()
    verified_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["uuid"], name="sender_uuid"),
            models.UniqueConstraint("account", Lower("nickname"), name="one_sender_of_a_nickname"),
        ]
        indexes: ClassVar = [models.Index(fields=["account", "id"], name="senders_of_account")]
        permissions: ClassVar = [("verify_sender", "Can verify a sender without the link")]

    def __str__(self) -> str:
        return f"{self.nickname} <{self.from_email}>"


# --- the rule by which a campaign has begun ---------------------------------------------------------------------------
#
# A prepared campaign begins when its time comes, by PostgreSQL's clock: its mail is sent then, and the sweeper records
# it in the row up to a second later. Everyone who reads a status, filters by it or allows a move by it uses this rule.

HAS_MESSAGES: Final = Q(launch__recipients__gt=0)
WAS_OPEN: Final = Q(launch__batch__status=BatchStatus.OPEN) | Q(launch__batch__stopped_at__gt=F("begins_at"))
"""Excludes a batch that was stopped before the campaign's time, none of whose mail has been sent."""
IS_DUE: Final = Q(status=CampaignStatus.SCHEDULED, launch__isnull=False, begins_at__lte=Now()) & WAS_OPEN
IS_UNDER_WAY: Final = Q(status=CampaignStatus.QUEUED) & HAS_MESSAGES
HAS_BEGUN: Final = IS_DUE | IS_UNDER_WAY
"""Selects the campaigns that have begun although their rows do not show it yet."""

STATUS_NOW: Final = Case(
    When(HAS_BEGUN & HAS_MESSAGES, then=CampaignStatus.SENDING),
    When(IS_DUE, then=CampaignStatus.QUEUED),
    default=F("status"),
    output_field=SmallIntegerField(),
)
"""The status at this moment. A campaign without a launch has the status of its row."""

BEGAN_SENDING: Final = Case(
    When(
        Q(status_now__in=(CampaignStatus.SENDING, CampaignStatus.PAUSED, CampaignStatus.SENT))
        | Q(status_now=CampaignStatus.CANCELLED, finished_at__gte=F("begins_at")) & HAS_MESSAGES,
        then="begins_at",
    )
)
"""The time at which the send began, for rows that are read `by_clock`; null if it did not, also if it was cancelled
before that time."""


class CampaignQuerySet(models.QuerySet["Campaign"]):
    """Query campaigns with the status that they have by the clock."""

    def by_clock(self) -> Self:
        """Read and filter the status as `STATUS_NOW`.

        `status` of each row is that of this moment, and filters use the name `status_now`. This is for readers only: a
        writer takes the campaign's lock.
        """
        return self.select_related("launch").annotate(status_now=STATUS_NOW)

    def with_audience(self) -> Self:
        """Read the lists and segments of each campaign with its row, for `read_audience`."""
        lists = ContactList.objects.filter(campaigns=OuterRef("pk"), deleted_at=None).order_by("pk")
        segments = Segment.objects.filter(campaigns=OuterRef("pk")).order_by("pk")
        return self.annotate(
            read_lists=ArraySubquery(lists.values_list(JSONObject(id="pk", contacts="contact_count"))),
            read_segments=ArraySubquery(segments.values_list(JSONObject(list="list_id", condition="condition"))),
        )


class Audience(NamedTuple):
    """The lists and segments of a campaign, without deleted lists.

    `lists` has the number of contacts of each list by its id, and `segments` the list and the condition of each.
    """

    lists: dict[int, int]
    segments: list[dict[str, Any]]


class Campaign(models.Model):
    """A campaign has content, an audience and a time. APIs with numeric ids show `id`, the others show `uuid`."""

    id = models.AutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="campaigns", db_index=False)
    status = models.SmallIntegerField(choices=CampaignStatus.choices, default=CampaignStatus.DRAFT)
    failure = models.TextField(blank=True, help_text="The reason for the failure")

    title = models.CharField(max_length=255)
    subject = models.TextField(blank=True)
    preheader = models.CharField(
        max_length=255, blank=True, help_text="The text that mail programs show after the subject"
    )
    from_name = models.CharField(max_length=255, blank=True, help_text="Instead of the sender's")
    reply_to = models.CharField(
        max_length=320, blank=True, validators=[validate_email], help_text="Instead of the sender's"
    )
    markdown = models.TextField(
        blank=True, help_text="The source of HTML and plain text; empty if they were not written as Markdown"
    )
    html_content = models.TextField(blank=True)
    plain_content = models.TextField(blank=True)
    generates_plain = models.BooleanField(default=True, help_text="Make the plain text from the HTML if it is missing")
    editor = models.CharField(max_length=6, choices=[("code", "code"), ("design", "design")], default="code")
    design = models.UUIDField(
        null=True, editable=False, help_text="The design that its content is a copy of, which may be deleted by now"
    )
    categories = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    ip_pool = models.CharField(max_length=64, blank=True)

    sender = models.ForeignKey(Sender, on_delete=models.PROTECT, null=True, blank=True, related_name="campaigns")
    lists = models.ManyToManyField(ContactList, blank=True, related_name="campaigns")
    segments = models.ManyToManyField(Segment, blank=True, related_name="campaigns")
    is_to_all = models.BooleanField(default=False, help_text="To every contact of the account")
    suppression_group = models.ForeignKey(
        UnsubscribeGroup, on_delete=models.PROTECT, null=True, blank=True, related_name="campaigns"
    )
    custom_unsubscribe_url = models.TextField(blank=True)

    send_at = models.DateTimeField(null=True, blank=True)
    begins_at = models.DateTimeField(null=True, help_text="When its first message may be sent")
    undo_seconds = models.PositiveIntegerField(
        null=True, blank=True, help_text="How long an immediate send can be undone; empty: the default of the account"
    )
    rate_per_minute = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    spread_seconds = models.PositiveIntegerField(
        default=0, help_text="The time over which it is sent evenly; 0: at once"
    )
    window = models.JSONField(
        null=True, blank=True, help_text='{"time_zone", "weekdays": [1 … 7], "from": "08:00", "to": "20:00"}'
    )
    is_local_time = models.BooleanField(
        default=False, help_text="Send it at the same local time in the time zone of each contact"
    )
    time_zone = models.CharField(max_length=64, default="UTC", help_text="The time zone in which send_at is meant")

    api_key = models.ForeignKey(
        ApiKey,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        db_index=False,
        help_text="The key that scheduled it last; null: an operator",
    )
    original = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        help_text="The campaign whose content it was made from",
    )
    launch = models.OneToOneField(
        "Launch",
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text="The launch that it is being sent with",
    )
    finished_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now(), help_text="The time of the last change of any kind")
    edited_at = models.DateTimeField(
        db_default=Now(), help_text="The time of the last change of its content or settings"
    )

    objects = CampaignQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~Q(status__in=[*RUNNING, CampaignStatus.SCHEDULED]) | Q(begins_at__isnull=False),
                name="campaign_on_its_way_has_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=RUNNING) | Q(launch__isnull=False), name="running_campaign_has_a_launch"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "-id"], condition=Q(deleted_at=None), name="campaigns_of_account"),
            models.Index(
                fields=["begins_at"], condition=Q(status=CampaignStatus.SCHEDULED), name="scheduled_campaigns"
            ),
            models.Index(fields=["status"], condition=Q(status__in=RUNNING), name="running_campaigns"),
            models.Index(fields=["finished_at"], condition=Q(status=CampaignStatus.FAILED), name="failed_campaigns"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def status_now(self) -> CampaignStatus:
        """Return the status, as it was at the moment of the query for a row that was read `by_clock`."""
        return CampaignStatus(self.status)

    @status_now.setter
    def status_now(self, status: int) -> None:
        """Take the status that the query computed. Django assigns each annotation to its row."""
        self.status = status

    @property
    def is_expanding(self) -> bool:
        """Return whether contacts of its audience are still to become messages. After a cancel none do."""
        return self.launch is not None and not self.launch.is_complete and self.status not in FINAL_STATUSES

    @property
    def zone(self) -> ZoneInfo:
        """Return the time zone in which the campaign's time is meant."""
        return ZoneInfo(self.time_zone)

    @property
    def chosen_lists(self) -> list[ContactList]:
        """Return its lists that are not deleted, in the order in which they were made."""
        return sorted((each for each in self.lists.all() if each.deleted_at is None), key=attrgetter("pk"))

    @property
    def chosen_segments(self) -> list[Segment]:
        """Return its segments, in the order in which they were made."""
        return sorted(self.segments.all(), key=attrgetter("pk"))

    @property
    def has_audience(self) -> bool:
        """Return whether it is to be sent to all contacts, to a list or to a segment. Deleted lists do not count."""
        return self.is_to_all or any(self.read_audience())

    def read_audience(self) -> Audience:
        """Return its lists and segments: those of its row if it was read `with_audience`."""
        row: Any = self
        if not hasattr(self, "read_lists"):
            row = Campaign.objects.with_audience().only("pk").get(pk=self.pk)
        return Audience({each["id"]: each["contacts"] for each in row.read_lists}, row.read_segments)


class Launch(models.Model):
    """The launch of a campaign records how far its audience has become messages of a batch.

    The content (its mail), the tags, the names and the last contact are fixed when it is opened.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="launches")
    batch = models.OneToOneField(Batch, on_delete=models.PROTECT, related_name="launch")
    mail = models.OneToOneField(Mail, on_delete=models.PROTECT, related_name="+")
    begins_at = models.DateTimeField()
    tags = models.JSONField(default=list, help_text="[[tag, field, default], …] of the tags in its texts")
    names = ArrayField(
        models.TextField(),
        default=list,
        db_default=[],
        null=True,
        help_text="The fields that its templates read; null: all of them",
    )
    audience = models.BigIntegerField(
        null=True, help_text="The number of contacts when it was opened; null if it was not needed"
    )
    last_contact = models.BigIntegerField(help_text="Contacts with higher ids do not belong to it")
    through = models.BigIntegerField(default=0, help_text="Contacts up to this id were processed")
    is_complete = models.BooleanField(default=False, help_text="The whole audience was processed")
    recipients = models.BigIntegerField(default=0, help_text="The number of messages made")
    unsubscribed = models.BigIntegerField(default=0, help_text="Contacts left out because they are suppressed")
    invalid = models.BigIntegerField(default=0, help_text="Contacts left out because they have no address")
    next_at = models.JSONField(
        help_text="[[the turn of a time zone, the time of its next parcel], …]; the first is for unknown zones"
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes: ClassVar = [models.Index(fields=["id"], condition=Q(is_complete=False), name="launches_under_way")]

    def __str__(self) -> str:
        return f"launch {self.pk}"


class AccountTerms(models.Model):
    """The terms of an account's campaigns, unless a campaign has other ones."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, primary_key=True, related_name="campaign_terms")
    rate_per_minute = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="The limit of all its campaigns together"
    )
    undo_seconds = models.PositiveIntegerField(default=0, help_text="How long an immediate send can be undone")
    next_at = models.DateTimeField(null=True, help_text="The time of the next parcel of its campaigns at its rate")

    def __str__(self) -> str:
        return f"terms of {self.account}"


class Revocation(models.Model):
    """The revocation of a key together with everything that the key scheduled, and how far that is stopped."""

    key = models.OneToOneField(ApiKey, on_delete=models.CASCADE, primary_key=True, related_name="+")
    actor = models.CharField(max_length=200, help_text="Who asked: a key or an operator")
    reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    place = models.JSONField(null=True, help_text="The step that comes next, such as [step, …]; null: the first")
    campaigns = models.IntegerField(default=0, help_text="The campaigns that were cancelled")
    batches = models.IntegerField(default=0, help_text="The batches of callers that were cancelled")
    messages = models.BigIntegerField(
        default=0, help_text="The messages that were stopped in batches that are not the key's"
    )
    stopped = models.BigIntegerField(default=0, help_text="Those of them that have no receipt yet")
    in_doubt = models.BigIntegerField(default=0, help_text="The messages of the same batch that are in doubt")
    settled_at = models.DateTimeField(null=True, help_text="When everything that it had scheduled was stopped")
    finished_at = models.DateTimeField(
        null=True, help_text="When mail of requests that were under way was stopped, too"
    )

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["created_at"], condition=Q(finished_at=None), name="revocations_under_way")
        ]

    def __str__(self) -> str:
        return f"revocation of {self.key}"


class LatePlace(models.Model):
    """The id of the last late event that was recorded for contacts. The table has one row."""

    place = models.BigIntegerField()

    def __str__(self) -> str:
        return f"late event {self.place}"
