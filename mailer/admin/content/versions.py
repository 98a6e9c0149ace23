"""Edit a version of a template, with a preview beside the form."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from batches.admin.refusing import say
from content.models import Template, TemplateVersion
from content.test_data import check_test_data
from content.versions import VersionFields, change_version, create_version, delete_version
from foundation.admin import read_id
from foundation.errors import SluiceError
from mailer.admin.content.editor import MADE_FROM_HTML, EditorAdmin, SourceForm, code_field
from mailer.admin.content.moves import VERSION_MOVES, control_version, link_template, link_version, links_of, paths_of
from mailer.admin.content.preview import read_fields, read_text, show_preview
from mailer.template_preview import preview_version
from mailer.template_rules import RULES

FIELDS = ("name", "subject", "html_content", "generates_plain", "plain_content", "test_data")
SHOWN = ("name", "subject", "html", "generates_plain", "plain_text", "test_data")
"""The fields for an operator who may only see versions."""


class VersionForm(SourceForm[TemplateVersion]):
    """Edit the texts of a version, and the test data of its previews."""

    test_data = code_field(
        8,
        "Test data",
        "A JSON object that fills the preview and test mail. In a legacy template its keys are substitutions.",
    )
    names = FIELDS

    class Meta:
        model = TemplateVersion
        fields = ("name", "generates_plain", "test_data")
        labels = MADE_FROM_HTML

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        version = kwargs.get("instance")
        if version is not None and version.pk:
            content = version.content
            stored = {"subject": content.subject, "html_content": content.html, "plain_content": content.plain}
            kwargs["initial"] = {**stored, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)

    def clean_test_data(self) -> str:
        text: str = self.cleaned_data["test_data"]
        try:
            check_test_data(text)
        except SluiceError as error:
            raise forms.ValidationError(say(error)) from error
        return text


@admin.register(TemplateVersion)
class TemplateVersionAdmin(EditorAdmin[TemplateVersion]):
    """Show and edit versions. The page of their template lists them."""

    form = VersionForm
    change_form_template = "mailer/content/version.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[TemplateVersion]:
        return super().get_queryset(request).select_related("template__account", "content")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        moves = paths_of(self.admin_site, TemplateVersion, VERSION_MOVES, control_version)
        preview = path("preview/<int:template_id>/", view(show_preview), name="content_templateversion_preview")
        return [preview, *moves, *super().get_urls()]

    def get_fields(self, request: HttpRequest, obj: TemplateVersion | None = None) -> Any:
        return FIELDS if obj is None or self.has_change_permission(request, obj) else SHOWN

    def get_readonly_fields(self, request: HttpRequest, obj: TemplateVersion | None = None) -> Any:
        return () if obj is None or self.has_change_permission(request, obj) else SHOWN

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Redirect to the list of templates."""
        return HttpResponseRedirect(reverse("admin:content_template_changelist"))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if self._template_of(request) is None:
            messages.warning(request, "Choose the template first: a version is created on its page.")
            return HttpResponseRedirect(reverse("admin:content_template_changelist"))
        return super().add_view(request, form_url, extra_context)

    def _template_of(self, request: HttpRequest) -> Template | None:
        """Return the template that a new version belongs to, or None."""
        number = read_id(request.GET.get("template", ""))
        return Template.objects.select_related("account").filter(pk=number).first() if number else None

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        version = kwargs.get("obj")
        template = version.template if version else self._template_of(request)
        if template is not None:
            context |= {
                "template": template,
                "moves": links_of(request, VERSION_MOVES, version) if version else [],
                "show_save_and_add_another": False,
                "preview": preview_version(template, *shown_fields(version, context["adminform"].form)),
                "preview_url": reverse("admin:content_templateversion_preview", args=[template.pk]),
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: TemplateVersion, form: Any, change: bool) -> None:
        if change:
            version_template = obj.template
            change_version(
                version_template.account, version_template.public_id, obj.uuid, rules=RULES, **form.changes()
            )
        elif (template := self._template_of(request)) is not None:
            obj.template = template
            obj.pk = create_version(template.account, template.public_id, rules=RULES, **form.changes()).pk

    def response_post_save_add(self, request: HttpRequest, obj: TemplateVersion) -> HttpResponseRedirect:
        return HttpResponseRedirect(link_version(obj.pk))

    def response_post_save_change(self, request: HttpRequest, obj: TemplateVersion) -> HttpResponseRedirect:
        return HttpResponseRedirect(link_template(obj.template_id))

    def delete_model(self, request: HttpRequest, obj: TemplateVersion) -> None:
        delete_version(obj.template.account, obj.template.public_id, obj.uuid)

    @admin.display(description="subject")
    def subject(self, version: TemplateVersion) -> str:
        return version.content.subject

    @admin.display(description="HTML")
    def html(self, version: TemplateVersion) -> str:
        return version.content.html

    @admin.display(description="plain text")
    def plain_text(self, version: TemplateVersion) -> str:
        return version.content.plain

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: int) -> HttpResponse:
        messages.success(request, f"The version “{obj_display}” was deleted.")
        return HttpResponseRedirect(reverse("admin:content_template_changelist"))


def shown_fields(version: TemplateVersion | None, form: forms.BaseForm) -> tuple[VersionFields, str]:
    """Return the fields and the test data of a page: those of its form, stored or not, or those of the version."""
    if version is None or "test_data" in form.fields:
        return read_fields(lambda name: form[name].value()), read_text(form["test_data"].value())
    content = version.content
    fields: VersionFields = {
        "subject": content.subject,
        "html_content": content.html,
        "plain_content": content.plain,
        "generates_plain": version.generates_plain,
    }
    return fields, version.test_data
