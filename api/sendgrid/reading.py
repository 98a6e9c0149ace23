"""Read bodies and parameters of requests. Errors are raised as a Refusal that names them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from pydantic import ValidationError
from rest_framework.request import Request

from api import http
from api.bodies import Body, explain
from api.http import keep_body
from api.sendgrid.errors import Problem, Refusal, plain_refusal
from api.sendgrid.values import TEXTS, Texts

BOOLEANS: Final = {"true": True, "false": False}
NUMBER: Final = re.compile(r"[0-9]{1,12}")
DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

Model = TypeVar("Model", bound=Body)


def read_object(request: Request) -> dict[str, Any]:
    """Return the JSON object of a body. Raises BadBody and Refusal."""
    check_content_type(request)
    return http.read_object(request._request)


def read_array(request: Request) -> list[Any]:
    """Return the JSON array of a body. Raises BadBody and Refusal."""
    check_content_type(request)
    return http.read_array(request._request)


def check_content_type(request: Request) -> None:
    """Refuse a body that is not declared as JSON."""
    if keep_body(request._request) and request._request.content_type != "application/json":
        raise plain_refusal(415)


def has_body(request: Request) -> bool:
    """Return whether a request holds a body, where it may be empty."""
    return bool(keep_body(request._request))


def read_fields(
    model: type[Model], fields: Mapping[str, Any], texts: Texts | None = None, *, most: int | None = None
) -> Model:
    """Validate the fields of an object. Raises the Refusal that names the fields that are wrong, `most` of them.

    `texts` are those of the family. They are used before those of `values.py`.
    """
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise Refusal(400, *problems_of(error, texts or {})[:most]) from None


def problems_of(error: ValidationError, texts: Texts) -> list[Problem]:
    """Return a problem for each field that is wrong."""
    return [
        text
        if isinstance(text, Problem)
        else Problem(text.format(name=flaw.field.rpartition(".")[2], **flaw.limits), flaw.field)
        for flaw, text in explain(error, {**TEXTS, **texts})
    ]


def without_nulls(fields: Mapping[str, Any], but: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the fields that are not null, and those that null empties."""
    return {name: value for name, value in fields.items() if value is not None or name in but}


def read_flag(request: Request, name: str) -> bool:
    """Return a parameter that is `true` or `false`; false if it is missing."""
    value = request.query_params.get(name, "false").lower()
    if value not in BOOLEANS:
        raise Refusal(400, Problem(f"{name} must be true or false", name))
    return BOOLEANS[value]


def read_list(request: Request, name: str, *, highest: int, lowest: int = 0) -> list[str]:
    """Return the values of a parameter that is repeated or holds commas."""
    values = [value for text in request.query_params.getlist(name) for value in text.split(",") if value]
    if not lowest <= len(values) <= highest:
        raise Refusal(400, Problem(f"{name} must have from {lowest} to {highest} entries", name))
    return values


def read_number(request: Request, name: str, *, lowest: int = 0, highest: int = 10**12) -> int | None:
    """Return a parameter that is a number, or None if it is missing."""
    text = request.query_params.get(name)
    if text is None:
        return None
    if not NUMBER.fullmatch(text) or not lowest <= int(text) <= highest:
        raise Refusal(400, Problem(f"{name} must be an integer from {lowest} to {highest}", name))
    return int(text)


def read_date(request: Request, name: str, *, text: str = "must be a date like 2030-01-31") -> dt.date | None:
    """Return a parameter that is a date, or None if it is missing. Raises the Refusal that says `text` of it."""
    value = request.query_params.get(name)
    if value is None:
        return None
    try:
        return dt.date.fromisoformat(value if DATE.fullmatch(value) else "")
    except ValueError:
        raise Refusal(400, Problem(f"{name} {text}", name)) from None
