"""Define contacts, custom fields, lists, segments and engagements.

A row that an API shows has two ids: a 31-bit integer (for a contact, its lower-cased address) for the legacy SendGrid
API, and a UUID for the newer APIs. The tables are named after the app `campaigns`, which they once belonged to.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from accounts.models import Account
from foundation.clock import Now

IDENTIFIERS = ("email", "phone_number_id", "external_id", "anonymous_id")
"""The identifiers of a contact, in the order in which it is looked up."""
TEXT_FIELDS = (
    "first_name",
    "last_name",
    "address_line_1",
    "address_line_2",
    "city",
    "state_province_region",
    "postal_code",
    "country",
    "phone_number",
    "time_zone",
    "whatsapp",
    "line",
    "facebook",
    "unique_name",
)
"""The columns of a contact that hold one text; an empty text means no value."""


class FieldType(models.TextChoices):
    """The type of a custom field."""

    TEXT = "text", "text"
    NUMBER = "number", "number"
    DATE = "date", "date"


class FieldForm(models.TextChoices):
    """The form of a custom field of texts, for APIs that have more types."""

    ANY = "", "any text"
    DATETIME = "datetime", "a time, ISO 8601"
    BOOLEAN = "boolean", "true or false"
    SELECT = "select", "one of its options"
    LIST = "list", "several texts, one per line"


class FieldDefinition(models.Model):
    """A custom field of an account's contacts. Its id is the key of its values in `Contact.custom`."""

    id = models.AutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=100)
    type = models.CharField(max_length=6, choices=FieldType.choices)
    form = models.CharField(max_length=8, choices=FieldForm.choices, default="", db_default="", blank=True)
    label = models.CharField(
        max_length=255, default="", db_default="", blank=True, help_text="If empty, the name is shown"
    )
    options = models.JSONField(default=list, db_default=[], blank=True, help_text="The allowed texts of a select")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "campaigns_fielddefinition"
        constraints: ClassVar = [models.UniqueConstraint("account", Lower("name"), name="one_field_of_a_name")]

    def __str__(self) -> str:
        return self.name


