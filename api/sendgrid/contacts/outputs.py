"""Write contacts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from rest_framework.request import Request

from accounts.models import Account
from api.sendgrid.outputs import metadata_of, moment
from audience.fields import list_fields
from audience.lists import lists_of
from audience.models import Contact, FieldDefinition
from audience.segments import segments_of

TEXTS: Final = (
    *("email", "phone_number_id", "external_id", "anonymous_id", "first_name", "last_name"),
    *("address_line_1", "address_line_2", "city", "state_province_region", "postal_code", "country", "phone_number"),
    *("time_zone", "whatsapp", "line", "facebook", "unique_name"),
)


def contacts(request: Request, account: Account, found: Sequence[Contact]) -> list[dict[str, Any]]:
    """Return whole contacts, with the lists and segments that they belong to."""
    ids = [each.pk for each in found]
    lists, segments, fields = lists_of(account, ids), segments_of(account, ids), list(list_fields(account))
    return [
        {
            **contact(each, fields),
            "list_ids": [str(one.uuid) for one in lists.get(each.pk, ())],
            "segment_ids": [str(one.uuid) for one in segments.get(each.pk, ())],
            "_metadata": metadata_of(request, f"contacts/{each.uuid}"),
        }
        for each in found
    ]


def contact(found: Contact, fields: Iterable[FieldDefinition]) -> dict[str, Any]:
    """Return the values of a contact. Custom fields go by their names; fields without a value are left out."""
    custom = {field.name: found.custom[str(field.pk)] for field in fields if str(field.pk) in found.custom}
    return {
        "id": str(found.uuid),
        **{name: getattr(found, name) or "" for name in TEXTS},
        "alternate_emails": found.alternate_emails,
        "custom_fields": custom,
        "created_at": moment(found.created_at),
        "updated_at": moment(found.updated_at),
    }
