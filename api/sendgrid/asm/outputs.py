"""Write unsubscribe groups and the addresses that have unsubscribed from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.http import StreamingHttpResponse
from pydantic_core import to_json

from api.sendgrid.outputs import seconds_of
from mailer.models import Suppression, UnsubscribeGroup


def group(row: UnsubscribeGroup) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "description": row.description,
        "is_default": row.is_default,
    }


def counted_group(row: Any) -> dict[str, Any]:
    """Return a group of `counted`. The time of its last mail is not kept."""
    return {**group(row), "last_email_sent_at": None, "unsubscribes": row.unsubscribes}


def group_suppression(suppression: Suppression) -> dict[str, Any]:
    assert suppression.group is not None
    return {
        "email": suppression.email,
        "group_id": suppression.group.pk,
        "group_name": suppression.group.name,
        "created_at": seconds_of(suppression.created_at),
    }


def streamed(entries: Iterable[object]) -> StreamingHttpResponse:
    """Return a JSON array that is written while its entries are read: a list may have millions."""
    return StreamingHttpResponse(_pieces(entries), content_type="application/json")


def _pieces(entries: Iterable[object]) -> Iterator[bytes]:
    yield b"["
    for number, entry in enumerate(entries):
        yield (b"," if number else b"") + to_json(entry)
    yield b"]"
