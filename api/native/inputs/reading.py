"""Check the fields of a request against a form. Fields that the form does not name are refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from api.http import keep_body, read_object
from api.native.errors import invalid, plain_refusal

UNKNOWN_FIELD = ["This call does not have this field."]
UNKNOWN_FIELDS_NAMED, NAME_SHOWN = 20, 100


class NothingForm(serializers.Serializer[Any]):
    """The form of a request without fields."""


def read_nothing(request: Request) -> None:
    """Check that a request has no fields. Raises BadBody and Refusal."""
    read_body_as(NothingForm, request)


def read_no_query(request: Request) -> None:
    """Check that a request has no query. Raises Refusal."""
    read_query_as(NothingForm, request)


def read_body_as(form: type[serializers.Serializer[Any]], request: Request) -> Mapping[str, Any]:
    """Return the fields of a body, which may be left out. Raises BadBody and Refusal.

    A call with a body takes no query: a dry run in the query must not be overlooked.
    """
    check(NothingForm(data=request.query_params.dict()))
    if keep_body(request._request) and request._request.content_type != "application/json":
        raise plain_refusal(415)
    return check(form(data=read_object(request._request, may_be_empty=True)))


def read_query_as(form: type[serializers.Serializer[Any]], request: Request) -> Mapping[str, Any]:
    """Return the fields of a query. Raises Refusal."""
    return check(form(data=request.query_params.dict()))


def check(form: serializers.Serializer[Any]) -> Mapping[str, Any]:
    """Return the form's values. Raises the Refusal that names every field that is wrong or unknown."""
    unknown = dict.fromkeys(short(form.initial_data, fields=form.fields), UNKNOWN_FIELD)
    if not form.is_valid() or unknown:
        raise invalid({**form.errors, **unknown})
    values: Mapping[str, Any] = form.validated_data
    return values


def short(names: Iterable[str], *, fields: Mapping[str, Any]) -> list[str]:
    """Return the first names that are unknown, each of them shortened."""
    return [name[:NAME_SHOWN] for name in islice((name for name in names if name not in fields), UNKNOWN_FIELDS_NAMED)]
