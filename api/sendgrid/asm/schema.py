"""The calls of `views/asm.py`."""

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
        "The account's unsubscribe groups",
        tag=GROUPS,
        query=[IDS],
        replies={200: Reply("The groups.", list_of(component("Group")))},
        refusals=[400],
    ),
    post=call(
        "create_unsubscribe_group",
        "A new unsubscribe group",
        tag=GROUPS,
        body=component("NewGroup"),
        replies={201: Reply("The new unsubscribe group.", GROUP)},
        refusals=REPEATABLE,
    ),
)
one_group = extend_schema_view(
    get=call(
        "get_unsubscribe_group",
        "An unsubscribe group",
        tag=GROUPS,
        replies={200: Reply("The unsubscribe group.", component("Group"))},
        refusals=[404],
    ),
    patch=call(
        "change_unsubscribe_group",
        "Change what is given",
        tag=GROUPS,
        body=component("GroupChange"),
        replies={201: Reply("Changed.", component("Group"))},
        refusals=[404],
    ),
    delete=call(
        "delete_unsubscribe_group",
        "Delete a group, and with it who has left it",
        tag=GROUPS,
        replies={204: Reply("Deleted.")},
        refusals=[404],
    ),
)
group_suppressions = extend_schema_view(
    get=call(
        "list_group_suppressions",
        "The addresses that have left a group",
        tag=SUPPRESSIONS,
        replies={200: Reply("All of them.", list_of(TEXT))},
        refusals=[404],
    ),
    post=call(
        "add_group_suppressions",
        "Let addresses leave a group, or everything if the account has deleted the group",
        tag=SUPPRESSIONS,
        body=component("Recipients"),
        replies={201: Reply("Done.", EMAILS)},
        refusals=[*REPEATABLE, 404],
    ),
)
search_group_suppressions = extend_schema_view(
    post=call(
        "search_group_suppressions",
        "Which of these addresses have left a group",
        tag=SUPPRESSIONS,
        body=component("AnyTexts"),
        replies={200: Reply("The addresses that have left the group.", list_of(TEXT))},
        refusals=[*REPEATABLE, 404],
    ),
)
one_group_suppression = extend_schema_view(
    delete=call(
        "remove_group_suppression",
        "Let an address have a group's mail again",
        tag=SUPPRESSIONS,
        replies={204: Reply("Done.")},
        refusals=[404],
    ),
)
suppressions = extend_schema_view(
    get=call(
        "list_suppressions",
        "Who has left which group",
        tag=SUPPRESSIONS,
        replies={
            200: Reply("All of them.", list_of(record(email=TEXT, group_id=NUMBER, group_name=TEXT, created_at=NUMBER)))
        },
    ),
)
address_suppressions = extend_schema_view(
    get=call(
        "get_suppressions_of_address",
        "All groups, and whether an address has left them",
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
        "Let addresses leave everything",
        tag=SUPPRESSIONS,
        body=component("Recipients"),
        replies={201: Reply("Done.", EMAILS)},
        refusals=REPEATABLE,
    ),
)
one_global_suppression = extend_schema_view(
    get=call(
        "get_global_suppression",
        "Whether an address has left everything",
        tag=SUPPRESSIONS,
        replies={
            200: Reply("The address, or nothing.", {"type": "object", "properties": {"recipient_email": TEXT}}),
        },
        refusals=[404],
    ),
    delete=call(
        "remove_global_suppression",
        "Let an address have mail again",
        tag=SUPPRESSIONS,
        replies={204: Reply("Done.")},
        refusals=[404],
    ),
)
