"""Declare the fields that are accepted and have no effect on mail, for the OpenAPI document, the docs and the tests.

Each API's `schema/without_effect.py` declares its fields. The OpenAPI document gets the descriptions of the fields from
there, and tests compare the tables in `docs/without-effect.md` and the behaviour of the calls with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from api.openapi import JSON, Piece

IGNORED = "Has no effect."
KEPT = "Has no effect on mail: the value is only kept."
ITEMS = "[]"
"""The step from a list to its entries, in a path."""


@dataclass(frozen=True, slots=True)
class WithoutEffect:
    """Fields of request bodies that change nothing.

    `calls` are operation ids. `paths` name fields as `personalizations[].subject` does; a field that is an object
    includes all fields in it. `remark` is one or more sentences. A field that `is_kept` is stored with what the call
    writes.
    """

    calls: tuple[str, ...]
    paths: tuple[str, ...]
    remark: str
    is_kept: bool = False

    @property
    def description(self) -> str:
        """Return the text for the OpenAPI document."""
        return f"{KEPT if self.is_kept else IGNORED} {self.remark}"


def steps_of(path: str) -> list[str]:
    """Return the steps of a path: `a[].b` is `a`, `[]`, `b`."""
    return [step for name in path.split(".") for step in name.replace(ITEMS, f".{ITEMS}").split(".") if step]


def describe_fields(document: Piece, declarations: Iterable[WithoutEffect]) -> None:
    """Write the descriptions into a document. Its pieces may be shared, so they are replaced and never changed."""
    schemas = document["components"]["schemas"]
    calls = {call["operationId"]: call for item in document["paths"].values() for call in item.values()}
    for declared in declarations:
        # A component is described once, whichever calls refer to it.
        for name in declared.calls:
            content = calls[name]["requestBody"]["content"][JSON]
            for path in declared.paths:
                content["schema"] = described(content["schema"], steps_of(path), declared.description, schemas)


def component_of(piece: Piece) -> str:
    """Return the name of the component that a piece refers to."""
    return str(piece["$ref"]).rpartition("/")[2]


def with_silent_fields(piece: Piece) -> Piece:
    """Return a piece without effect; if it is an object, each of its fields is described as such, too."""
    fields = {name: {**field, "description": IGNORED} for name, field in piece.get("properties", {}).items()}
    return {**piece, "properties": fields} if fields else piece


def described(piece: Piece, steps: Sequence[str], text: str, schemas: dict[str, Piece]) -> Piece:
    """Return a piece in which the field at the end of `steps` has this description.

    Raises KeyError for a field that the piece does not have.
    """
    if not steps and "$ref" not in piece:
        return {**with_silent_fields(piece), "description": text}
    if not steps:
        name = component_of(piece)
        schemas[name] = with_silent_fields(schemas[name])
        return {"allOf": [piece], "description": text}
    if "$ref" in piece:
        name = component_of(piece)
        schemas[name] = described(schemas[name], steps, text, schemas)
        return piece
    step, *following = steps
    if step == ITEMS:
        return {**piece, "items": described(piece["items"], following, text, schemas)}
    properties = piece["properties"]
    return {**piece, "properties": {**properties, step: described(properties[step], following, text, schemas)}}
