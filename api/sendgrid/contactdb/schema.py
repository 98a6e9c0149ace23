"""Describe the calls of `contactdb/views.py` in the OpenAPI document."""

from __future__ import annotations

from typing import Final

from drf_spectacular.utils import OpenApiParameter, extend_schema_view

from api.openapi import FLAG, NUMBER, TEXT, Piece, Reply, component, list_of, nullable, one_of, record
from api.sendgrid.contactdb.inputs import HIGHEST_PAGE, LAST_PAGE, MAX_LISTS, MAX_RECIPIENTS, PAGE, READ_ONLY
from api.sendgrid.words import LIST_NAME, REPEATABLE, call
from api.without_effect import WithoutEffect
from audience.models import FieldType

LISTS, RECIPIENTS, FIELDS = (f"SendGrid: legacy {family}" for family in ("lists", "recipients", "custom fields"))
IDS: Piece = {**list_of(TEXT), "minItems": 1, "maxItems": MAX_RECIPIENTS}
FIELD = {"id": NUMBER, "name": TEXT, "type": one_of(FieldType)}
VALUE: Piece = {"nullable": True, "oneOf": [TEXT, {"type": "number"}]}
NEW_RECIPIENT: Piece = {
    "type": "object",
    "properties": {"email": TEXT, "first_name": TEXT, "last_name": TEXT, **{name: {} for name in sorted(READ_ONLY)}},
    "required": ["email"],
    "additionalProperties": True,
}
NEW_RECIPIENTS: Piece = {**list_of(component("NewRecipient")), "maxItems": MAX_RECIPIENTS}
WITH_CONTACTS = OpenApiParameter("delete_contacts", FLAG, description="Whether to delete the contacts, too.")
PAGES = [
    OpenApiParameter(
        "page", {**NUMBER, "minimum": 1, "maximum": LAST_PAGE}, description="The number of the page, from 1."
    ),
    OpenApiParameter(
        "page_size",
        {**NUMBER, "minimum": 1, "maximum": HIGHEST_PAGE, "default": PAGE},
        description="The number of recipients on a page.",
    ),
]
A_PAGE = {200: Reply("The recipients of the page.", component("RecipientPage"))}

COMPONENTS: dict[str, Piece] = {
    "ListName": record(name=LIST_NAME),
    "LegacyList": record(id=NUMBER, name=TEXT, recipient_count=NUMBER),
    "NewRecipient": NEW_RECIPIENT,
    "LegacyRecipient": record(
        id=TEXT,
        email=TEXT,
        first_name=nullable(TEXT),
        last_name=nullable(TEXT),
        created_at=NUMBER,
        updated_at=NUMBER,
        last_emailed=nullable(NUMBER),
        last_clicked=nullable(NUMBER),
        last_opened=nullable(NUMBER),
        custom_fields=list_of(record(**FIELD, value=VALUE)),
    ),
    "RecipientPage": record(recipients=list_of(component("LegacyRecipient"))),
    "UpsertedRecipients": record(
        error_count=NUMBER,
        error_indices=list_of(NUMBER),
        unmodified_indices=list_of(NUMBER),
        new_count=NUMBER,
        persisted_recipients=list_of(TEXT),
        updated_count=NUMBER,
        errors=list_of(record(message=TEXT, error_indices=list_of(NUMBER))),
    ),
    "NewCustomField": record(name=LIST_NAME, type=one_of(FieldType)),
    "CustomField": record(**FIELD),
}

WITHOUT_EFFECT: Final = (
    WithoutEffect(
        ("create_recipients", "change_recipients"),
        tuple(f"[].{name}" for name in sorted(READ_ONLY)),
        "Responses show the value, and requests cannot set it.",
    ),
)

