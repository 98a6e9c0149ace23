"""Answer the calls for the fields of contacts."""

from __future__ import annotations

from typing import Annotated, Any, Final

from django.urls import URLPattern, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from api.bodies import ANY, Body, as_one, condition
from api.caller import needing
from api.idempotency import done_once
from api.sendgrid.endpoint import MarketingEndpoint
from api.sendgrid.errors import Answer
from api.sendgrid.fields import schema
from api.sendgrid.ids import RESERVED_FIELDS, TYPE_NAMES, read_field_id, write_field_id, write_reserved_id
from api.sendgrid.outputs import metadata_of
from api.sendgrid.reading import read_fields, read_object
from api.sendgrid.values import FIELD_IN_USE, FIELD_LIMIT_REACHED, ListName, Texts
from audience import fields
from audience.errors import UnknownField
from audience.models import FieldDefinition, FieldType

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


def write_field(field: FieldDefinition) -> dict[str, Any]:
    """Return a custom field."""
    return {"id": write_field_id(field), "name": field.name, "field_type": TYPE_NAMES[FieldType(field.type)]}


def write_reserved_fields() -> list[dict[str, Any]]:
    """Return the fields that every contact has."""
    return [
        {
            "id": write_reserved_id(number),
            "name": reserved.name,
            "field_type": TYPE_NAMES[reserved.type],
            **({"read_only": True} if reserved.is_read_only else {}),
        }
        for number, reserved in RESERVED_FIELDS.items()
    ]


class FieldEndpoint(MarketingEndpoint):
    """An endpoint of custom fields."""

    answers = {
        "unknown_field": Answer(404, "id", "custom field does not exist"),
        "field_in_use": FIELD_IN_USE,
        "field_limit_reached": FIELD_LIMIT_REACHED,
    }


@schema.fields
class FieldDefinitions(FieldEndpoint):
    scopes = needing(POST="create", GET="read")

    def get(self, request: Request) -> Response:
        return Response(
            {
                "custom_fields": [write_field(each) for each in fields.list_fields(self.account)],
                "reserved_fields": write_reserved_fields(),
                "_metadata": metadata_of(request),
            }
        )

    @done_once
    def post(self, request: Request) -> Response:
        """Create a custom field. SendGrid answers 200 here, not 201."""
        name, type_ = read_new_field(request)
        return Response(tell_field(request, fields.create_field(self.account, name, type_)))


def tell_field(request: Request, field: FieldDefinition) -> dict[str, object]:
    body = write_field(field)
    return {**body, "_metadata": metadata_of(request, f"field_definitions/{body['id']}")}


@schema.one_field
class OneFieldDefinition(FieldEndpoint):
    scopes = needing(PATCH="update", DELETE="delete")

    def patch(self, request: Request, field_id: str) -> Response:
        number, name = read_field(field_id), read_name(request)
        return Response(tell_field(request, fields.rename_field(self.account, number, name)))

    def delete(self, request: Request, field_id: str) -> Response:
        fields.delete_field(self.account, read_field(field_id))
        return Response(status=204)


FIELD_ID = r"(?P<field_id>[^/\0]{1,200})"

urlpatterns: list[URLPattern] = [
    re_path(r"^marketing/field_definitions/?$", FieldDefinitions.as_view()),
    re_path(rf"^marketing/field_definitions/{FIELD_ID}/?$", OneFieldDefinition.as_view()),
]
