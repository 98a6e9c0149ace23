"""Read bodies and parameters that several families have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from rest_framework.request import Request

from api.http import NotJson, parse_json, read_body
from api.sendgrid.errors import Problem, Refusal, plain_refusal

BOOLEANS: Final = {"true": True, "false": False}


def read_flag(request: Request, name: str) -> bool:
    """`true` or `false` in the query; false if nothing is said."""
    given = request.query_params.get(name, "false").lower()
    if given not in BOOLEANS:
        raise Refusal(400, Problem(f"{name} must be true or false", name))
    return BOOLEANS[given]


def said_of(given: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Those of the fields that are not null."""
    return {name: value for name in names if (value := given.get(name)) is not None}


def read_object(request: Request) -> Mapping[str, Any]:
    """The JSON object a request carries. Raises BadBody and Refusal."""
    value = read_json(request)
    if not isinstance(value, dict):
        raise NotJson
    return value


def read_array(request: Request) -> list[Any]:
    """The JSON array a request carries. Raises BadBody and Refusal."""
    value = read_json(request)
    if not isinstance(value, list):
        raise NotJson
    return value


def read_json(request: Request) -> Any:
    body = read_body(request._request)
    if not body:
        raise NotJson
    if request._request.content_type != "application/json":
        raise plain_refusal(415)
    return parse_json(body)


def read_list(request: Request, name: str, *, highest: int, lowest: int = 0) -> list[str]:
    """The values of a parameter, repeated or with commas between."""
    given = [each for text in request.query_params.getlist(name) for each in text.split(",") if each]
    if not lowest <= len(given) <= highest:
        raise Refusal(400, Problem(f"{name} must have from {lowest} to {highest} entries", name))
    return given


NUMBER = re.compile(r"[0-9]{1,12}")


def read_number(request: Request, name: str, *, lowest: int = 0, highest: int = 10**12) -> int | None:
    given = request.query_params.get(name)
    if given is None:
        return None
    if not NUMBER.fullmatch(given) or not lowest <= int(given) <= highest:
        raise Refusal(400, Problem(f"{name} must be an integer from {lowest} to {highest}", name))
    return int(given)
