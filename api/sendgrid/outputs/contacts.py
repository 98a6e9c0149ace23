"""Contacts, their lists, fields and segments, imports and exports, as /v3/marketing has them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from rest_framework.request import Request

from accounts.models import Account
from api.sendgrid.field_ids import RESERVED_FIELDS, TYPE_NAMES, write_field_id, write_reserved_id
from api.sendgrid.outputs.marketing import moment
from audience.fields import list_fields
from audience.lists import lists_of
from audience.models import Contact, ContactList, FieldDefinition, FieldType, Job, JobKind, JobStatus
from audience.segments import segments_of

TEXTS: Final = (
    *("email", "phone_number_id", "external_id", "anonymous_id", "first_name", "last_name"),
    *("address_line_1", "address_line_2", "city", "state_province_region", "postal_code", "country", "phone_number"),
    *("time_zone", "whatsapp", "line", "facebook", "unique_name"),
)
EXPORT_STATUS: Final = {
    JobStatus.PENDING: "pending",
    JobStatus.COMPLETED: "ready",
    JobStatus.ERRORED: "failure",
    JobStatus.FAILED: "failure",
}


def metadata(request: Request, path: str = "") -> dict[str, str]:
    """Where something is; the request's own address if nothing is said."""
    return {"self": request.build_absolute_uri(f"/v3/marketing/{path}" if path else None)}


def contacts(request: Request, account: Account, found: Sequence[Contact]) -> list[dict[str, Any]]:
    """The whole contacts, with the lists and segments they belong to."""
    ids = [each.pk for each in found]
    lists, segments, fields = lists_of(account, ids), segments_of(account, ids), list(list_fields(account))
    return [
        {
            **contact(each, fields),
            "list_ids": [str(one.uuid) for one in lists.get(each.pk, ())],
            "segment_ids": [str(one.uuid) for one in segments.get(each.pk, ())],
            "_metadata": metadata(request, f"contacts/{each.uuid}"),
        }
        for each in found
    ]


def contact(found: Contact, fields: Iterable[FieldDefinition]) -> dict[str, Any]:
    """What a contact holds by itself. Custom fields go by their names; those without a value are left out."""
    custom = {field.name: found.custom[str(field.pk)] for field in fields if str(field.pk) in found.custom}
    return {
        "id": str(found.uuid),
        **{name: getattr(found, name) or "" for name in TEXTS},
        "alternate_emails": found.alternate_emails,
        "custom_fields": custom,
        "created_at": moment(found.created_at),
        "updated_at": moment(found.updated_at),
    }


def contact_list(request: Request, found: ContactList) -> dict[str, Any]:
    return {
        "id": str(found.uuid),
        "name": found.name,
        "contact_count": found.contact_count,
        "_metadata": metadata(request, f"lists/{found.uuid}"),
    }


def field(found: FieldDefinition) -> dict[str, Any]:
    """A custom field."""
    return {"id": write_field_id(found), "name": found.name, "field_type": TYPE_NAMES[FieldType(found.type)]}


def reserved_fields() -> list[dict[str, Any]]:
    """The fields that every contact has."""
    return [
        {
            "id": write_reserved_id(number),
            "name": reserved.name,
            "field_type": TYPE_NAMES[reserved.type],
            **({"read_only": True} if reserved.is_read_only else {}),
        }
        for number, reserved in RESERVED_FIELDS.items()
    ]


# --- jobs -------------------------------------------------------------------------------------------------------------


def job(found: Job, errors_url: str) -> dict[str, Any]:
    """How far an upsert, an import or a deletion is. `message` is ours: why it failed."""
    return {
        "id": str(found.uuid),
        "status": found.status,
        "job_type": "delete" if found.kind == JobKind.DELETE else "upsert",
        "results": {
            "requested_count": found.requested_count,
            "created_count": found.created_count,
            "updated_count": found.updated_count,
            "deleted_count": found.deleted_count,
            "errored_count": found.errored_count,
            "errors_url": errors_url,
        },
        "started_at": moment(found.started_at),
        "finished_at": moment(found.finished_at),
        "message": found.message,
    }


def export(request: Request, found: Job, urls: Sequence[str]) -> dict[str, Any]:
    return {
        "id": str(found.uuid),
        "status": EXPORT_STATUS[JobStatus(found.status)],
        "created_at": moment(found.created_at),
        "updated_at": moment(found.finished_at or found.started_at or found.created_at),
        "completed_at": moment(found.finished_at),
        "expires_at": moment(found.expires_at),
        "urls": list(urls),
        "message": found.message,
        "contact_count": found.requested_count,
        "_metadata": metadata(request, f"contacts/exports/{found.uuid}"),
    }


def export_line(request: Request, found: Job, urls: Sequence[str], names: Mapping[str, Any]) -> dict[str, Any]:
    """An export in a list; `names` has what its lists and segments are called, by their numbers."""
    whole = export(request, found, urls)
    told = ("id", "status", "created_at", "completed_at", "expires_at", "urls", "_metadata")
    return {
        **{name: whole[name] for name in told},
        "user_id": str(found.account_id),
        "export_type": "contacts_export",
        "lists": named(found.options["lists"], names["lists"]),
        "segments": named(found.options["segments"], names["segments"]),
    }


def named(numbers: Collection[int], names: Mapping[int, tuple[str, str]]) -> list[dict[str, str]]:
    """What there still is of them."""
    return [dict(zip(("ID", "Name"), names[number], strict=True)) for number in numbers if number in names]
