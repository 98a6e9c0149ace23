"""Write segments as queries, count them on request, and show the contacts that match."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminTextareaWidget

from audience.errors import InvalidQuery
from audience.models import Segment
from audience.query.sgql import read_query
from audience.query.vocabulary import vocabulary_of
from audience.segments import create_segment, delete_segment, refresh_segment, update_segment
from batches.admin.asking import require
from batches.admin.batches import AccountFilter
from batches.admin.refusing import RefusableAdmin, RefusableForm, say
from foundation.admin import ChoosingForm, ReadOnlyAdmin, draw_figure, draw_link, write_time
from foundation.errors import SluiceError

QUERY_DIALECT = "sgql"


class SegmentForm(RefusableForm, ChoosingForm[Segment]):
    """Ask for the account, the name and the query of a segment."""

    query = forms.CharField(
        widget=UnfoldAdminTextareaWidget,
        help_text="For example: city = 'Berlin' and email like '%@example.com'",
    )

    class Meta:
        model = Segment
        fields = ("account", "name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        segment = kwargs.get("instance")
        kwargs["initial"] = {"query": segment.written if segment else "", **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        if segment is not None and segment.dialect != QUERY_DIALECT:
            # A segment that was written as conditions is shown as conditions.
            del self.fields["query"]

    def clean(self) -> Any:
        fields = super().clean() or self.cleaned_data
        account = fields.get("account") or (self.instance.account if self.instance.pk else None)
        if fields.get("query") and account:
            try:
                fields["condition"] = read_query(fields["query"], vocabulary_of(account))
            except InvalidQuery as error:
                self.add_error("query", say(error))
        return fields


@admin.register(Segment)
class SegmentAdmin(RefusableAdmin[Segment]):
    """Show and edit segments. Each row shows the last count and its time; nothing is counted for the list."""

    list_display = ("name", "shown_account", "list", "shown_count", "counted", "contacts")
    list_select_related = ("account", "list")
    list_filter = (AccountFilter,)
    search_fields = ("name",)
    ordering = ("-pk",)
    form = SegmentForm
    actions = None
    paginator, show_facets, sortable_by = ReadOnlyAdmin.paginator, ReadOnlyAdmin.show_facets, ()
    show_full_result_count = False
    change_form_template = "audience/segment.html"

    def get_urls(self) -> list[URLPattern]:
        count = path(
            "<int:segment_id>/count/", self.admin_site.admin_view(count_segment), name="audience_segment_count"
        )
        return [count, *super().get_urls()]

    def get_readonly_fields(self, request: HttpRequest, obj: Segment | None = None) -> Any:
        return ("account", "list", "conditions", "shown_count", "counted", "contacts") if obj else ()

    def get_fields(self, request: HttpRequest, obj: Segment | None = None) -> Any:
        if obj is None:
            return ("account", "name", "query")
        written = "query" if obj.dialect == QUERY_DIALECT else "conditions"
        return ("account", "name", "list", written, "shown_count", "counted", "contacts")

    def save_model(self, request: HttpRequest, obj: Segment, form: Any, change: bool) -> None:
        fields = form.cleaned_data
        if not change:
            segment = create_segment(
                obj.account, fields["name"], fields["condition"], dialect=QUERY_DIALECT, written=fields["query"]
            )
            obj.pk = segment.pk
        elif "query" in form.changed_data:
            update_segment(
                obj.account, obj.pk, name=fields["name"], condition=fields["condition"], written=fields["query"]
            )
        else:
            update_segment(obj.account, obj.pk, name=fields["name"])

    def delete_model(self, request: HttpRequest, obj: Segment) -> None:
        delete_segment(obj.account, obj.pk)

    @admin.display(description="account")
    def shown_account(self, obj: Segment) -> str:
        return obj.account.username

    @admin.display(description="contacts")
    def shown_count(self, obj: Segment) -> str:
        if obj.contact_count is None:
            return "not counted yet"
        return draw_figure(f"segment:{obj.pk}:contacts", obj.contact_count)

    @admin.display(description="counted (UTC)")
    def counted(self, obj: Segment) -> str:
        return write_time(obj.counted_at)

    @admin.display(description="conditions")
    def conditions(self, obj: Segment) -> str:
        return json.dumps(obj.written, ensure_ascii=False)

    @admin.display(description="members")
    def contacts(self, obj: Segment) -> SafeString:
        query = {"account": obj.account_id, "segment": obj.pk}
        return draw_link(reverse("admin:audience_contact_changelist", query=query), "Contacts")


@require_POST
def count_segment(request: HttpRequest, segment_id: int) -> HttpResponse:
    """Count a segment again, as the APIs do when it is requested."""
    require(request, "audience.view_segment")
    segment = get_object_or_404(Segment.objects.select_related("account"), pk=segment_id)
    try:
        counted = refresh_segment(segment)
        messages.success(request, f"The segment has {counted.contact_count:,} contacts now.")
    except SluiceError as error:
        messages.warning(request, say(error))
    return HttpResponseRedirect(reverse("admin:audience_segment_change", args=[segment.pk]))
