"""What SendGrid's wire says back: bodies and envelopes."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from pydantic_core import to_json

from accounts.keys import spell_out
from accounts.models import ApiKey
from api.sendgrid.errors import Refusal
from batches.models import Batch
from batches.states import BatchStatus
from mailer.models import Suppression, SuppressionKind, UnsubscribeGroup

STATUS_NAMES = {BatchStatus.PAUSED: "pause", BatchStatus.CANCELLED: "cancel"}


def accepted(message_id: str) -> HttpResponse:
    """202 of mail/send: no body, the mail's id in a header."""
    return HttpResponse(
        status=202,
        content_type="text/plain; charset=utf-8",
        headers={"X-Message-Id": message_id, "Content-Length": "0"},
    )


def sandboxed() -> HttpResponse:
    """200 of mail/send in sandbox mode: it would have been accepted, and nothing was stored."""
    return HttpResponse(status=200, content_type="text/plain; charset=utf-8", headers={"Content-Length": "0"})


def mail_refused(refusal: Refusal) -> HttpResponse:
    """The envelope of mail/send: message, field, help, in that order."""
    errors = [{"message": found.message, "field": found.field, "help": found.help} for found in refusal.problems]
    return json_response(refusal.status, {"errors": errors})


def envelope(refusal: Refusal) -> dict[str, Any]:
    """The envelope of the other endpoints: field, message, in that order."""
    return {"errors": [{"field": found.field, "message": found.message} for found in refusal.problems]}


def json_response(status: int, value: object) -> HttpResponse:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return HttpResponse(text, status=status, content_type="application/json")


def batch(found: Batch) -> dict[str, str]:
    return {"batch_id": found.public_id}


def scheduled_send(batch_id: str, status: int) -> dict[str, str]:
    return {"batch_id": batch_id, "status": STATUS_NAMES[BatchStatus(status)]}


def key_line(key: ApiKey) -> dict[str, str]:
    """A key in the list."""
    return {"name": key.name, "api_key_id": key.key_id}


def key_name(key: ApiKey) -> dict[str, str]:
    return {"api_key_id": key.key_id, "name": key.name}


def key_details(key: ApiKey) -> dict[str, Any]:
    return {"api_key_id": key.key_id, "name": key.name, "scopes": spell_out(key.scopes)}


def new_key(key: ApiKey, text: str) -> dict[str, Any]:
    """The only answer that shows the key itself."""
    return {"api_key": text, **key_details(key)}


def group(found: UnsubscribeGroup) -> dict[str, Any]:
    return {
        "id": found.pk,
        "name": found.name,
        "description": found.description,
        "is_default": found.is_default,
    }


def counted_group(found: Any) -> dict[str, Any]:
    """A group of `counted`. When it was last sent to is not kept."""
    return {**group(found), "last_email_sent_at": None, "unsubscribes": found.unsubscribes}


def group_suppression(found: Suppression) -> dict[str, Any]:
    assert found.group is not None
    return {
        "email": found.email,
        "group_id": found.group.pk,
        "group_name": found.group.name,
        "created_at": seconds_of(found.created_at),
    }


def suppression(found: Suppression) -> dict[str, Any]:
    """An entry of one of the lists, each of which has its own fields."""
    entry: dict[str, Any] = {"created": seconds_of(found.created_at), "email": found.email}
    if found.kind in WITH_REASON:
        entry["reason"] = found.reason
    if found.kind in WITH_STATUS:
        entry["status"] = found.status
    if found.kind == SuppressionKind.SPAM:
        entry["ip"] = ""  # of the sender, which is the peer's affair
    return entry


WITH_REASON = {SuppressionKind.BOUNCE, SuppressionKind.BLOCK, SuppressionKind.INVALID}
WITH_STATUS = {SuppressionKind.BOUNCE, SuppressionKind.BLOCK}


def seconds_of(moment: dt.datetime) -> int:
    """Unix time, as the wire tells it."""
    return int(moment.timestamp())


def streamed(entries: Iterable[object]) -> StreamingHttpResponse:
    """A JSON array, written as its entries are read: a list may have millions."""
    return StreamingHttpResponse(_pieces(entries), content_type="application/json")


def _pieces(entries: Iterable[object]) -> Iterator[bytes]:
    yield b"["
    for number, entry in enumerate(entries):
        yield (b"," if number else b"") + to_json(entry)
    yield b"]"


def page_links(request: HttpRequest, *, limit: int, offset: int, total: int) -> dict[str, str]:
    """The Link header of a part of a list, with what part of its pages it is."""
    last = max(0, total - 1) // limit
    page = offset // limit
    pages = {"next": min(page + 1, last), "prev": max(page - 1, 0), "first": 0, "last": last}
    links = []
    for rel, number in pages.items():
        query = request.GET.copy()
        query["limit"], query["offset"] = str(limit), str(number * limit)
        address = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
        links.append(f'<{address}>; rel="{rel}"; title="{number + 1}"')
    return {"Link": ", ".join(links)}
