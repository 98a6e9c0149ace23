"""What SendGrid's wire says back: bodies and envelopes."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse

from accounts.models import ApiKey
from accounts.scopes import spell_out
from api.sendgrid.errors import Refusal
from batches.models import Batch
from batches.states import BatchStatus

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


def refused(refusal: Refusal) -> HttpResponse:
    """The envelope of the other endpoints: field, message, in that order."""
    return json_response(refusal.status, envelope(refusal))


def envelope(refusal: Refusal) -> dict[str, Any]:
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
