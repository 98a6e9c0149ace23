"""Describe the calls of `user/views.py` in the OpenAPI document."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view

from api.openapi import NUMBER, TEXT, Describe, Piece, Reply, record
from api.sendgrid.user.outputs import ACCOUNT, PROFILE
from api.sendgrid.words import call
from foundation.addresses import LONGEST_EMAIL

USER = "SendGrid: user"
EMAIL: Piece = record(email={**TEXT, "format": "email", "maxLength": LONGEST_EMAIL})
COMPONENTS: dict[str, Piece] = {}


def describe(name: str, summary: str, reply: str, body: Piece) -> Describe:
    """Describe a call that returns something about the account."""
    return extend_schema_view(get=call(name, summary, tag=USER, replies={200: Reply(reply, body)}))


account = describe(
    "get_user_account",
    "Get the type and the reputation of the account, which are always the same",
    "The type and the reputation.",
    record(type={**TEXT, "enum": [ACCOUNT["type"]]}, reputation=NUMBER),
)
profile = describe(
    "get_user_profile", "Get the profile, which is empty", "The profile.", record(**dict.fromkeys(PROFILE, TEXT))
)
email = extend_schema_view(
    get=call(
        "get_user_email",
        "Get the contact address of the account, or else the address of its first verified sender or the installation",
        tag=USER,
        replies={200: Reply("The contact address.", EMAIL)},
    ),
    put=call(
        "change_user_email",
        "Change the contact address of the account, to which notices about it are mailed",
        tag=USER,
        body=EMAIL,
        replies={200: Reply("The changed address.", EMAIL)},
    ),
)
username = describe(
    "get_username",
    "Get the name and the id of the account",
    "The name and the id.",
    record(username=TEXT, user_id=NUMBER),
)
