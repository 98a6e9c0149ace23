"""Describe the calls of `fields/views.py` in the OpenAPI document."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view

from api.openapi import FLAG, TEXT, Piece, Reply, component, list_of, one_of, record
from api.sendgrid.ids import TYPE_NAMES
from api.sendgrid.words import LIST_NAME, REPEATABLE, SELF, marketing_call

FIELDS = "SendGrid: contact fields"
FIELD = {"id": TEXT, "name": TEXT, "field_type": one_of(TYPE_NAMES.values())}
RESERVED: Piece = {
    "type": "object",
    "properties": {**FIELD, "read_only": FLAG},
    "required": list(FIELD),
}

COMPONENTS: dict[str, Piece] = {
    "NewFieldDefinition": record(name=LIST_NAME, field_type=FIELD["field_type"]),
    "FieldDefinition": record(**FIELD, _metadata=SELF),
}

fields = extend_schema_view(
    get=marketing_call(
        "list_field_definitions",
        "List the fields of the account's contacts",
        tag=FIELDS,
        replies={
            200: Reply(
                "All custom and reserved fields.",
                record(custom_fields=list_of(record(**FIELD)), reserved_fields=list_of(RESERVED), _metadata=SELF),
            )
        },
    ),
    post=marketing_call(
        "create_field_definition",
        "Create a custom field",
        tag=FIELDS,
        body=component("NewFieldDefinition"),
        replies={200: Reply("The custom field.", component("FieldDefinition"))},
        refusals=REPEATABLE,
    ),
)
one_field = extend_schema_view(
    patch=marketing_call(
        "rename_field_definition",
        "Rename a custom field",
        tag=FIELDS,
        body=component("ContactListName"),
        replies={200: Reply("The renamed custom field.", component("FieldDefinition"))},
        refusals=[404],
    ),
    delete=marketing_call(
        "delete_field_definition",
        "Delete a custom field that no segment uses",
        tag=FIELDS,
        replies={204: Reply("The custom field is deleted.")},
        refusals=[400, 404],
    ),
)
