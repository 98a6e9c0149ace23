"""Define the vocabulary for Easymail's calls: a call with its refusals, and a page of a list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from drf_spectacular.utils import OpenApiParameter

from api import openapi
from api.easymail import errors
from api.easymail.inputs.queries import HIGHEST_PAGE, SEARCH_LENGTH
from api.openapi import NUMBER, TEXT, Describe, Header, Piece, Reply, component, list_of, record

ALWAYS = (401, 403, 414, 429, 500, 503)
WITH_BODY = (400, 409, 413, 415, 422)
REPEATABLE = (400, 409, 413, 415, 422)
"""The refusals of a call with an Idempotency-Key, whose body is read even if the call needs none."""
REFUSALS = {status: answer.message for status, answer in errors.HTTP_ANSWERS.items()} | {
    409: "The request conflicts with the current state.",
    422: "The given data was invalid. `details` has the problems of each field.",
    429: "Too many requests.",
}
LIMIT = Header("X-RateLimit-Limit", "The number of requests that a key may make in a minute.", NUMBER)

UUID: Piece = {"type": "string", "format": "uuid"}
EMAIL: Piece = {"type": "string", "format": "email"}
MOMENT: Piece = {"type": "string", "format": "date-time", "example": "2026-06-24T10:00:00Z"}
COMPONENTS: dict[str, Piece] = {
    "EasymailError": record(
        error={
            "type": "object",
            "properties": {
                "code": TEXT,
                "message": TEXT,
                "details": {"type": "object", "additionalProperties": list_of(TEXT)},
            },
            "required": ["code", "message"],
        }
    ),
    "EasymailPagination": record(current_page=NUMBER, per_page=NUMBER, total=NUMBER),
}


def envelope_of(name: str) -> Piece:
    """Return the envelope of a single resource."""
    return record(data=component(name))


def page(name: str) -> Piece:
    """Return the envelope of a list."""
    return record(data=list_of(component(name)), pagination=component("EasymailPagination"))


PAGES = [
    OpenApiParameter("page", {**NUMBER, "minimum": 1, "default": 1}),
    OpenApiParameter("per_page", {**NUMBER, "minimum": 1, "maximum": HIGHEST_PAGE, "default": HIGHEST_PAGE}),
]
SEARCH = OpenApiParameter("search", {**TEXT, "maxLength": SEARCH_LENGTH})


def call(
    name: str,
    summary: str,
    *,
    tag: str,
    replies: dict[int, Reply],
    refusals: Iterable[int] = (),
    query: Sequence[OpenApiParameter] = (),
    body: Piece | None = None,
) -> Describe:
    """Describe a call that answers `replies`, or refuses with one of `refusals` or as every call may."""
    statuses = {*refusals, *ALWAYS, *(WITH_BODY if body else ()), *((422,) if query else ())}
    refused = {status: Reply(REFUSALS[status], component("EasymailError")) for status in sorted(statuses)}
    answers = {
        status: Reply(reply.description, reply.body, (*reply.headers, LIMIT))
        for status, reply in (replies | refused).items()
    }
    return openapi.call(f"easymail_{name}", summary, tag=tag, replies=answers, query=query, body=body)
