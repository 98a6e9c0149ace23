"""Describe the calls of `senders/views.py` in the OpenAPI document."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view

from api.openapi import FLAG, NUMBER, TEXT, Describe, Piece, Reply, component, list_of, record
from api.sendgrid.words import REPEATABLE, call

LEGACY, MARKETING = "SendGrid: legacy senders", "SendGrid: senders"
MAILBOX = record(email=TEXT, name=TEXT)
PARTS: dict[str, Piece] = {
    "nickname": TEXT,
    "from": MAILBOX,
    "reply_to": MAILBOX,
    **dict.fromkeys(("address", "address_2", "city", "state", "zip", "country"), TEXT),
}

COMPONENTS: dict[str, Piece] = {
    "NewSender": {
        "type": "object",
        "properties": {**PARTS, "reply_to": {**MAILBOX, "required": ["email"]}},
        "required": ["nickname", "from", "reply_to", "address", "city", "country"],
    },
    "SenderChange": {
        "type": "object",
        "properties": {
            **PARTS,
            **{name: {"type": "object", "properties": MAILBOX["properties"]} for name in ("from", "reply_to")},
        },
    },
    "CampaignSender": record(id=NUMBER, **PARTS, verified=FLAG, locked=FLAG, created_at=NUMBER, updated_at=NUMBER),
}


def of_all(name: str, tag: str, key: str) -> Describe:
    """Describe the calls that list senders and create one."""
    return extend_schema_view(
        get=call(
            f"list_{name}s",
            "List the account's senders",
            tag=tag,
            replies={200: Reply("All senders.", record(**{key: list_of(component("CampaignSender"))}))},
        ),
        post=call(
            f"create_{name}",
            "Create a sender; its address is sent a verification link",
            tag=tag,
            body=component("NewSender"),
            replies={201: Reply("The new sender.", component("CampaignSender"))},
            refusals=REPEATABLE,
        ),
    )


def of_one(name: str, tag: str) -> Describe:
    """Describe the calls for one sender."""
    return extend_schema_view(
        get=call(
            f"get_{name}",
            "Get a sender",
            tag=tag,
            replies={200: Reply("The sender.", component("CampaignSender"))},
            refusals=[404],
        ),
        patch=call(
            f"change_{name}",
            "Change the given fields of a sender; another address has to be verified again",
            tag=tag,
            body=component("SenderChange"),
            replies={200: Reply("The changed sender.", component("CampaignSender"))},
            refusals=[404],
        ),
        delete=call(
            f"delete_{name}",
            "Delete a sender that no campaign needs",
            tag=tag,
            replies={204: Reply("The sender is deleted.")},
            refusals=[404],
        ),
    )


def of_verification(name: str, tag: str) -> Describe:
    """Describe the call that mails the verification link again."""
    return extend_schema_view(
        post=call(
            f"resend_verification_of_{name}",
            "Send the verification link of a sender again",
            tag=tag,
            replies={204: Reply("The link is sent.")},
            refusals=[*REPEATABLE, 404],
        ),
    )


senders = of_all("legacy_sender", LEGACY, "result")
one_sender = of_one("legacy_sender", LEGACY)
resend_verification = of_verification("legacy_sender", LEGACY)
marketing_senders = of_all("sender", MARKETING, "results")
one_marketing_sender = of_one("sender", MARKETING)
resend_marketing_verification = of_verification("sender", MARKETING)
