"""Describe the calls of `verified_senders/views.py` in the OpenAPI document."""

from __future__ import annotations

from functools import partial
from typing import Final

from drf_spectacular.utils import OpenApiParameter, extend_schema_view

from api.openapi import FLAG, NUMBER, TEXT, Piece, Reply, component, list_of, nullable, record
from api.sendgrid.ids import HIGHEST_ID
from api.sendgrid.words import REPEATABLE, call

SENDERS: Final = "SendGrid: verified senders"
PARTS: dict[str, Piece] = dict.fromkeys(
    (
        *("nickname", "from_email", "from_name", "reply_to", "reply_to_name"),
        *("address", "address2", "state", "city", "zip", "country"),
    ),
    TEXT,
)

COMPONENTS: dict[str, Piece] = {
    "NewVerifiedSender": {
        "type": "object",
        "properties": PARTS,
        "required": ["nickname", "from_email", "reply_to"],
    },
    "VerifiedSenderChange": {"type": "object", "properties": PARTS},
    "VerifiedSender": record(id=NUMBER, **PARTS, verified=FLAG, locked=FLAG),
    "VerifiedSenderErrors": record(
        errors=list_of(
            {
                "type": "object",
                "properties": {"field": nullable(TEXT), "message": TEXT, "error_id": TEXT},
                "required": ["message"],
            }
        )
    ),
}

describe = partial(call, tag=SENDERS, errors="VerifiedSenderErrors")


def number(name: str, lowest: int, highest: int, description: str) -> OpenApiParameter:
    """Return a parameter that is a number."""
    return OpenApiParameter(name, {**NUMBER, "minimum": lowest, "maximum": highest}, description=description)


senders = extend_schema_view(
    get=describe(
        "list_verified_senders",
        "List the account's senders, verified or not",
        query=[
            number("limit", 1, 10**12, "The largest number of entries in the response."),
            number("lastSeenID", 0, HIGHEST_ID, "Return only senders with higher ids."),
            number("id", 0, HIGHEST_ID, "Return only the sender with this id."),
        ],
        replies={200: Reply("The senders.", record(results=list_of(component("VerifiedSender"))))},
        refusals=[400],
    ),
    post=describe(
        "create_verified_sender",
        "Create a sender; its address is sent a verification link",
        body=component("NewVerifiedSender"),
        replies={201: Reply("The new sender.", component("VerifiedSender"))},
        refusals=REPEATABLE,
    ),
)
one_sender = extend_schema_view(
    patch=describe(
        "change_verified_sender",
        "Change the given fields of a sender; another address has to be verified again",
        body=component("VerifiedSenderChange"),
        replies={200: Reply("The changed sender.", component("VerifiedSender"))},
        refusals=[404],
    ),
    delete=describe(
        "delete_verified_sender",
        "Delete a sender that no campaign needs",
        replies={204: Reply("The sender is deleted.")},
        refusals=[404],
    ),
)
resend = extend_schema_view(
    post=describe(
        "resend_verification_of_verified_sender",
        "Send the verification link of a sender again",
        replies={204: Reply("The link is sent.")},
        refusals=[*REPEATABLE, 404],
    ),
)
verify = extend_schema_view(
    get=describe(
        "verify_sender_by_token",
        "Verify a sender with the token at the end of its verification link",
        replies={204: Reply("The sender is verified.")},
        refusals=[404],
    ),
)
domains = extend_schema_view(
    get=describe(
        "list_dmarc_domains",
        "List common domains whose policy lets mail from another server fail",
        replies={
            200: Reply(
                "The domains.",
                record(results=record(soft_failures=list_of(TEXT), hard_failures=list_of(TEXT))),
            )
        },
    ),
)
steps_completed = extend_schema_view(
    get=describe(
        "get_completed_verifications",
        "Get whether the account has a verified sender, and whether the installation has verified domains",
        replies={
            200: Reply("The completed steps.", record(results=record(sender_verified=FLAG, domain_verified=FLAG)))
        },
    ),
)
