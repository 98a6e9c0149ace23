"""The words in which SendGrid's calls are described: one call, and how it refuses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from drf_spectacular.utils import OpenApiParameter

from api import openapi
from api.openapi import TEXT, Describe, Piece, Reply, component, list_of, nullable, record
from api.sendgrid import errors

ALWAYS = (401, 403, 414, 429, 500, 503)
WITH_BODY = (400, 413, 415)
REPEATABLE = (400, 409, 413, 415)
"""What an Idempotency-Key may be answered: it makes the body be read even where nothing is expected of it."""
REFUSALS = errors.HTTP_ANSWERS | {
    408: "the search took too long",
    409: "the same, or another change of it, is under way: ask again",
}

COMPONENTS: dict[str, Piece] = {
    "Errors": record(errors=list_of(record(field=nullable(TEXT), message=TEXT))),
    "MarketingErrors": record(errors=list_of(record(field=nullable(TEXT), message=TEXT, error_id=TEXT))),
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
    """A call that answers `replies`, or refuses with one of `refusals`, or as every call may."""
    statuses = {*refusals, *ALWAYS, *(WITH_BODY if body else ())}
    refused = {status: Reply(REFUSALS[status], component(errors)) for status in sorted(statuses)}
    return openapi.call(name, summary, tag=tag, replies=replies | refused, query=query, body=body)


marketing_call = partial(call, errors="MarketingErrors")
"""A call below /v3/marketing."""
