"""The calls of `views/senders.py`."""

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
            "The account's senders",
            tag=tag,
            replies={200: Reply("All of them.", record(**{key: list_of(component("CampaignSender"))}))},
        ),
        post=call(
            f"create_{name}",
            "A new sender; its address is mailed a link to verify it by",
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
            "A sender",
            tag=tag,
            replies={200: Reply("The sender.", component("CampaignSender"))},
            refusals=[404],
        ),
        patch=call(
            f"change_{name}",
            "Change what is given; another address has to be verified anew",
            tag=tag,
            body=component("SenderChange"),
            replies={200: Reply("Changed.", component("CampaignSender"))},
            refusals=[404],
        ),
        delete=call(
            f"delete_{name}",
            "Delete a sender that no campaign needs",
            tag=tag,
            replies={204: Reply("Deleted.")},
            refusals=[404],
        ),
    )


def of_verification(name: str, tag: str) -> Describe:
    """Describe the call that mails the verification link again."""
    return extend_schema_view(
        post=call(
            f"resend_verification_of_{name}",
            "Mail the link to verify a sender by once more",
            tag=tag,
            replies={204: Reply("Mailed.")},
            refusals=[*REPEATABLE, 404],
        ),
    )


senders = of_all("legacy_sender", LEGACY, "result")
one_sender = of_one("legacy_sender", LEGACY)
resend_verification = of_verification("legacy_sender", LEGACY)
marketing_senders = of_all("sender", MARKETING, "results")
one_marketing_sender = of_one("sender", MARKETING)
resend_marketing_verification = of_verification("sender", MARKETING)
