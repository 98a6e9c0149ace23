"""Describe calls of SendGrid's API and the ways in which they refuse."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

from drf_spectacular.utils import OpenApiParameter

from api import openapi
from api.openapi import (
    NUMBER,
    TEXT,
    Describe,
    Piece,
    Reply,
    component,
    list_of,
    nullable,
    record,
)
from api.sendgrid import errors
from audience.lists import NAME_LENGTH

LIST_NAME: Piece = {**TEXT, "minLength": 1, "maxLength": NAME_LENGTH}
SELF = record(self=TEXT)
UUID: Piece = {"type": "string", "format": "uuid"}
JOB = record(job_id=UUID)
PAGE_TOKEN = OpenApiParameter("page_token", TEXT, description="The token of another page, from `_metadata`.")


def page_size(default: int, highest: int) -> OpenApiParameter:
    """Return the parameter that limits the entries of a page."""
    piece = {**NUMBER, "minimum": 1, "maximum": highest, "default": default}
    return OpenApiParameter("page_size", piece, description="The largest number of entries in the response.")


PAGE = [page_size(50, 100), PAGE_TOKEN]

NO_POOL: Final = "No pool is used; only names that the installation lists are accepted."
EDITOR_ONLY: Final = "The value names the editor in which the content was written."

ALWAYS = (401, 403, 414, 429, 500, 503)
WITH_BODY = (400, 413, 415)
REPEATABLE = (400, 409, 413, 415)
"""The refusals of a call that takes an Idempotency-Key. With this header, even a body that is not needed is read."""
REFUSALS = errors.HTTP_ANSWERS | {
    408: "the search took too long",
    409: "the same request or another change of the same resource is in progress: try again",
}

COMPONENTS: dict[str, Piece] = {
    "Errors": record(errors=list_of(record(field=nullable(TEXT), message=TEXT))),
    "MarketingErrors": record(errors=list_of(record(field=nullable(TEXT), message=TEXT, error_id=TEXT))),
    "PageMetadata": {
        "type": "object",
        "properties": {"self": TEXT, "prev": TEXT, "next": TEXT, "count": NUMBER},
        "required": ["self", "count"],
    },
}


def call(
    name: str,
    summary: str,
    *,
    tag: str,
    replies: dict[int, Reply],
    refusals: Iterable[int] = (),
    query: Sequence[OpenApiParameter] = (),
    body: Piece | None = None,
    errors: str = "Errors",
) -> Describe:
    """Describe a call that answers `replies`, or refuses with one of `refusals` or as every call may."""
    statuses = {*refusals, *ALWAYS, *(WITH_BODY if body else ())}
    refused = {status: Reply(REFUSALS[status], component(errors)) for status in sorted(statuses)}
    return openapi.call(name, summary, tag=tag, replies=replies | refused, query=query, body=body)


marketing_call = partial(call, errors="MarketingErrors")
"""Describe a call below /v3/marketing."""
