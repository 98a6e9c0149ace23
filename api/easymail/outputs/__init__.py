"""What Easymail's wire says back: envelopes, times, and refusals from outside the framework's views."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.http import HttpResponse

from api.easymail.errors import Refusal
from api.easymail.inputs.queries import Query

Body = dict[str, Any]


def one(value: Body) -> Body:
    """The envelope of one thing."""
    return {"data": value}


def page(values: Iterable[Body], query: Query, total: int) -> Body:
    """The envelope of a list."""
    pagination = {"current_page": query.number, "per_page": query.size, "total": total}
    return {"data": list(values), "pagination": pagination}


def refused(refusal: Refusal) -> HttpResponse:
    """Return the answer for a refusal outside of the framework's views."""
    text = json.dumps(refusal.envelope(), separators=(",", ":"), ensure_ascii=False)
    return HttpResponse(text, status=refusal.status, content_type="application/json", headers=rate_headers())


def rate_headers() -> dict[str, str]:
    """On every answer; nothing where the installation has no rate."""
    limit = settings.RATE_LIMIT_PER_MINUTE
    return {"X-RateLimit-Limit": str(limit)} if limit else {}


def moment(at: dt.datetime | None) -> str | None:
    """`2026-06-24T10:00:00Z`; null for none."""
    if at is None:
        return None
    return f"{at.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"
