"""Answer the calls for templates and their versions."""

from __future__ import annotations

from typing import ClassVar, Final

from django.urls import URLPattern, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from api.caller import Needed
from api.idempotency import done_once
from api.sendgrid.endpoint import MarketingEndpoint
from api.sendgrid.errors import Answer, Answers
from api.sendgrid.outputs import page_of
from api.sendgrid.paging import read_page
from api.sendgrid.templates import inputs, outputs, schema
from content import templates, versions
from content.limits import TEMPLATES, VERSIONS
from content.models import TemplateVersion
from mailer.template_rules import RULES

NOT_FOUND: Final = Answer(404, None, "not found")
ANSWERS: Final[Answers] = {
    "unknown_template": NOT_FOUND,
    "unknown_version": NOT_FOUND,
    "template_limit_reached": Answer(400, None, f"An account may have at most {TEMPLATES} templates."),
    "version_limit_reached": Answer(400, None, f"A template may have at most {VERSIONS} versions."),
}


def scopes_for(group: str, **verbs: str) -> Needed:
    """Return the scopes that the methods of an endpoint need, from a verb for each method."""
    return {method: f"{group}.{verb}" for method, verb in verbs.items()}


class TemplateEndpoint(MarketingEndpoint):
    """An endpoint of templates. Its errors have the envelope of the newer families."""

    answers: ClassVar[Answers] = ANSWERS

    def answer_with(self, template_id: str, status: int = 200) -> Response:
        """Answer with a template and its versions."""
        return Response(outputs.template(versions.find_with_versions(self.account, template_id)), status=status)


def answer_with_version(version: TemplateVersion, status: int = 200) -> Response:
    """Answer with a whole version."""
    return Response(outputs.version(version), status=status)


@schema.templates
class Templates(TemplateEndpoint):
    scopes = scopes_for("templates", POST="create", GET="read")

    def get(self, request: Request) -> Response:
        """List templates. Older clients give no page_size: they get all templates under another name."""
        rows = templates.list_templates(self.account, are_dynamic=inputs.read_generations(request))
        lines = versions.without_texts(rows)
        if "page_size" not in request.query_params:
            return Response({"templates": [outputs.template(each) for each in lines]})
        page = read_page(request, lines, default=inputs.HIGHEST_PAGE, highest=inputs.HIGHEST_PAGE)
        return Response(page_of(map(outputs.template, page.rows), page.metadata))

    @done_once
    def post(self, request: Request) -> Response:
        new = inputs.read_new_template(request)
        is_dynamic = new.generation == "dynamic"
        template = templates.create_template(self.account, new.name, is_dynamic=is_dynamic)
        return self.answer_with(template.public_id, 201)


@schema.one_template
class OneTemplate(TemplateEndpoint):
    scopes = scopes_for("templates", GET="read", POST="create", PATCH="update", DELETE="delete")

    def get(self, request: Request, template_id: str) -> Response:
        return self.answer_with(inputs.read_template_id(template_id))

    @done_once
    def post(self, request: Request, template_id: str) -> Response:
        """Copy the template with its versions."""
        public_id, name = inputs.read_template_id(template_id), inputs.read_name_of_copy(request)
        return self.answer_with(templates.duplicate_template(self.account, public_id, name).public_id, 201)

    def patch(self, request: Request, template_id: str) -> Response:
        public_id = inputs.read_template_id(template_id)
        templates.rename_template(self.account, public_id, inputs.read_name(request))
        return self.answer_with(public_id)

    def delete(self, request: Request, template_id: str) -> Response:
        templates.delete_template(self.account, inputs.read_template_id(template_id))
        return Response(status=204)


@schema.versions
class Versions(TemplateEndpoint):
    scopes = scopes_for("templates.versions", POST="create")

    @done_once
    def post(self, request: Request, template_id: str) -> Response:
        public_id, fields = inputs.read_template_id(template_id), inputs.read_new_version(request)
        return answer_with_version(versions.create_version(self.account, public_id, rules=RULES, **fields), 201)


@schema.one_version
class OneVersion(TemplateEndpoint):
    scopes = scopes_for("templates.versions", GET="read", PATCH="update", DELETE="delete")

    def get(self, request: Request, template_id: str, version_id: str) -> Response:
        return answer_with_version(versions.find_version(self.account, *inputs.read_ids(template_id, version_id)))

    def patch(self, request: Request, template_id: str, version_id: str) -> Response:
        ids, fields = inputs.read_ids(template_id, version_id), inputs.read_version_change(request)
        return answer_with_version(versions.change_version(self.account, *ids, rules=RULES, **fields))

    def delete(self, request: Request, template_id: str, version_id: str) -> Response:
        versions.delete_version(self.account, *inputs.read_ids(template_id, version_id))
        return Response(status=204)


@schema.activation
class ActivateVersion(TemplateEndpoint):
    scopes = scopes_for("templates.versions.activate", POST="create")

    @done_once
    def post(self, request: Request, template_id: str, version_id: str) -> Response:
        return answer_with_version(versions.activate_version(self.account, *inputs.read_ids(template_id, version_id)))


TEMPLATE = r"^templates/(?P<template_id>[^/\0]{1,200})"
VERSION = rf"{TEMPLATE}/versions/(?P<version_id>[^/\0]{{1,200}})"

urlpatterns: list[URLPattern] = [
    re_path(r"^templates/?$", Templates.as_view()),
    re_path(rf"{TEMPLATE}/?$", OneTemplate.as_view()),
    re_path(rf"{TEMPLATE}/versions/?$", Versions.as_view()),
    re_path(rf"{VERSION}/?$", OneVersion.as_view()),
    re_path(rf"{VERSION}/activate/?$", ActivateVersion.as_view()),
]
