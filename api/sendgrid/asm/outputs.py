"""Write unsubscribe groups and who has left them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.http import StreamingHttpResponse
from pydantic_core import to_json

from api.sendgrid.outputs import seconds_of
from mailer.models import Suppression, UnsubscribeGroup


def group(found: UnsubscribeGroup) -> dict[str, Any]:
    return {
        "id": found.pk,
        "name": found.name,
        "description": found.description,
        "is_default": found.is_default,
    }


def counted_group(found: Any) -> dict[str, Any]:
    """Return a group of `counted`. The time of its last mail is not kept."""
    return {**group(found), "last_email_sent_at": None, "unsubscribes": found.unsubscribes}


def group_suppression(found: Suppression) -> dict[str, Any]:
    assert found.group is not None
    return {
        "email": found.email,
        "group_id": found.group.pk,
        "group_name": found.group.name,
        "created_at": seconds_of(found.created_at),
    }


def streamed(entries: Iterable[object]) -> StreamingHttpResponse:
    """Return a JSON array that is written while its entries are read: a list may have millions."""
    return StreamingHttpResponse(_pieces(entries), content_type="application/json")


def _pieces(entries: Iterable[object]) -> Iterator[bytes]:
    yield b"["
    for number, entry in enumerate(entries):
        yield (b"," if number else b"") + to_json(entry)
    yield b"]"
