"""Senders, as the wire has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from api.sendgrid.errors import Refusal
from api.sendgrid.outputs import seconds_of
from campaigns.models import Sender
from campaigns.senders import locked_among


def envelope(refusal: Refusal) -> dict[str, Any]:
    """Return the body of a refusal. An error without a field has an empty one."""
    return {"errors": [{"message": found.message, "field": found.field or ""} for found in refusal.problems]}


def senders(found: Iterable[Sender]) -> list[dict[str, Any]]:
    rows = list(found)
    locked = locked_among(rows)
    return [sender(each, is_locked=each.pk in locked) for each in rows]


def sender(found: Sender, *, is_locked: bool) -> dict[str, Any]:
    return {
        "id": found.pk,
        "nickname": found.nickname,
        "from": {"email": found.from_email, "name": found.from_name},
        "reply_to": {"email": found.reply_to, "name": found.reply_to_name},
        "address": found.address,
        "address_2": found.address_2,
        "city": found.city,
        "state": found.state,
        "zip": found.zip,
        "country": found.country,
        "verified": found.verified_at is not None,
        "locked": is_locked,
        "created_at": seconds_of(found.created_at),
        "updated_at": seconds_of(found.updated_at),
    }
