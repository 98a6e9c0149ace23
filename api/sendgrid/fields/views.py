"""Answer the calls for the fields of contacts."""

from __future__ import annotations

from django.urls import URLPattern, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from api.caller import needing
from api.idempotency import done_once
from api.sendgrid.endpoint import MarketingEndpoint
from api.sendgrid.errors import Answer
from api.sendgrid.fields import inputs, outputs, schema
from api.sendgrid.outputs import metadata_of
from api.sendgrid.values import FIELD_IN_USE, FIELD_LIMIT_REACHED
from audience import fields


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
                "custom_fields": [outputs.field(each) for each in fields.list_fields(self.account)],
                "reserved_fields": outputs.reserved_fields(),
                "_metadata": metadata_of(request),
            }
        )

    @done_once
    def post(self, request: Request) -> Response:
        """Create a custom field. SendGrid answers 200 here, not 201."""
        name, type_ = inputs.read_new_field(request)
        return Response(outputs.one_field(request, fields.create_field(self.account, name, type_)))


@schema.one_field
class OneFieldDefinition(FieldEndpoint):
    scopes = needing(PATCH="update", DELETE="delete")

    def patch(self, request: Request, field_id: str) -> Response:
        number, name = inputs.read_field(field_id), inputs.read_name(request)
        return Response(outputs.one_field(request, fields.rename_field(self.account, number, name)))

    def delete(self, request: Request, field_id: str) -> Response:
        fields.delete_field(self.account, inputs.read_field(field_id))
        return Response(status=204)


FIELD_ID = r"(?P<field_id>[^/\0]{1,200})"

urlpatterns: list[URLPattern] = [
    re_path(r"^marketing/field_definitions/?$", FieldDefinitions.as_view()),
    re_path(rf"^marketing/field_definitions/{FIELD_ID}/?$", OneFieldDefinition.as_view()),
]
