"""Write senders."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from api.sendgrid.errors import Refusal
from api.sendgrid.outputs import seconds_of
from campaigns.models import Sender
from campaigns.senders import locked_among


def envelope(refusal: Refusal) -> dict[str, Any]:
    """Return the body of a refusal. An error without a field has an empty one."""
    return {"errors": [{"message": problem.message, "field": problem.field or ""} for problem in refusal.problems]}


def senders(rows: Iterable[Sender]) -> list[dict[str, Any]]:
    listed = list(rows)
    locked = locked_among(listed)
    return [sender(each, is_locked=each.pk in locked) for each in listed]


def sender(row: Sender, *, is_locked: bool) -> dict[str, Any]:
    return {
        "id": row.pk,
        "nickname": row.nickname,
        "from": {"email": row.from_email, "name": row.from_name},
        "reply_to": {"email": row.reply_to, "name": row.reply_to_name},
        "address": row.address,
        "address_2": row.address_2,
        "city": row.city,
        "state": row.state,
        "zip": row.zip,
        "country": row.country,
        "verified": row.verified_at is not None,
        "locked": is_locked,
        "created_at": seconds_of(row.created_at),
        "updated_at": seconds_of(row.updated_at),
    }
