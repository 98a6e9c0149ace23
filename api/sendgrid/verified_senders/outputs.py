"""Write senders in the flat form of this API."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from api.sendgrid.errors import Refusal
from api.sendgrid.outputs import marketing_envelope
from campaigns.models import Sender
from campaigns.senders import locked_among

DMARC_DOMAINS: Final = {
    "soft_failures": ["gmail.com", "hotmail.com", "icloud.com", "outlook.com"],
    "hard_failures": ["aol.com", "mail.ru", "yahoo.com"],
}
"""Domains of mailboxes for everyone. By their DMARC policies (RFC 7489 section 6.3), mail from one of them through
another server may be put aside (soft), or is refused (hard)."""


def envelope(refusal: Refusal) -> dict[str, Any]:
    """Return the body of a refusal. An error without a field does not have the key."""
    errors = marketing_envelope(refusal)["errors"]
    return {"errors": [{name: value for name, value in error.items() if value is not None} for error in errors]}


def senders(rows: Iterable[Sender]) -> list[dict[str, Any]]:
    listed = list(rows)
    locked = locked_among(listed)
    return [sender(each, is_locked=each.pk in locked) for each in listed]


def sender(row: Sender, *, is_locked: bool) -> dict[str, Any]:
    return {
        "id": row.pk,
        "nickname": row.nickname,
        "from_email": row.from_email,
        "from_name": row.from_name,
        "reply_to": row.reply_to,
        "reply_to_name": row.reply_to_name,
        "address": row.address,
        "address2": row.address_2,
        "state": row.state,
        "city": row.city,
        "zip": row.zip,
        "country": row.country,
        "verified": row.verified_at is not None,
        "locked": is_locked,
    }
