"""Define the properties of a Send in the order of the API's schema: the source of each value, and its filter column.

All names that clients are known to ask for are here. The properties of which Sluice knows nothing have no value, and
are left out of replies, as the original does.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from api.campaign_words import Dialect, word_for
from api.soap.outputs import add, add_nil, add_typed, moment
from api.soap.reading import Element
from campaigns.models import Campaign
from campaigns.statistics import Statistics


class Kind(enum.Enum):
    """The type of a value; the member's value is the schema's name for it."""

    INT = "int"
    TEXT = "string"
    TIME = "dateTime"
    FLAG = "boolean"


class Row(NamedTuple):
    """A campaign with the annotations of `retrieve`, and its statistics if a property needs them."""

    campaign: Campaign
    statistics: Statistics
    email_id: int
    sent_at: dt.datetime | None
    sender_name: str | None


Value = str | int | bool | dt.datetime | None


def unknown(_: Row) -> Value:
    """Return None, for properties of which Sluice knows nothing."""
    return None


@dataclass(frozen=True, slots=True)
class Property:
    """A property. Filters look into its `column`, if it has one; `is_counted` says that it is one of the statistics."""

    name: str
    kind: Kind
    value: Callable[[Row], Value] = unknown
    column: str = ""
    is_counted: bool = False
    is_creatable: bool = False
    is_updatable: bool = False


def count(name: str, value: Callable[[Statistics], int]) -> Property:
    """Return a property that is a number of messages, addresses or people."""
    return Property(name, Kind.INT, lambda row: value(row.statistics), is_counted=True)


def none_of(name: str) -> Property:
    """Return a property that is always 0, because of the way in which Sluice counts."""
    return Property(name, Kind.INT, lambda _: 0)


PROPERTIES: Final = (
    Property("Client.ID", Kind.INT, lambda row: row.campaign.account_id, "account_id"),
    Property("PartnerKey", Kind.TEXT),
    Property("CreatedDate", Kind.TIME, lambda row: row.campaign.created_at, "created_at"),
    Property("ModifiedDate", Kind.TIME, lambda row: row.campaign.updated_at, "updated_at"),
    Property("ID", Kind.INT, lambda row: row.campaign.pk, "pk"),
    Property("ObjectID", Kind.TEXT, lambda row: str(row.campaign.uuid)),
    Property("CustomerKey", Kind.TEXT),
    Property("Email.ID", Kind.INT, lambda row: row.email_id, "email_id", is_creatable=True),
    Property("Email.Name", Kind.TEXT, lambda row: row.campaign.title),
    Property("Email.Subject", Kind.TEXT, lambda row: row.campaign.subject, is_creatable=True),
    Property("SendDate", Kind.TIME, lambda row: row.campaign.send_at, "send_at", is_creatable=True, is_updatable=True),
    Property(
        "FromAddress",
        Kind.TEXT,
        lambda row: row.campaign.sender.from_email if row.campaign.sender else None,
        "sender__from_email",
        is_creatable=True,
    ),
    Property("FromName", Kind.TEXT, lambda row: row.sender_name, "sender_name", is_creatable=True),
    # A contact is on many lists and gets one message.
    none_of("Duplicates"),
    none_of("InvalidAddresses"),
    none_of("ExistingUndeliverables"),
    # Whatever the reason: bounced before, unsubscribed, or reported as spam.
    count("ExistingUnsubscribes", lambda counted: counted.left_out - counted.invalid),
    # Each refusal is final when it is counted.
    count("HardBounces", lambda counted: counted.refused),
    none_of("SoftBounces"),
    none_of("OtherBounces"),
    Property("ForwardedEmails", Kind.INT),
    count("UniqueClicks", lambda counted: counted.clicked),
    count("UniqueOpens", lambda counted: counted.opened),
    count("NumberSent", lambda counted: counted.sent + counted.refused),
    count("NumberDelivered", lambda counted: counted.sent),
    count("Unsubscribes", lambda counted: counted.unsubscribed),
    count("MissingAddresses", lambda counted: counted.invalid),
    Property("Subject", Kind.TEXT, lambda row: row.campaign.subject, "subject", is_creatable=True),
    Property("PreviewURL", Kind.TEXT),
    Property("SentDate", Kind.TIME, lambda row: row.sent_at, "sent_at"),
    Property("EmailName", Kind.TEXT, lambda row: row.campaign.title, "title", is_creatable=True),
    Property("Status", Kind.TEXT, lambda row: word_for(row.campaign.status, Dialect.SOAP), "status"),
    Property("IsMultipart", Kind.FLAG),
    Property("SendLimit", Kind.INT),
    Property("SendWindowOpen", Kind.TEXT),
    Property("SendWindowClose", Kind.TEXT),
    Property("IsAlwaysOn", Kind.FLAG, lambda _: False),
    count("NumberTargeted", lambda counted: counted.recipients + counted.left_out),
    none_of("NumberErrored"),
    count("NumberExcluded", lambda counted: counted.left_out + counted.dropped),
    Property("Additional", Kind.TEXT),
    Property("BccEmail", Kind.TEXT),
)
BY_NAME: Final = {field.name: field for field in PROPERTIES}
PARTS: Final = {
    part: frozenset(name for name in BY_NAME if name.startswith(f"{part}.")) for part in ("Client", "Email")
}
"""The properties of an object in a Send, by its name. fuel-soap asks for `Client` where its caller names none."""


def write_send(parent: Element, row: Row, names: frozenset[str]) -> None:
    """Add a Send with the wanted properties that have a value. Dotted names are grouped by their part."""
    send = add_typed(parent, "Results", "Send")
    parts: dict[str, Element] = {}
    for field in PROPERTIES:
        value = field.value(row) if field.name in names else None
        part, _, name = field.name.rpartition(".")
        if value is not None:
            if part and part not in parts:
                parts[part] = add(send, part)
            add(parts[part] if part else send, name, written(value))
        elif field.name in {"PartnerKey", "ObjectID"}:
            # These two are nil rather than absent in this API, in every object.
            add_nil(send, field.name)


def written(value: Value) -> str:
    """Return a value as the schema writes it."""
    if isinstance(value, dt.datetime):
        return moment(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