lists = extend_schema_view(
    get=call(
        "list_lists",
        "List the account's lists",
        tag=LISTS,
        replies={200: Reply("All lists.", record(lists=list_of(component("LegacyList"))))},
    ),
    post=call(
        "create_list",
        "Create a list",
        tag=LISTS,
        body=component("ListName"),
        replies={201: Reply("The new list.", component("LegacyList"))},
        refusals=REPEATABLE,
    ),
    delete=call(
        "delete_lists",
        "Delete several lists; their contacts stay",
        tag=LISTS,
        body={**list_of(NUMBER), "minItems": 1, "maxItems": MAX_LISTS},
        replies={204: Reply("The lists or recipients that existed are deleted.")},
    ),
)
one_list = extend_schema_view(
    get=call(
        "get_list",
        "Get a list",
        tag=LISTS,
        replies={200: Reply("The list.", component("LegacyList"))},
        refusals=[400, 404],
    ),
    patch=call(
        "rename_list",
        "Rename a list",
        tag=LISTS,
        body=component("ListName"),
        replies={200: Reply("The renamed list.", component("LegacyList"))},
        refusals=[404],
    ),
    delete=call(
        "delete_list",
        "Delete a list",
        tag=LISTS,
        query=[WITH_CONTACTS],
        replies={202: Reply("The list is deleted, or will be deleted after its contacts.")},
        refusals=[400, 404],
    ),
)
members = extend_schema_view(
    get=call(
        "list_recipients_of_list",
        "List the recipients on a list, a page at a time",
        tag=LISTS,
        query=PAGES,
        replies=A_PAGE,
        refusals=[400, 404],
    ),
    post=call(
        "add_recipients_to_list",
        "Add recipients to a list",
        tag=LISTS,
        body=IDS,
        replies={201: Reply("The recipients that exist are on the list.")},
        refusals=[*REPEATABLE, 404],
    ),
)
one_member = extend_schema_view(
    post=call(
        "add_recipient_to_list",
        "Add a recipient to a list",
        tag=LISTS,
        replies={201: Reply("The recipient is on the list.")},
        refusals=[*REPEATABLE, 404],
    ),
    delete=call(
        "remove_recipient_from_list",
        "Remove a recipient from a list",
        tag=LISTS,
        replies={204: Reply("The recipient is not on the list any more.")},
        refusals=[400, 404],
    ),
)
recipients = extend_schema_view(
    get=call(
        "list_recipients",
        "List the account's recipients, a page at a time",
        tag=RECIPIENTS,
        query=PAGES,
        replies=A_PAGE,
        refusals=[400, 404],
    ),
    post=call(
        "create_recipients",
        "Add recipients, or change those that exist",
        tag=RECIPIENTS,
        body=NEW_RECIPIENTS,
        replies={201: Reply("The result for each recipient.", component("UpsertedRecipients"))},
        refusals=REPEATABLE,
    ),
    patch=call(
        "change_recipients",
        "Change recipients, or add those that do not exist",
        tag=RECIPIENTS,
        body=NEW_RECIPIENTS,
        replies={201: Reply("The result for each recipient.", component("UpsertedRecipients"))},
    ),
    delete=call(
        "delete_recipients",
        "Delete recipients",
        tag=RECIPIENTS,
        body=IDS,
        replies={200: Reply("The lists or recipients that existed are deleted.", {"type": "object"})},
    ),
)
one_recipient = extend_schema_view(
    get=call(
        "get_recipient",
        "Get a recipient",
        tag=RECIPIENTS,
        replies={200: Reply("The recipient.", component("LegacyRecipient"))},
        refusals=[400, 404],
    ),
    delete=call(
        "delete_recipient",
        "Delete a recipient",
        tag=RECIPIENTS,
        replies={204: Reply("The recipient is deleted.")},
        refusals=[400, 404],
    ),
)
recipients_lists = extend_schema_view(
    get=call(
        "list_lists_of_recipient",
        "List the lists that a recipient is on",
        tag=RECIPIENTS,
        replies={200: Reply("All lists.", record(lists=list_of(component("LegacyList"))))},
        refusals=[400, 404],
    ),
)
recipient_count = extend_schema_view(
    get=call(
        "count_recipients",
        "Count the account's recipients",
        tag=RECIPIENTS,
        replies={200: Reply("The number of recipients.", record(recipient_count=NUMBER))},
    ),
)
billable_count = extend_schema_view(
    get=call(
        "count_billable_recipients",
        "Count the account's recipients, all of which are billable",
        tag=RECIPIENTS,
        replies={200: Reply("The number of recipients.", record(recipient_count=NUMBER))},
    ),
)
custom_fields = extend_schema_view(
    get=call(
        "list_custom_fields",
        "List the account's custom fields",
        tag=FIELDS,
        replies={200: Reply("All custom fields.", record(custom_fields=list_of(component("CustomField"))))},
    ),
    post=call(
        "create_custom_field",
        "Create a custom field",
        tag=FIELDS,
        body=component("NewCustomField"),
        replies={201: Reply("The new custom field.", component("CustomField"))},
        refusals=REPEATABLE,
    ),
)
one_custom_field = extend_schema_view(
    get=call(
        "get_custom_field",
        "Get a custom field",
        tag=FIELDS,
        replies={200: Reply("The custom field.", component("CustomField"))},
        refusals=[400, 404],
    ),
    delete=call(
        "delete_custom_field",
        "Delete a custom field",
        tag=FIELDS,
        replies={202: Reply("The custom field is deleted.", record(message=TEXT))},
        refusals=[400, 404],
    ),
)
reserved_fields = extend_schema_view(
    get=call(
        "list_reserved_fields",
        "List the fields that every recipient has",
        tag=FIELDS,
        replies={200: Reply("All reserved fields.", record(reserved_fields=list_of(record(name=TEXT, type=TEXT))))},
    ),
)
status = extend_schema_view(
    get=call(
        "get_status",
        "Get whether changes of recipients are delayed; they never are",
        tag=RECIPIENTS,
        replies={200: Reply("No change is delayed.", record(status=list_of(record(id=TEXT, value=TEXT))))},
    ),
)
