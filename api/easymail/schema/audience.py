"""Describe the calls of `views/audience.py`."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema_view

from api.easymail.inputs import audience as inputs
from api.easymail.schema.words import EMAIL, MOMENT, PAGES, REPEATABLE, SEARCH, UUID, call, envelope_of, page
from api.openapi import FLAG, NUMBER, TEXT, Describe, Piece, Reply, component, list_of, nullable, one_of, record
from audience.lists import LONGEST_NAME

TAG = "Easymail: audience"
TIMES = dict.fromkeys(("created_at", "updated_at"), MOMENT)
NAMES = ("first_name", "last_name", "phone", "external_id", "language", "country_code")
CONTACT: dict[str, Piece] = {"uuid": UUID, **dict.fromkeys(("email", *NAMES), nullable(TEXT)), **TIMES}
LONG: Piece = nullable({**TEXT, "maxLength": inputs.TEXT_LENGTH})
LETTERS: Piece = nullable({**TEXT, "pattern": "^[A-Za-z]{2}$"})
PERSON: dict[str, Piece] = {
    **dict.fromkeys(("first_name", "last_name", "external_id"), LONG),
    "phone": nullable({**TEXT, "maxLength": inputs.PHONE_LENGTH}),
    **dict.fromkeys(("language", "country_code"), LETTERS),
}
LIST: dict[str, Piece] = {
    "name": {**TEXT, "minLength": 1, "maxLength": LONGEST_NAME},
    "description": nullable({**TEXT, "maxLength": inputs.DESCRIPTION_LENGTH}),
    "is_public": nullable(FLAG),
}
TYPE = one_of(inputs.FORMS)
COMPONENTS: dict[str, Piece] = {
    "EasymailContact": record(**CONTACT),
    "EasymailMember": record(**CONTACT, added_at=MOMENT),
    "EasymailList": record(
        uuid=UUID, name=TEXT, description=nullable(TEXT), is_public=FLAG, contacts_count=NUMBER, **TIMES
    ),
    "EasymailSegment": record(
        uuid=UUID, name=TEXT, contacts_count=NUMBER, contacts_count_calculated_at=nullable(MOMENT), **TIMES
    ),
    "EasymailIdentity": record(uuid=UUID, email=TEXT, from_name=nullable(TEXT), reply_to=nullable(TEXT)),
    "EasymailField": record(uuid=UUID, name=TEXT, field_key=TEXT, type=TYPE, options=list_of(TEXT), created_at=MOMENT),
    "EasymailItems": record(field_key=TEXT, value=list_of(TEXT)),
    "EasymailItem": record(value={**TEXT, "maxLength": inputs.ITEM_LENGTH}),
}


def listed(
    name: str, summary: str, resources: str, component_name: str, *query: OpenApiParameter, is_nested: bool = False
) -> Describe:
    """Describe a GET of a list."""
    return call(
        name,
        summary,
        tag=TAG,
        query=[*PAGES, *query],
        replies={200: Reply(f"A page of {resources}.", page(component_name))},
        refusals=[404] if is_nested else [],
    )


def shown(name: str, resource: str, component_name: str) -> Describe:
    """Describe a GET of a single resource."""
    reply = Reply(f"The {resource}.", envelope_of(component_name))
    return call(name, f"Get a {resource}", tag=TAG, replies={200: reply}, refusals=[404])


def created(name: str, resource: str, component_name: str, body: dict[str, Piece], *required: str) -> Describe:
    """Describe a POST that creates a resource."""
    piece: Piece = {"type": "object", "properties": body, "required": list(required)}
    reply = Reply(f"The new {resource}.", envelope_of(component_name))
    return call(name, f"Create a {resource}", tag=TAG, body=piece, replies={201: reply})


def changed(name: str, resource: str, component_name: str, body: dict[str, Piece]) -> Describe:
    """Describe a PATCH."""
    piece: Piece = {"type": "object", "properties": body}
    reply = Reply(f"The changed {resource}.", envelope_of(component_name))
    summary = f"Change the given fields of a {resource}; null clears a field"
    return call(name, summary, tag=TAG, body=piece, replies={200: reply}, refusals=[404])


def deleted(name: str, summary: str, outcome: str) -> Describe:
    """Describe a DELETE."""
    return call(name, summary, tag=TAG, replies={204: Reply(outcome)}, refusals=[404])


contacts = extend_schema_view(
    get=listed(
        "list_contacts",
        "List the contacts of the account, newest first",
        "contacts",
        "EasymailContact",
        SEARCH,
        OpenApiParameter("list_uuid", UUID),
    ),
    post=created(
        "create_contact",
        "contact",
        "EasymailContact",
        {"email": EMAIL, **PERSON, "contact_lists": nullable({**list_of(UUID), "maxItems": inputs.MOST_LISTS})},
        "email",
    ),
)
one_contact = extend_schema_view(
    get=shown("get_contact", "contact", "EasymailContact"),
    patch=changed(
        "change_contact",
        "contact",
        "EasymailContact",
        {
            **PERSON,
            "custom_fields": nullable(
                list_of({"type": "object", "properties": {"field_key": TEXT, "value": {}}, "required": ["field_key"]})
            ),
        },
    ),
    delete=deleted("delete_contact", "Delete a contact", "The contact is deleted."),
)
lists = extend_schema_view(
    get=listed("list_lists", "List the lists of the account, newest first", "lists", "EasymailList", SEARCH),
    post=created("create_list", "list", "EasymailList", LIST, "name"),
)
one_list = extend_schema_view(
    get=shown("get_list", "list", "EasymailList"),
    patch=changed("change_list", "list", "EasymailList", LIST),
    delete=deleted("delete_list", "Delete a list, but not its contacts", "The list is deleted."),
)
members = extend_schema_view(
    get=listed("list_members", "List the members of a list, newest first", "members", "EasymailMember", is_nested=True),
    post=call(
        "add_member",
        "Put a contact on a list",
        tag=TAG,
        body=record(contact_uuid=UUID),
        replies={204: Reply("The contact is on the list, unless it has unsubscribed.")},
        refusals=[404],
    ),
)
one_member = extend_schema_view(
    delete=deleted("remove_member", "Remove a contact from a list", "The contact is not on the list any more.")
)
segments = extend_schema_view(
    get=listed("list_segments", "List the segments of the account, newest first", "segments", "EasymailSegment", SEARCH)
)
one_segment = extend_schema_view(get=shown("get_segment", "segment", "EasymailSegment"))
identities = extend_schema_view(
    get=listed(
        "list_sender_identities", "List the verified senders by address", "sender identities", "EasymailIdentity"
    )
)
custom_fields = extend_schema_view(
    post=created(
        "create_custom_field",
        "custom field",
        "EasymailField",
        {
            "name": {**TEXT, "minLength": 1, "maxLength": inputs.TEXT_LENGTH},
            "field_key": nullable({**TEXT, "pattern": f"^{inputs.FIELD_KEY.pattern}$"}),
            "type": TYPE,
            "options": nullable({**list_of(TEXT), "maxItems": inputs.MOST_OPTIONS}),
        },
        "name",
        "type",
    )
)


def item(name: str, summary: str) -> Describe:
    """Describe a change of a contact's list field."""
    return call(
        name,
        summary,
        tag=TAG,
        body=component("EasymailItem"),
        replies={200: Reply("The items after the change.", envelope_of("EasymailItems"))},
        refusals=[*REPEATABLE, 404],
    )


items = extend_schema_view(
    post=item("add_item", "Add an item to a contact's list field"),
    delete=item("remove_item", "Remove an item from a contact's list field"),
)
