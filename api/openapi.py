"""Define the vocabulary in which an API's `schema` describes its calls for the OpenAPI document (`api/document.py`).

A view is described by one line above it, `@schema.batches`. Its value is data: the call's name and sentence, the
content of the request, the possible answers. drf-spectacular reads routes, path parameters and forms from the code. A
call without a description is missing from the document, and a test reports it.
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
"""A JSON object that is a part of an OpenAPI document."""
Form = type[serializers.Serializer[Any]]
Describe = Callable[[Any], Any]

JSON = "application/json"
TEXT: Piece = {"type": "string"}
NUMBER: Piece = {"type": "integer"}
FLAG: Piece = {"type": "boolean"}
TIME: Piece = {"type": "string", "format": "date-time", "example": "2026-11-20T10:53:00.000Z"}


def nullable(piece: Piece) -> Piece:
    """Return a piece that may also be null."""
    return {**piece, "nullable": True}


def one_of(words: Iterable[str]) -> Piece:
    """Return the piece of a string that is one of these words."""
    return {"type": "string", "enum": list(words)}


def list_of(piece: Piece) -> Piece:
    """Return the piece of an array."""
    return {"type": "array", "items": piece}


def record(**properties: Piece) -> Piece:
    """Return the piece of an object that always has all of these properties."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def component(name: str) -> Piece:
    """Return a reference to one of the document's components."""
    return {"$ref": f"#/components/schemas/{name}"}


@dataclass(frozen=True, slots=True)
class Header:
    """A header of a request or of an answer."""

    name: str
    description: str
    piece: Piece = field(default_factory=lambda: TEXT)

    def to_piece(self) -> Piece:
        """Return the header as a parameter of a call that is described without a view."""
        return {"name": self.name, "in": "header", "description": self.description, "schema": self.piece}


@dataclass(frozen=True, slots=True)
class Reply:
    """The content of an answer. `type` is the media type of a body."""

    description: str
    body: Piece | None = None
    headers: Sequence[Header] = ()
    type: str = JSON


ON_BEHALF_OF = Header("On-Behalf-Of", "The subuser to act for: its username, or `account-id <id>`.")
IDEMPOTENCY_KEY = Header(
    "Idempotency-Key",
    "A key that you choose. A request that is repeated with the same key is carried out once and gets the same"
    " response again.",
    {**TEXT, "pattern": "^[!-~]{1,255}$"},
)
REPLAYED = Header("Idempotency-Replayed", "`true` if the response is that of an earlier request with the same key.")
RECEIPT_HEADERS = (
    Header("X-Sluice-Settled", "Whether it is certain that no further message is sent.", FLAG),
    Header("X-Sluice-Sent", "The number of messages that had been sent before.", NUMBER),
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
    """Describe one method of a view. `name` is the operation's id; `body` is a form or a piece, for JSON."""
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
    """Return a header of the request, or of the answers with these statuses."""
    return OpenApiParameter(
        header.name,
        header.piece,
        OpenApiParameter.HEADER,
        description=header.description,
        response=answers or False,
    )


class CallSchema(AutoSchema):
    """The inspector of views. It omits calls without a description, and closes forms: unknown fields are refused."""

    def is_excluded(self) -> bool:
        """Return whether a call without a description is omitted."""
        return True

    def get_description(self) -> str:  # type: ignore[override]  # (as drf-spectacular overrides it)
        """Return nothing: docstrings of views are for readers of the code."""
        return ""

    def get_override_parameters(self) -> list[Any]:
        """Return the headers of an Idempotency-Key for a method whose decorator accepts it (`api/idempotency.py`)."""
        is_repeatable = getattr(getattr(self.view, self.method.lower()), "is_repeatable", False)
        return [parameter(IDEMPOTENCY_KEY), parameter(REPLAYED, [200, 201])] if is_repeatable else []

    def _map_serializer_field(self, *args: Any, **kwargs: Any) -> Piece:
        mapped: Piece = super()._map_serializer_field(*args, **kwargs)
        # A marker for a hook that is not in use.
        mapped.pop("x-spec-enum-id", None)
        return mapped

    def _map_serializer(self, *args: Any, **kwargs: Any) -> Piece:
        mapped: Piece = super()._map_serializer(*args, **kwargs)
        return {**mapped, "additionalProperties": False}


class BearerKey(OpenApiAuthenticationExtension):
    """The security scheme of bearer keys. The class registers itself when it is defined."""

    target_class = "api.caller.KeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> Piece:
        """Return the scheme."""
        return {"type": "http", "scheme": "bearer", "description": "An API key: `SG.…`."}
