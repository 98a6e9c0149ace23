"""Read the requests of custom fields. No document has texts for wrong ones: these are ours."""

from __future__ import annotations

from typing import Annotated, Final

from rest_framework.request import Request

from api.bodies import ANY, Body, as_one, condition
from api.sendgrid.ids import TYPE_NAMES, read_field_id
from api.sendgrid.reading import read_fields, read_object
from api.sendgrid.values import ListName, Texts
from audience.errors import UnknownField
from audience.models import FieldType

TYPES: Final = {name: type_ for type_, name in TYPE_NAMES.items()}


class NamedField(Body):
    """The name of a custom field."""

    name: ListName


class NewField(NamedField):
    """A new custom field."""

    field_type: Annotated[str, condition("field_type", lambda name: name in TYPES), as_one("field_type")]


TEXTS: Final[Texts] = {("field_type", ANY): f"{{name}} must be one of {', '.join(TYPES)}"}


def read_new_field(request: Request) -> tuple[str, FieldType]:
    """Return the name and the type in the body of POST field_definitions."""
    field = read_fields(NewField, {"name": None, **read_object(request)}, TEXTS)
    return field.name, TYPES[field.field_type]


def read_name(request: Request) -> str:
    """Return the name in the body of PATCH field_definitions."""
    return read_fields(NamedField, {"name": None, **read_object(request)}).name


def read_field(text: str) -> int:
    """Return the number of the custom field that a path names. Raises UnknownField."""
    number = read_field_id(text)
    if number is None:
        raise UnknownField
    return number
