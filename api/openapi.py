"""The words in which a dialect's `schema.py` describes its calls for the OpenAPI document (`api/document.py`).

A view is described where it stands, by one line above it: `@schema.batches`. What that says is data: the call's name
and sentence, what comes in, what may come out. Routes, path parameters and the forms of `inputs.py` are read from the
code itself by drf-spectacular. A call that nobody described is left out of the document, and a test says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

Piece = dict[str, Any]
"""A part of an OpenAPI document, as it is written there."""
Form = type[serializers.Serializer[Any]]
Describe = Callable[[Any], Any]

JSON = "application/json"
TEXT: Piece = {"type": "string"}
NUMBER: Piece = {"type": "integer"}
FLAG: Piece = {"type": "boolean"}
TIME: Piece = {"type": "string", "format": "date-time", "example": "2026-11-20T10:53:00.000Z"}


def nullable(piece: Piece) -> Piece:
    return {**piece, "nullable": True}


def one_of(words: Iterable[str]) -> Piece:
    return {"type": "string", "enum": list(words)}


def list_of(piece: Piece) -> Piece:
    return {"type": "array", "items": piece}


def record(**properties: Piece) -> Piece:
    """An object of ours, which has all of these."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def component(name: str) -> Piece:
    """Refers to one of the document's components."""
    return {"$ref": f"#/components/schemas/{name}"}


@dataclass(frozen=True, slots=True)
class Header:
    """A header of a request or of an answer."""

    name: str
    description: str
    piece: Piece = field(default_factory=lambda: TEXT)

    def to_piece(self) -> Piece:
        """As a parameter of a call that is written down whole."""
        return {"name": self.name, "in": "header", "description": self.description, "schema": self.piece}


@dataclass(frozen=True, slots=True)
class Reply:
    """What an answer brings; no body without a `body`, which is of this media type."""

    description: str
    body: Piece | None = None
    headers: Sequence[Header] = ()
    type: str = JSON


ON_BEHALF_OF = Header("On-Behalf-Of", "The subuser to act for: its username, or `account-id <id>`.")
IDEMPOTENCY_KEY = Header(
    "Idempotency-Key",
    "Of your choosing: a request repeated with the same key is done once, and answered again with the same answer.",
    {**TEXT, "pattern": "^[!-~]{1,255}$"},
)
REPLAYED = Header("Idempotency-Replayed", "`true` on an answer that is told again.")
RECEIPT_HEADERS = (
    Header("X-Sluice-Settled", "Whether it is certain that nothing more of it leaves.", FLAG),
    Header("X-Sluice-Sent", "How many messages had left before.", NUMBER),
    Header("X-Sluice-Receipt", "The id of the receipt."),
)


def call(
    name: str,
    summary: str,
    *,
    tag: str,
    replies: Mapping[int, Reply],
    query: Form | Sequence[OpenApiParameter] = (),
    body: Form | Piece | None = None,
    headers: Iterable[Header] = (ON_BEHALF_OF,),
) -> Describe:
    """Describes one method of a view. `name` is the operation's id; `body` a form or a piece, for JSON."""
    parameters = [query] if isinstance(query, type) else list(query)
    answered = [parameter(header, [status]) for status, reply in replies.items() for header in reply.headers]
    return extend_schema(
        operation_id=name,
        summary=summary,
        tags=[tag],
        parameters=[*parameters, *map(parameter, headers), *answered],
        request=body and {JSON: body},
        responses={
            (status, reply.type): OpenApiResponse(reply.body, reply.description) for status, reply in replies.items()
        },
        exclude=False,
    )


def parameter(header: Header, answers: list[int] | None = None) -> OpenApiParameter:
    """A request's header, or one of the answers with these statuses."""
    return OpenApiParameter(
        header.name,
        header.piece,
        OpenApiParameter.HEADER,
        description=header.description,
        response=answers or False,
    )


class CallSchema(AutoSchema):
    """Leaves out what no `call` describes, and says of forms what `inputs.py` does: unknown fields are refused."""

    def is_excluded(self) -> bool:
        return True

    def get_description(self) -> str:  # type: ignore[override]  # (as drf-spectacular overrides it)
        """None: docstrings of views speak to whoever reads the code."""
        return ""

    def get_override_parameters(self) -> list[Any]:
        """Which POST takes an Idempotency-Key is said by its decorator (`api/idempotency.py`)."""
        is_repeatable = getattr(getattr(self.view, self.method.lower()), "is_repeatable", False)
        return [parameter(IDEMPOTENCY_KEY), parameter(REPLAYED, [200, 201])] if is_repeatable else []

    def _map_serializer_field(self, *args: Any, **kwargs: Any) -> Piece:
        mapped: Piece = super()._map_serializer_field(*args, **kwargs)
        # A mark for a hook that we do not use.
        mapped.pop("x-spec-enum-id", None)
        return mapped

    def _map_serializer(self, *args: Any, **kwargs: Any) -> Piece:
        mapped: Piece = super()._map_serializer(*args, **kwargs)
        return {**mapped, "additionalProperties": False}


class BearerKey(OpenApiAuthenticationExtension):
    """Registers itself by being defined."""

    target_class = "api.endpoint.KeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> Piece:
        return {"type": "http", "scheme": "bearer", "description": "An API key: `SG.…`."}
