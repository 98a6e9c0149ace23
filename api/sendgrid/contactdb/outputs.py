"""Write legacy lists, recipients and custom fields."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any, Final

from api.sendgrid.contactdb.recipient_ids import recipient_id, write_recipient_id
from api.sendgrid.outputs import seconds_of
from audience.contacts import last_times_of
from audience.dates import read_date
from audience.drafts import ContactDraft
from audience.models import Contact, ContactList, FieldDefinition, FieldType, LastTimes
from audience.upsert import Row, Upserted

RESERVED_FIELDS: Final = [
    {"name": name, "type": type_}
    for type_, names in (
        ("text", ("first_name", "last_name", "email")),
        ("date", ("created_at", "updated_at", "last_emailed", "last_clicked", "last_opened")),
        ("set", ("lists", "campaigns")),
    )
    for name in names
]
STATUS: Final = {"status": [{"id": "worker_delay", "value": "OK"}]}
"""Changes are never delayed: they are visible as soon as a request is answered."""


def contact_list(row: ContactList) -> dict[str, Any]:
    return {"id": row.pk, "name": row.name, "recipient_count": row.contact_count}


def recipients(contacts: Collection[Contact], fields: Sequence[FieldDefinition]) -> dict[str, Any]:
    """Return a page of recipients."""
    times = last_times_of(contacts)
    return {"recipients": [_recipient(each, times[each.pk], fields) for each in contacts]}


def recipient(contact: Contact, fields: Sequence[FieldDefinition]) -> dict[str, Any]:
    """Return a recipient with all custom fields of the account."""
    return _recipient(contact, last_times_of([contact])[contact.pk], fields)


def _recipient(contact: Contact, last_times: LastTimes, fields: Sequence[FieldDefinition]) -> dict[str, Any]:
    moments = {
        "last_emailed": last_times.last_emailed_at,
        "last_clicked": last_times.last_clicked_at,
        "last_opened": last_times.last_opened_at,
    }
    return {
        "id": recipient_id(contact),
        "email": contact.email or "",
        "first_name": contact.first_name or None,
        "last_name": contact.last_name or None,
        "created_at": seconds_of(contact.created_at),
        "updated_at": seconds_of(contact.updated_at),
        **{name: seconds_of(at) if at else None for name, at in moments.items()},
        "custom_fields": [{**custom_field(field), "value": value_of(contact, field)} for field in fields],
    }


def value_of(contact: Contact, field: FieldDefinition) -> Any:
    """Return the value of a field. Dates are in Unix time, as all times of the legacy API are."""
    value = contact.custom.get(str(field.pk))
    return seconds_of(read_date(value)) if value is not None and field.type == FieldType.DATE else value


def custom_field(field: FieldDefinition) -> dict[str, Any]:
    return {"id": field.pk, "name": field.name, "type": field.type}


def upserted(rows: Sequence[Row], result: Upserted) -> dict[str, Any]:
    """Return the result for each recipient of a request, by their positions."""
    by_reason: defaultdict[str, list[int]] = defaultdict(list)
    for place, rejected in sorted(result.rejected.items()):
        by_reason[rejected.reason].append(place)
    stored = [row for place, row in enumerate(rows) if place in result.contact_ids]
    emails = [row.email for row in stored if isinstance(row, ContactDraft) and row.email]
    return {
        "error_count": len(result.rejected),
        "error_indices": sorted(result.rejected),
        "unmodified_indices": result.unmodified,
        "new_count": len(result.created),
        "persisted_recipients": [write_recipient_id(email) for email in dict.fromkeys(emails)],
        "updated_count": len(result.updated),
        "errors": [{"message": reason, "error_indices": places} for reason, places in by_reason.items()],
    }
