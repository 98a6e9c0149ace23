"""Describe the calls of `contacts/views.py` in the OpenAPI document."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema_view

from api.openapi import FLAG, NUMBER, TEXT, TIME, Piece, Reply, component, list_of, one_of, record
from api.sendgrid.contacts.inputs import BODY_TYPES, MAX_IDS, MAX_LISTS
from api.sendgrid.contacts.outputs import TEXTS
from api.sendgrid.words import JOB, REPEATABLE, SELF, UUID, WITH_BODY, marketing_call
from audience.drafts import LENGTHS, MOST_ALTERNATES, PHONE_RULE
from audience.jobs.upserts import UPSERT_LIMIT
from audience.models import IDENTIFIERS as IDENTIFIER_TYPES

CONTACTS = "SendGrid: contacts"
VALUES: Piece = {
    "type": "object",
    "additionalProperties": {"nullable": True, "oneOf": [TEXT, {"type": "number"}]},
}
GIVEN: dict[str, Piece] = {
    **{name: {**TEXT, "maxLength": length} for name, length in LENGTHS.items()},
    "phone_number_id": {**TEXT, "maxLength": LENGTHS["phone_number_id"], "description": PHONE_RULE},
    "alternate_emails": {**list_of(TEXT), "maxItems": MOST_ALTERNATES},
    "custom_fields": {**VALUES, "description": "The values by the ids of their fields, such as `e1_T`."},
}
LIST_IDS: Piece = {**list_of(UUID), "maxItems": MAX_LISTS}
IDENTIFIERS: Piece = {
    **list_of(TEXT),
    "minItems": 1,
    "description": f"Up to {MAX_IDS}, apart from blank strings, which are left out.",
}
SEVERAL = record(result=list_of(component("Contact")), contact_count=NUMBER, _metadata=SELF)
BY_IDENTIFIER = record(
    result={
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "properties": {"contact": component("Contact"), "error": TEXT},
        },
    }
)

COMPONENTS: dict[str, Piece] = {
    "NewContact": {"type": "object", "properties": GIVEN, "additionalProperties": True},
    "Upsert": {
        "type": "object",
        "properties": {
            "list_ids": LIST_IDS,
            "contacts": {**list_of(component("NewContact")), "minItems": 1, "maxItems": UPSERT_LIMIT},
        },
        "required": ["contacts"],
    },
    "Contact": record(
        id=UUID,
        **dict.fromkeys(TEXTS, TEXT),
        alternate_emails=list_of(TEXT),
        list_ids=list_of(UUID),
        segment_ids=list_of(UUID),
        custom_fields={**VALUES, "description": "The values by the names of their fields."},
        created_at=TIME,
        updated_at=TIME,
        _metadata=SELF,
    ),
    "ContactIds": record(ids={**list_of(UUID), "maxItems": MAX_IDS}),
    "ContactQuery": record(query={**TEXT, "example": "email like '%@example.com'"}),
    "Emails": record(emails=IDENTIFIERS),
    "Identifiers": record(identifiers=IDENTIFIERS),
}

contacts = extend_schema_view(
    get=marketing_call(
        "list_contacts",
        "List the fifty newest contacts by their addresses, and count all",
        tag=CONTACTS,
        replies={200: Reply("The contacts, and their count.", SEVERAL)},
    ),
    put=marketing_call(
        "upsert_contacts",
        "Add or change contacts in a job",
        tag=CONTACTS,
        body=component("Upsert"),
        replies={202: Reply("The job. Ask for its progress like that of an import.", JOB)},
        refusals=[404],
    ),
    delete=marketing_call(
        "delete_contacts",
        "Delete contacts in a job",
        tag=CONTACTS,
        query=[
            OpenApiParameter("ids", TEXT, description=f"Up to {MAX_IDS} ids, separated by commas."),
            OpenApiParameter("delete_all_contacts", FLAG, description="Whether to delete all contacts that exist now."),
        ],
        replies={202: Reply("The job. Ask for its progress like that of an import.", JOB)},
        refusals=[400],
    ),
)
one_contact = extend_schema_view(
    get=marketing_call(
        "get_contact",
        "Get a contact",
        tag=CONTACTS,
        replies={200: Reply("The contact.", component("Contact"))},
        refusals=[404],
    ),
)
identifiers = extend_schema_view(
    delete=marketing_call(
        "delete_contact_identifier",
        # OpenAPI 3.0 has no body for a DELETE, so the summary describes it.
        "Take an identifier from a contact in a job, which fails if the contact has no other one; the body is "
        f'`{{"identifier_type": "{next(iter(BODY_TYPES))}", "identifier_value": …}}`',
        tag=CONTACTS,
        replies={202: Reply("The job. Ask for its progress like that of an import.", JOB)},
        refusals=[*WITH_BODY, 404],
    ),
)
batch = extend_schema_view(
    post=marketing_call(
        "get_contacts",
        "Get several contacts",
        tag=CONTACTS,
        body=component("ContactIds"),
        replies={200: Reply("The contacts that exist.", record(result=list_of(component("Contact"))))},
        refusals=REPEATABLE,
    ),
)
count = extend_schema_view(
    get=marketing_call(
        "count_contacts",
        "Count the account's contacts",
        tag=CONTACTS,
        replies={200: Reply("The number of contacts.", record(contact_count=NUMBER, billable_count=NUMBER))},
    ),
)
search = extend_schema_view(
    post=marketing_call(
        "search_contacts",
        "Find the contacts that match a query",
        tag=CONTACTS,
        body=component("ContactQuery"),
        replies={200: Reply("The first fifty contacts, and the number of all that match.", SEVERAL)},
        refusals=[*REPEATABLE, 408],
    ),
)
search_emails = extend_schema_view(
    post=marketing_call(
        "find_contacts_by_email",
        "Find contacts by their addresses or alternate addresses",
        tag=CONTACTS,
        body=component("Emails"),
        replies={200: Reply("For each address, in lower case, its contact or an error.", BY_IDENTIFIER)},
        refusals=[*REPEATABLE, 404],
    ),
)
search_identifiers = extend_schema_view(
    post=marketing_call(
        "find_contacts_by_identifier",
        "Find contacts by identifiers of one kind",
        tag=CONTACTS,
        query=[OpenApiParameter("identifier_type", one_of(IDENTIFIER_TYPES), OpenApiParameter.PATH)],
        body=component("Identifiers"),
        replies={200: Reply("For each identifier its contact or an error.", BY_IDENTIFIER)},
        refusals=[*REPEATABLE, 404],
    ),
)
