"""Describe the calls of `asm/views.py` in the OpenAPI document."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema_view

from api.openapi import FLAG, NUMBER, TEXT, Piece, Reply, component, list_of, nullable, record
from api.sendgrid.asm.inputs import DESCRIPTION_LENGTH, NAME_LENGTH
from api.sendgrid.suppressions.inputs import MAX_EMAILS
from api.sendgrid.words import REPEATABLE, call

GROUPS, SUPPRESSIONS = "SendGrid: unsubscribe groups", "SendGrid: suppressions"
NAME: Piece = {**TEXT, "minLength": 1, "maxLength": NAME_LENGTH}
DESCRIPTION: Piece = {**TEXT, "minLength": 1, "maxLength": DESCRIPTION_LENGTH}
NEW_GROUP: Piece = {
    **record(name=NAME, description=DESCRIPTION),
    "properties": {"name": NAME, "description": DESCRIPTION, "is_default": FLAG},
}
GROUP = record(id=NUMBER, name=TEXT, description=TEXT, is_default=FLAG)
EMAILS = record(recipient_emails=list_of(TEXT))
IDS = OpenApiParameter(
    "id",
    {**list_of({**NUMBER, "minimum": 0, "maximum": 2**31 - 1})},
    description="Return only the entries with these ids.",
)

COMPONENTS: dict[str, Piece] = {
    "GroupChange": {"type": "object", "properties": NEW_GROUP["properties"]},
    "NewGroup": NEW_GROUP,
    "Group": record(**GROUP["properties"], last_email_sent_at=nullable(NUMBER), unsubscribes=NUMBER),
    "Recipients": record(
        recipient_emails={**list_of({"type": "string", "format": "email"}), "maxItems": MAX_EMAILS},
    ),
    "AnyTexts": record(recipient_emails={**list_of(TEXT), "maxItems": MAX_EMAILS}),
}

groups = extend_schema_view(
    get=call(
        "list_unsubscribe_groups",
        "List the account's unsubscribe groups",
        tag=GROUPS,
        query=[IDS],
        replies={200: Reply("The groups.", list_of(component("Group")))},
        refusals=[400],
    ),
    post=call(
        "create_unsubscribe_group",
        "Create an unsubscribe group",
        tag=GROUPS,
        body=component("NewGroup"),
        replies={201: Reply("The new unsubscribe group.", GROUP)},
        refusals=REPEATABLE,
    ),
)
one_group = extend_schema_view(
    get=call(
        "get_unsubscribe_group",
        "Get an unsubscribe group",
        tag=GROUPS,
        replies={200: Reply("The unsubscribe group.", component("Group"))},
        refusals=[404],
    ),
    patch=call(
        "change_unsubscribe_group",
        "Change the given fields of an unsubscribe group",
        tag=GROUPS,
        body=component("GroupChange"),
        replies={201: Reply("The changed unsubscribe group.", component("Group"))},
        refusals=[404],
    ),
    delete=call(
        "delete_unsubscribe_group",
        "Delete a group and its suppressions",
        tag=GROUPS,
        replies={204: Reply("The group is deleted.")},
        refusals=[404],
    ),
)
group_suppressions = extend_schema_view(
    get=call(
        "list_group_suppressions",
        "List the addresses that have unsubscribed from a group",
        tag=SUPPRESSIONS,
        replies={200: Reply("All addresses that have unsubscribed from the group.", list_of(TEXT))},
        refusals=[404],
    ),
    post=call(
        "add_group_suppressions",
        "Add addresses to a group's suppressions, or to the global ones if the account has deleted the group",
        tag=SUPPRESSIONS,
        body=component("Recipients"),
        replies={201: Reply("The addresses, which are suppressed now.", EMAILS)},
        refusals=[*REPEATABLE, 404],
    ),
)
search_group_suppressions = extend_schema_view(
    post=call(
        "search_group_suppressions",
        "Find which of these addresses have unsubscribed from a group",
        tag=SUPPRESSIONS,
        body=component("AnyTexts"),
        replies={200: Reply("The addresses that have unsubscribed from the group.", list_of(TEXT))},
        refusals=[*REPEATABLE, 404],
    ),
)
one_group_suppression = extend_schema_view(
    delete=call(
        "remove_group_suppression",
        "Remove an address from a group's suppressions",
        tag=SUPPRESSIONS,
        replies={204: Reply("The address is not suppressed any more.")},
        refusals=[404],
    ),
)
suppressions = extend_schema_view(
    get=call(
        "list_suppressions",
        "List the addresses that have unsubscribed from groups, each with its group",
        tag=SUPPRESSIONS,
        replies={
            200: Reply(
                "All suppressions of groups.",
                list_of(record(email=TEXT, group_id=NUMBER, group_name=TEXT, created_at=NUMBER)),
            )
        },
    ),
)
address_suppressions = extend_schema_view(
    get=call(
        "get_suppressions_of_address",
        "List all groups, and whether an address has unsubscribed from them",
        tag=SUPPRESSIONS,
        replies={
            200: Reply("All groups.", record(suppressions=list_of(record(**GROUP["properties"], suppressed=FLAG))))
        },
        refusals=[404],
    ),
)
global_suppressions = extend_schema_view(
    post=call(
        "add_global_suppressions",
        "Add addresses to the global suppressions",
        tag=SUPPRESSIONS,
        body=component("Recipients"),
        replies={201: Reply("The addresses, which are suppressed now.", EMAILS)},
        refusals=REPEATABLE,
    ),
)
one_global_suppression = extend_schema_view(
    get=call(
        "get_global_suppression",
        "Get an address if it has unsubscribed from all mail",
        tag=SUPPRESSIONS,
        replies={
            200: Reply("The address, or an empty object.", {"type": "object", "properties": {"recipient_email": TEXT}}),
        },
        refusals=[404],
    ),
    delete=call(
        "remove_global_suppression",
        "Remove an address from the global suppressions",
        tag=SUPPRESSIONS,
        replies={204: Reply("The address is not suppressed any more.")},
        refusals=[404],
    ),
)
