"""Read the fields of each call's request body from the OpenAPI document, by the paths of `api/without_effect.py`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from api.document import WITHOUT_EFFECT, document_text
from api.openapi import JSON
from api.without_effect import ITEMS, WithoutEffect

DOCUMENT: Any = json.loads(document_text())
DECLARED: list[WithoutEffect] = [declared for several in WITHOUT_EFFECT.values() for declared in several]


def calls() -> dict[str, tuple[str, str, Any]]:
    """Return the method, the path and the description of each call, by operation id."""
    return {
        call["operationId"]: (method.upper(), path, call)
        for path, item in DOCUMENT["paths"].items()
        for method, call in item.items()
    }


def body_of(call: Any) -> Any:
    """Return the schema of a call's body, or None."""
    return call.get("requestBody", {}).get("content", {}).get(JSON, {}).get("schema")


def resolve(piece: Any) -> Any:
    """Return the piece that a reference leads to, or the piece itself."""
    (reference,) = piece.get("allOf", [piece])
    return DOCUMENT["components"]["schemas"][reference["$ref"].rpartition("/")[2]] if "$ref" in reference else piece


def fields_in(piece: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the path and the piece of each field that has no named fields in it, and of each object on the way."""
    schema = resolve(piece)
    if path:
        yield path, piece
    if "items" in schema and resolve(schema["items"]).get("properties"):
        yield from fields_in_object(resolve(schema["items"]), path + ITEMS)
    yield from fields_in_object(schema, path)


def fields_in_object(piece: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, inner in piece.get("properties", {}).items():
        yield from fields_in(inner, f"{path}.{name}" if path else name)


def leaves_in(piece: Any) -> list[str]:
    """Return the paths of the fields that have no named fields in them."""
    paths = [path for path, _ in fields_in(piece)]
    return [path for path in paths if not any(other.startswith((f"{path}.", f"{path}{ITEMS}")) for other in paths)]


def find_declared(name: str, path: str) -> WithoutEffect | None:
    """Return what is declared of a field of a call, or of an object that the field is in."""
    for declared in DECLARED:
        if name in declared.calls and any(path == each or path.startswith(f"{each}.") for each in declared.paths):
            return declared
    return None


def table_of(declarations: Iterable[WithoutEffect]) -> str:
    """Return the Markdown table that `docs/without-effect.md` has of some declarations."""
    rows = ["| field | in | kept | remark |", "|---|---|---|---|"]
    for declared in declarations:
        fields = ", ".join(f"`{path}`" for path in declared.paths)
        requests = ", ".join("`{} {}`".format(*calls()[name][:2]) for name in declared.calls)
        rows.append(f"| {fields} | {requests} | {'yes' if declared.is_kept else 'no'} | {declared.remark} |")
    return "\n".join(rows) + "\n"
