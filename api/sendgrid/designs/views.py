"""Answer the calls for designs. There are no pre-built ones."""

from __future__ import annotations

from typing import ClassVar, Final

from django.urls import URLPattern, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from api.caller import Needed, campaign_scopes
from api.idempotency import done_once
from api.sendgrid.designs import inputs, outputs, schema
from api.sendgrid.endpoint import MarketingEndpoint
from api.sendgrid.errors import Answer, Answers
from api.sendgrid.outputs import page_of
from api.sendgrid.paging import read_page
from content import designs
from content.errors import UnknownDesign
from content.limits import DESIGNS
from content.models import Design
from mailer.compose.plain_text import plain_text_of

ANSWERS: Final[Answers] = {
    "unknown_design": Answer(404, "id", "not found"),
    "design_limit_reached": Answer(400, None, f"An account may have at most {DESIGNS} designs."),
}


def scopes_for(**verbs: str) -> Needed:
    """Return the scopes that the methods of an endpoint need: of the design library, or of campaigns."""
    return {method: (f"design_library.{verb}", *campaign_scopes(verb)) for method, verb in verbs.items()}


class DesignEndpoint(MarketingEndpoint):
    """An endpoint of designs. Its errors have the envelope of the newer families."""

    answers: ClassVar[Answers] = ANSWERS


@schema.designs
class Designs(DesignEndpoint):
    scopes = scopes_for(GET="read", POST="create")

    def get(self, request: Request) -> Response:
        with_texts = inputs.read_with_texts(request)
        rows = designs.list_designs(self.account, with_texts=with_texts)
        most = inputs.WHOLE_PAGE if with_texts else inputs.PAGE
        page = read_page(request, rows, default=inputs.PAGE, highest=inputs.PAGE, most=most)
        return Response(page_of(map(outputs.design if with_texts else outputs.line, page.rows), page.metadata))

    @done_once
    def post(self, request: Request) -> Response:
        fields = inputs.read_new_design(request)
        design = designs.create_design(self.account, plain_text_of=plain_text_of, **fields)
        return Response(outputs.design(design), status=201)


@schema.one_design
class OneDesign(DesignEndpoint):
    scopes = scopes_for(GET="read", POST="create", PATCH="update", DELETE="delete")

    def get(self, request: Request, design_id: str) -> Response:
        return Response(outputs.design(designs.find_design(self.account, inputs.read_design_id(design_id))))

    @done_once
    def post(self, request: Request, design_id: str) -> Response:
        """Copy the design."""
        uuid, copy = inputs.read_design_id(design_id), inputs.read_copy(request)
        design = designs.duplicate_design(self.account, uuid, name=copy.name, editor=copy.editor or "")
        return Response(outputs.design(design), status=201)

    def patch(self, request: Request, design_id: str) -> Response:
        uuid, fields = inputs.read_design_id(design_id), inputs.read_design_change(request)
        design = designs.change_design(self.account, uuid, plain_text_of=plain_text_of, **fields)
        return Response(outputs.design(design))

    def delete(self, request: Request, design_id: str) -> Response:
        designs.delete_design(self.account, inputs.read_design_id(design_id))
        return Response(status=204)


@schema.pre_built_designs
class PreBuiltDesigns(DesignEndpoint):
    scopes = scopes_for(GET="read")

    def get(self, request: Request) -> Response:
        inputs.read_with_texts(request)
        page = read_page(request, Design.objects.none(), default=inputs.PAGE, highest=inputs.PAGE)
        return Response(page_of([], page.metadata))


@schema.one_pre_built_design
class OnePreBuiltDesign(DesignEndpoint):
    scopes = scopes_for(GET="read", POST="create")

    def get(self, request: Request, design_id: str) -> Response:
        raise UnknownDesign

    @done_once
    def post(self, request: Request, design_id: str) -> Response:
        raise UnknownDesign


DESIGN_ID = r"(?P<design_id>[^/\0]{1,200})"

urlpatterns: list[URLPattern] = [
    re_path(r"^designs/?$", Designs.as_view()),
    re_path(r"^designs/pre-builts/?$", PreBuiltDesigns.as_view()),
    re_path(rf"^designs/pre-builts/{DESIGN_ID}/?$", OnePreBuiltDesign.as_view()),
    re_path(rf"^designs/{DESIGN_ID}/?$", OneDesign.as_view()),
]