class Audience(models.Model):
    """The number of an account's contacts. Every change of the account's contacts or memberships locks the row."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, primary_key=True, related_name="+")
    contacts = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        db_table = "campaigns_audience"

    def __str__(self) -> str:
        return f"audience of {self.account_id}"


class Contact(models.Model):
    """A person to whom a campaign may be sent. Each identifier that it has is unique in its account."""

    uuid = models.UUIDField(db_default=RandomUUID())
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    email = models.CharField(
        max_length=254, null=True, help_text="In its canonical form (`foundation.addresses.address_key`)"
    )
    phone_number_id = models.CharField(max_length=254, null=True)
    external_id = models.CharField(max_length=255, null=True)
    anonymous_id = models.CharField(max_length=254, null=True)
    first_name = models.TextField(default="", db_default="")
    last_name = models.TextField(default="", db_default="")
    alternate_emails = ArrayField(models.TextField(), default=list, db_default=[])
    address_line_1 = models.TextField(default="", db_default="")
    address_line_2 = models.TextField(default="", db_default="")
    city = models.TextField(default="", db_default="")
    state_province_region = models.TextField(default="", db_default="")
    postal_code = models.TextField(default="", db_default="")
    country = models.TextField(default="", db_default="")
    phone_number = models.TextField(default="", db_default="")
    time_zone = models.TextField(default="", db_default="", help_text="IANA name; empty if not known")
    whatsapp = models.TextField(default="", db_default="")
    line = models.TextField(default="", db_default="")
    facebook = models.TextField(default="", db_default="")
    unique_name = models.TextField(default="", db_default="", help_text="A name for display; it is not unique")
    language = models.CharField(max_length=2, default="", db_default="", help_text="ISO 639-1; empty if not known")
    custom = models.JSONField(
        default=dict, db_default={}, help_text='{"<field id>": text, number, or date in ISO 8601}; no nulls'
    )
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "campaigns_contact"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["uuid"], name="contact_uuid"),
            *(
                models.UniqueConstraint(
                    fields=["account", identifier],
                    condition=Q(**{f"{identifier}__isnull": False}),
                    name=f"one_contact_by_{identifier}",
                )
                for identifier in IDENTIFIERS
            ),
            models.CheckConstraint(
                condition=Q(email__isnull=False)
                | Q(phone_number_id__isnull=False)
                | Q(external_id__isnull=False)
                | Q(anonymous_id__isnull=False),
                name="contact_has_an_identifier",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "id"], name="contacts_of_account"),
            GinIndex(fields=["alternate_emails"], condition=~Q(alternate_emails=[]), name="contacts_by_alternates"),
        ]

    def __str__(self) -> str:
        return self.email or f"contact {self.pk}"


class LastTimes(models.Model):
    """The last times at which a contact was sent a campaign, and opened and clicked one.

    They are not columns of the contact: each campaign changes them, and a wide row with five indexes costs PostgreSQL
    four times as much to change. The row is deleted with the contact, under the lock that every writer holds.
    """

    contact = models.OneToOneField(
        Contact, on_delete=models.DO_NOTHING, primary_key=True, related_name="last_times", db_constraint=False
    )
    last_emailed_at = models.DateTimeField(null=True)
    last_opened_at = models.DateTimeField(null=True)
    last_clicked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "campaigns_lasttimes"

    def __str__(self) -> str:
        return f"last times of contact {self.contact_id}"


class ContactList(models.Model):
    """A list of contacts, with its count. A deleted list is hidden at once; memberships are removed later."""

    id = models.AutoField(primary_key=True)
    uuid = models.UUIDField(db_default=RandomUUID())
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=255)
    description = models.TextField(default="", db_default="")
    is_public = models.BooleanField(default=True, db_default=True, help_text="Whether contacts may see the list")
    contact_count = models.BigIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "campaigns_contactlist"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["uuid"], name="list_uuid"),
            models.UniqueConstraint("account", Lower("name"), condition=Q(deleted_at=None), name="one_list_of_a_name"),
            models.CheckConstraint(condition=Q(contact_count__gte=0), name="list_count_is_not_negative"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "id"], name="lists_of_account"),
            models.Index(fields=["id"], condition=Q(deleted_at__isnull=False), name="deleted_lists"),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """The membership of a contact in a list.

    It has no foreign-key constraints: their checks would write a lock into every contact of an import. Every writer of
    this table holds the `Audience` row, and deletes a contact's memberships together with the contact.
    """

    pk = models.CompositePrimaryKey("list_id", "contact_id")
    list = models.ForeignKey(
        ContactList, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    contact = models.ForeignKey(
        Contact, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    added_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "campaigns_membership"
        indexes: ClassVar = [models.Index(fields=["contact"], name="memberships_of_contact")]

    def __str__(self) -> str:
        return f"{self.contact_id} on {self.list_id}"


class Segment(models.Model):
    """The contacts that meet a condition and, if a list is named, are on that list."""

    id = models.AutoField(primary_key=True)
    uuid = models.UUIDField(db_default=RandomUUID())
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=100)
    list = models.ForeignKey(ContactList, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    condition = models.JSONField(help_text="As `condition_json.to_json` writes it")
    dialect = models.CharField(max_length=10, help_text="The language in which it was written: legacy or sgql")
    written = models.JSONField(help_text="Legacy conditions or the text of a query, as the caller wrote them")
    contact_count = models.BigIntegerField(null=True, help_text="The last count; null if it was never counted")
    counted_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "campaigns_segment"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["uuid"], name="segment_uuid"),
            models.UniqueConstraint("account", Lower("name"), name="one_segment_of_a_name"),
            models.CheckConstraint(
                condition=Q(contact_count=None, counted_at=None)
                | Q(contact_count__isnull=False, counted_at__isnull=False),
                name="counted_segment_says_when",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["account", "id"], name="segments_of_account")]

    def __str__(self) -> str:
        return self.name


class EngagementKind(models.IntegerChoices):
    """The kinds of events between a contact and a campaign."""

    DELIVERED = 1, "delivered"
    OPENED = 2, "opened"
    CLICKED = 3, "clicked"
    BOUNCED = 4, "bounced"
    """The address was refused, and is on the list of bounces or of invalid addresses."""
    UNSUBSCRIBED = 5, "unsubscribed"
    REPORTED_SPAM = 6, "reported spam"
    BLOCKED = 7, "blocked"
    """The message was refused for another reason."""
    DROPPED = 8, "dropped"
    """The contact was suppressed when the message was about to be sent."""


COUNTED_KINDS = (EngagementKind.OPENED, EngagementKind.CLICKED)
"""The kinds that are counted for each campaign. The others have counters, and are many."""


class Engagement(models.Model):
    """The last time of one kind of event between a contact and a campaign."""

    pk = models.CompositePrimaryKey("contact_id", "campaign_id", "kind")
    contact_id = models.BigIntegerField()
    campaign_id = models.IntegerField()
    kind = models.SmallIntegerField(choices=EngagementKind.choices)
    at = models.DateTimeField()

    class Meta:
        db_table = "campaigns_engagement"
        indexes: ClassVar = [
            models.Index(
                fields=["campaign_id", "kind", "at"], condition=Q(kind__in=COUNTED_KINDS), name="counted_engagements"
            )
        ]

    def __str__(self) -> str:
        return f"contact {self.contact_id}, campaign {self.campaign_id}: {EngagementKind(self.kind).label}"
