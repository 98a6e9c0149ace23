"""Show the list of templates, and a page for each with its versions."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from unfold.widgets import UnfoldAdminSelectWidget

from batches.admin.batches import AccountFilter
from batches.admin.refusing import RefusableAdmin, RefusableForm
from content.models import Template, TemplateVersion
from content.templates import create_template, delete_template, rename_template
from foundation.admin import ChoosingForm, ReadOnlyAdmin, draw_label, draw_link, write_time
from mailer.admin.content.moves import TEMPLATE_MOVES, control_template, links_of, paths_of

KINDS = [("dynamic", "dynamic (Handlebars)"), ("legacy", "legacy (<%subject%> and <%body%>)")]


class KindFilter(admin.SimpleListFilter):
    """Filter by the kind of template."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind, kind) for kind, _ in KINDS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Template]) -> QuerySet[Template]:
        value = self.value()
        return queryset if value is None else queryset.filter(is_dynamic=value == "dynamic")


class NewTemplateForm(RefusableForm, ChoosingForm[Template]):
    """Ask for the account, the name and the kind of a template."""

    kind = forms.ChoiceField(
        choices=KINDS,
        widget=UnfoldAdminSelectWidget,
        help_text="A dynamic template is filled with dynamic_template_data, a legacy one with the request's content "
        "and substitutions. The kind of a template cannot be changed.",
    )

    class Meta:
        model = Template
        fields = ("account", "name")


class TemplateForm(RefusableForm, ChoosingForm[Template]):
    """Ask for the name of a template."""

    class Meta:
        model = Template
        fields = ("name",)


@admin.register(Template)
class TemplateAdmin(RefusableAdmin[Template]):
    """Show, create, rename, duplicate and delete templates."""

    list_display = ("name", "shown_id", "kind", "shown_account", "active", "version_count", "changed")
    list_select_related = ("account",)
    list_filter = (KindFilter, AccountFilter)
    search_fields = ("name", "public_id__startswith")
    search_help_text = "Search by name or by the beginning of an id"
    ordering = ("-pk",)
    actions = None
    paginator, show_facets, sortable_by = ReadOnlyAdmin.paginator, ReadOnlyAdmin.show_facets, ()
    show_full_result_count = False
    list_per_page = 50
    change_form_template = "mailer/content/template.html"
    shown_once: ClassVar = ("account", "shown_id", "kind", "changed")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Template]:
        active = TemplateVersion.objects.filter(template=OuterRef("pk"), is_active=True)
        return (
            super()
            .get_queryset(request)
            .annotate(active_version=Subquery(active.values("name")[:1]), counted_versions=Count("versions"))
        )

    def get_urls(self) -> list[URLPattern]:
        moves = paths_of(self.admin_site, Template, TEMPLATE_MOVES, control_template)
        return [*moves, *super().get_urls()]

    def get_form(self, request: HttpRequest, obj: Template | None = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = TemplateForm if obj else NewTemplateForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Template | None = None) -> Any:
        return ("name", *self.shown_once) if obj else ("account", "name", "kind")

    def get_readonly_fields(self, request: HttpRequest, obj: Template | None = None) -> Any:
        return self.shown_once if obj else ()

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        if template := kwargs.get("obj"):
            context["versions"] = tabulate_versions(request, template)
            context["moves"] = links_of(request, TEMPLATE_MOVES, template)
            if request.user.has_perm("content.add_templateversion"):
                context["new_version"] = reverse("admin:content_templateversion_add", query={"template": template.pk})
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Template, form: Any, change: bool) -> None:
        if change:
            rename_template(obj.account, obj.public_id, form.cleaned_data["name"])
        else:
            is_dynamic = form.cleaned_data["kind"] == "dynamic"
            obj.pk = create_template(obj.account, obj.name, is_dynamic=is_dynamic).pk

    def response_add(self, request: HttpRequest, obj: Template, post_url_continue: str | None = None) -> HttpResponse:
        """Redirect to the page of the template, where its first version can be written."""
        messages.success(request, f"The template “{obj.name}” was created. It needs a version before it can be used.")
        return HttpResponseRedirect(reverse("admin:content_template_change", args=[obj.pk]))

    def delete_model(self, request: HttpRequest, obj: Template) -> None:
        delete_template(obj.account, obj.public_id)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[list[Any], dict[Any, Any], set[Any], Any]:
        """Return the names of the templates. Their versions are counted and not read, since they may be large."""
        templates = list(objs)
        versions = TemplateVersion.objects.filter(template__in=templates).count()
        return [template.name for template in templates], {"templates": 1, "versions": versions}, set(), []

    @admin.display(description="id")
    def shown_id(self, template: Template) -> str:
        return template.public_id

    @admin.display(description="kind")
    def kind(self, template: Template) -> str:
        return "dynamic" if template.is_dynamic else "legacy"

    @admin.display(description="account")
    def shown_account(self, template: Template) -> str:
        return template.account.username

    @admin.display(description="active version")
    def active(self, template: Any) -> str | None:
        name: str | None = template.active_version
        return name

    @admin.display(description="versions")
    def version_count(self, template: Any) -> int:
        count: int = template.counted_versions
        return count

    @admin.display(description="changed (UTC)")
    def changed(self, template: Template) -> str:
        return write_time(template.updated_at)


def tabulate_versions(request: HttpRequest, template: Template) -> dict[str, Any]:
    """Return the versions of a template for unfold's table, the newest first, without their texts."""
    rows = template.versions.order_by("-pk").values_list("pk", "name", "content__subject", "is_active", "updated_at")
    return {
        "headers": ["Version", "Subject", "State", "Changed (UTC)"],
        "rows": [
            [
                draw_link(reverse("admin:content_templateversion_change", args=[pk]), name or "(no name)"),
                subject,
                draw_label("active", "success") if is_active else "",
                write_time(updated_at),
            ]
            for pk, name, subject, is_active, updated_at in rows
        ],
    }
