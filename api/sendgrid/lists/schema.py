"""Describe the calls of `lists/views.py` in the OpenAPI document."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema_view

from api.openapi import FLAG, NUMBER, TEXT, Piece, Reply, component, list_of, record
from api.sendgrid.contacts.inputs import MAX_IDS
from api.sendgrid.words import JOB, LIST_NAME, PAGE_TOKEN, REPEATABLE, SELF, UUID, marketing_call, page_size

LISTS = "SendGrid: contact lists"
LIST = {"id": UUID, "name": TEXT, "contact_count": NUMBER, "_metadata": SELF}
WITH_SAMPLE = OpenApiParameter("contact_sample", FLAG, description="Whether to show one contact of the list.")
WITH_CONTACTS = OpenApiParameter(
    "delete_contacts", FLAG, description="Whether to delete the contacts of the list, too, in a job."
)
REMOVED = OpenApiParameter("contact_ids", TEXT, description=f"Up to {MAX_IDS} ids, separated by commas.", required=True)

COMPONENTS: dict[str, Piece] = {
    "ContactListName": record(name=LIST_NAME),
    "ContactList": record(**LIST),
    "SampledContactList": {
        "type": "object",
        "properties": {**LIST, "contact_sample": component("Contact")},
        "required": list(LIST),
    },
}

lists = extend_schema_view(
    get=marketing_call(
        "list_contact_lists",
        "List the account's lists, the newest first",
        tag=LISTS,
        query=[page_size(100, 1000), PAGE_TOKEN],
        replies={
            200: Reply(
                "A page of the list.",
                record(result=list_of(component("ContactList")), _metadata=component("PageMetadata")),
            )
        },
        refusals=[400],
    ),
    post=marketing_call(
        "create_contact_list",
        "Create a list",
        tag=LISTS,
        body=component("ContactListName"),
        replies={201: Reply("The new list.", component("ContactList"))},
        refusals=REPEATABLE,
    ),
)
one_list = extend_schema_view(
    get=marketing_call(
        "get_contact_list",
        "Get a list",
        tag=LISTS,
        query=[WITH_SAMPLE],
        replies={200: Reply("The list.", component("SampledContactList"))},
        refusals=[400, 404],
    ),
    patch=marketing_call(
        "rename_contact_list",
        "Rename a list",
        tag=LISTS,
        body=component("ContactListName"),
        replies={200: Reply("The renamed list.", component("ContactList"))},
        refusals=[404],
    ),
    delete=marketing_call(
        "delete_contact_list",
        "Delete a list",
        tag=LISTS,
        query=[WITH_CONTACTS],
        replies={
            200: Reply("The job that deletes the contacts, and then the list.", JOB),
            204: Reply("The list is deleted."),
        },
        refusals=[400, 404],
    ),
)
members = extend_schema_view(
    delete=marketing_call(
        "remove_contacts_from_list",
        "Remove contacts from a list in a job; they stay contacts",
        tag=LISTS,
        query=[REMOVED],
        replies={202: Reply("The job. Ask for its progress like that of an import.", JOB)},
        refusals=[400, 404],
    ),
)
count = extend_schema_view(
    get=marketing_call(
        "count_contacts_of_list",
        "Count the contacts on a list",
        tag=LISTS,
        replies={200: Reply("The number of contacts.", record(contact_count=NUMBER, billable_count=NUMBER))},
        refusals=[404],
    ),
)
