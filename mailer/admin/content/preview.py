"""Show the preview of the texts in an editor, beside the form or on a separate page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse

from batches.admin.asking import require
from content.models import Template
from content.versions import VersionFields
from mailer.admin.content.moves import link_template
from mailer.template_preview import TemplatePreview, preview_version

TEXTS = ("subject", "html_content", "plain_content")


def read_fields(value_of: Callable[[str], Any]) -> VersionFields:
    """Return the fields that a version and a design have in common from a form, with LF as line breaks."""
    fields: Any = {name: read_text(value_of(name)) for name in TEXTS}
    fields["generates_plain"] = bool(value_of("generates_plain"))
    typed: VersionFields = fields
    return typed


def read_text(value: Any) -> str:
    """Return a text of a form as it would be stored."""
    return str(value or "").replace("\r\n", "\n").replace("\0", "")


def show_preview(request: HttpRequest, template_id: int) -> HttpResponse:
    """Render the texts in the form of a version."""
    require(request, "content.view_templateversion")
    template = get_object_or_404(Template.objects.select_related("account"), pk=template_id)
    if request.method != "POST":
        return HttpResponseRedirect(link_template(template.pk))
    fields, test_data = read_fields(request.POST.get), read_text(request.POST.get("test_data"))
    return answer_preview(request, preview_version(template, fields, test_data), title=template.name)


def answer_preview(request: HttpRequest, preview: TemplatePreview, *, title: str) -> HttpResponse:
    """Answer with a preview: a fragment for htmx, or a page."""
    if "HX-Request" in request.headers:
        return TemplateResponse(request, "mailer/content/preview.html", {"preview": preview})
    context = {**admin.site.each_context(request), "title": f"Preview of {title}", "preview": preview}
    return TemplateResponse(request, "mailer/content/preview_page.html", context)
