"""The object a request carries, and the check of what it says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from api.http import NotJson, parse_json, read_body
from api.native.errors import invalid, plain_refusal

UNKNOWN_FIELD = ["This field is not known here."]
UNKNOWN_FIELDS_NAMED, NAME_SHOWN = 20, 100


class NothingForm(serializers.Serializer[Any]):
    pass


def read_nothing(request: Request) -> None:
    """A request that has nothing to say."""
    check_query(request)
    check(NothingForm(data=read_object(request)))


def read_object(request: Request) -> Mapping[str, Any]:
    """The JSON object a request carries, empty when it has no body. Raises BadBody and Refusal."""
    body = read_body(request._request)
    if not body:
        return {}
    if request._request.content_type != "application/json":
        raise plain_refusal(415)
    value = parse_json(body)
    if not isinstance(value, dict):
        raise NotJson
    return value


def check_query(request: Request) -> None:
    """What changes something says everything in its body: a dry run in the query must not be overlooked."""
    check(NothingForm(data=request.query_params.dict()))


def check(form: serializers.Serializer[Any]) -> Mapping[str, Any]:
    """The form's values. Raises the Refusal that names every field that is wrong or not known."""
    unknown = dict.fromkeys(short(form.initial_data, known=form.fields), UNKNOWN_FIELD)
    if not form.is_valid() or unknown:
        raise invalid({**form.errors, **unknown})
    values: Mapping[str, Any] = form.validated_data
    return values


def short(given: Iterable[str], *, known: Mapping[str, Any]) -> list[str]:
    """The names that are not known: some of them, and not all of a long one."""
    return [name[:NAME_SHOWN] for name in islice((name for name in given if name not in known), UNKNOWN_FIELDS_NAMED)]
