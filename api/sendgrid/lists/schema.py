"""The calls of `lists/views.py`."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema_view

from api.openapi import FLAG, NUMBER, TEXT, Piece, Reply, component, list_of, record
from api.sendgrid.contacts.inputs import MAX_IDS
from api.sendgrid.words import JOB, LIST_NAME, PAGE_TOKEN, REPEATABLE, SELF, UUID, marketing_call, page_size

LISTS = "SendGrid: contact lists"
LIST = {"id": UUID, "name": TEXT, "contact_count": NUMBER, "_metadata": SELF}
WITH_SAMPLE = OpenApiParameter("contact_sample", FLAG, description="Show one of its contacts.")
WITH_CONTACTS = OpenApiParameter("delete_contacts", FLAG, description="Delete its contacts, too, by a job.")
REMOVED = OpenApiParameter("contact_ids", TEXT, description=f"Up to {MAX_IDS}, with commas between.", required=True)

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
        "The account's lists, the newest first",
        tag=LISTS,
        query=[page_size(100, 1000), PAGE_TOKEN],
        replies={
            200: Reply(
                "Some of them.",
                record(result=list_of(component("ContactList")), _metadata=component("PageMetadata")),
            )
        },
        refusals=[400],
    ),
    post=marketing_call(
        "create_contact_list",
        "A new list",
        tag=LISTS,
        body=component("ContactListName"),
        replies={201: Reply("The new list.", component("ContactList"))},
        refusals=REPEATABLE,
    ),
)
one_list = extend_schema_view(
    get=marketing_call(
        "get_contact_list",
        "A list",
        tag=LISTS,
        query=[WITH_SAMPLE],
        replies={200: Reply("The list.", component("SampledContactList"))},
        refusals=[400, 404],
    ),
    patch=marketing_call(
        "rename_contact_list",
        "Give a list another name",
        tag=LISTS,
        body=component("ContactListName"),
        replies={200: Reply("Renamed.", component("ContactList"))},
        refusals=[404],
    ),
    delete=marketing_call(
        "delete_contact_list",
        "Delete a list",
        tag=LISTS,
        query=[WITH_CONTACTS],
        replies={200: Reply("The job that deletes its contacts, and then it.", JOB), 204: Reply("Deleted.")},
        refusals=[400, 404],
    ),
)
members = extend_schema_view(
    delete=marketing_call(
        "remove_contacts_from_list",
        "Take contacts off a list, by a job; they stay contacts",
        tag=LISTS,
        query=[REMOVED],
        replies={202: Reply("The job, whose status is an import's.", JOB)},
        refusals=[400, 404],
    ),
)
count = extend_schema_view(
    get=marketing_call(
        "count_contacts_of_list",
        "How many contacts are on a list",
        tag=LISTS,
        replies={200: Reply("Their count.", record(contact_count=NUMBER, billable_count=NUMBER))},
        refusals=[404],
    ),
)
