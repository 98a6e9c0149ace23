"""Write contacts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from rest_framework.request import Request

from accounts.models import Account
from api.sendgrid.outputs import metadata_of
from audience.fields import list_fields
from audience.lists import lists_of
from audience.models import Contact, FieldDefinition
from audience.segments import segments_of
from foundation.clock import moment

TEXTS: Final = (
    *("email", "phone_number_id", "external_id", "anonymous_id", "first_name", "last_name"),
    *("address_line_1", "address_line_2", "city", "state_province_region", "postal_code", "country", "phone_number"),
    *("time_zone", "whatsapp", "line", "facebook", "unique_name"),
)


def contacts(request: Request, account: Account, rows: Sequence[Contact]) -> list[dict[str, Any]]:
    """Return whole contacts, with the lists and segments that they belong to."""
    ids = [each.pk for each in rows]
    lists, segments, fields = lists_of(account, ids), segments_of(account, ids), list(list_fields(account))
    return [
        {
            **contact(each, fields),
            "list_ids": [str(row.uuid) for row in lists.get(each.pk, ())],
            "segment_ids": [str(row.uuid) for row in segments.get(each.pk, ())],
            "_metadata": metadata_of(request, f"contacts/{each.uuid}"),
        }
        for each in rows
    ]


def contact(row: Contact, fields: Iterable[FieldDefinition]) -> dict[str, Any]:
    """Return the values of a contact. Custom fields go by their names; fields without a value are left out."""
    custom = {field.name: row.custom[str(field.pk)] for field in fields if str(field.pk) in row.custom}
    return {
        "id": str(row.uuid),
        **{name: getattr(row, name) or "" for name in TEXTS},
        "alternate_emails": row.alternate_emails,
        "custom_fields": custom,
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
    }
