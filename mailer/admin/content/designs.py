"""Show the list of designs, and edit one with a preview beside the form."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.postgres.forms import SimpleArrayField
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from unfold.widgets import UnfoldAdminTextInputWidget

from batches.admin.asking import require
from batches.admin.batches import AccountFilter
from content.designs import TEXTS, change_design, create_design, delete_design
from content.models import Design
from foundation.admin import ReadOnlyAdmin, write_time
from mailer.admin.content.editor import MADE_FROM_HTML, EditorAdmin, SourceForm
from mailer.admin.content.moves import DESIGN_MOVES, control_design, links_of, paths_of
from mailer.admin.content.preview import answer_preview, read_fields
from mailer.compose.plain_text import plain_text_of
from mailer.template_preview import preview_source

FIELDS = ("name", "subject", "html_content", "generates_plain", "plain_content", "categories")


class ListedDesigns(ChangeList):
    """The list of designs, which does not read their texts."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Design]:
        return super().get_queryset(request, exclude_parameters).defer(*TEXTS)


class DesignForm(SourceForm[Design]):
    """Edit the texts of a design."""

    categories = SimpleArrayField(
        forms.CharField(max_length=255),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Separated by commas.",
    )
    names = FIELDS

    class Meta:
        model = Design
        fields = ("account", *FIELDS)
        labels = MADE_FROM_HTML


@admin.register(Design)
class DesignAdmin(EditorAdmin[Design]):
    """Show, create, edit, duplicate and delete designs."""

    list_display = ("name", "subject", "shown_account", "changed")
    list_select_related = ("account",)
    list_filter = (AccountFilter,)
    search_fields = ("name",)
    search_help_text = "Search by name"
    ordering = ("-pk",)
    form = DesignForm
    actions = None
    paginator, show_facets, sortable_by = ReadOnlyAdmin.paginator, ReadOnlyAdmin.show_facets, ()
    show_full_result_count = False
    list_per_page = 50
    change_form_template = "mailer/content/design.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Design]:
        return super().get_queryset(request).select_related("account")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ListedDesigns

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        moves = paths_of(self.admin_site, Design, DESIGN_MOVES, control_design)
        return [path("preview/", view(show_preview), name="content_design_preview"), *moves, *super().get_urls()]

    def get_fields(self, request: HttpRequest, obj: Design | None = None) -> Any:
        return FIELDS if obj else ("account", *FIELDS)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        design, form = kwargs.get("obj"), context["adminform"].form
        is_form = "name" in form.fields
        fields = read_fields(lambda name: form[name].value() if is_form else getattr(design, name))
        context |= {
            "design": design,
            "moves": links_of(request, DESIGN_MOVES, design) if design else [],
            "preview": preview_source(fields),
            "preview_url": reverse("admin:content_design_preview"),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Design, form: Any, change: bool) -> None:
        if change:
            change_design(obj.account, obj.uuid, plain_text_of=plain_text_of, **form.changes())
        else:
            obj.pk = create_design(obj.account, plain_text_of=plain_text_of, **form.changes()).pk

    def delete_model(self, request: HttpRequest, obj: Design) -> None:
        delete_design(obj.account, obj.uuid)

    @admin.display(description="account")
    def shown_account(self, design: Design) -> str:
        return design.account.username

    @admin.display(description="changed (UTC)")
    def changed(self, design: Design) -> str:
        return write_time(design.updated_at)


def show_preview(request: HttpRequest) -> HttpResponse:
    """Render the texts in the form of a design."""
    require(request, "content.view_design")
    if request.method != "POST":
        return HttpResponseRedirect(reverse("admin:content_design_changelist"))
    return answer_preview(request, preview_source(read_fields(request.POST.get)), title="a design")
