"""Write the fields of contacts: custom ones, and those that every contact has."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from api.sendgrid.ids import RESERVED_FIELDS, TYPE_NAMES, write_field_id, write_reserved_id
from api.sendgrid.outputs import metadata_of
from audience.models import FieldDefinition, FieldType


def field(row: FieldDefinition) -> dict[str, Any]:
    """Return a custom field as an entry of the list."""
    return {"id": write_field_id(row), "name": row.name, "field_type": TYPE_NAMES[FieldType(row.type)]}


def one_field(request: Request, row: FieldDefinition) -> dict[str, Any]:
    """Return a custom field with its address."""
    body = field(row)
    return {**body, "_metadata": metadata_of(request, f"field_definitions/{body['id']}")}


def reserved_fields() -> list[dict[str, Any]]:
    """Return the fields that every contact has."""
    return [
        {
            "id": write_reserved_id(number),
            "name": reserved.name,
            "field_type": TYPE_NAMES[reserved.type],
            **({"read_only": True} if reserved.is_read_only else {}),
        }
        for number, reserved in RESERVED_FIELDS.items()
    ]
