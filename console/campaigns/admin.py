"""Show the list of campaigns, with a red cross on running ones, and a page with form, figures and buttons for each."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.safestring import SafeString

from audience.models import ContactList, Segment
from batches.admin.asking import require
from batches.admin.batches import AccountFilter
from batches.admin.refusing import RefusableAdmin
from campaigns.admin.control import control_campaign, link_move
from campaigns.admin.figures import link_campaign
from campaigns.admin.form import CampaignForm, NewCampaignForm
from campaigns.admin.moves import MAY_CHANGE, MAY_SEE, MOVES, SEND
from campaigns.admin.pace import describe_window
from campaigns.admin.preview import show_preview
from campaigns.admin.reach import show_reach
from campaigns.admin.times import describe_plan, write_time_of
from campaigns.editing import create_campaign, edit_campaign
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from console.campaigns.page import EDITABLE, PAGE, RIGHTS, living_campaigns
from console.campaigns.rows import LONG, ROWS, cells_of, draw_cell, draw_menu, live_ids, read_ids
from console.header import answer_live
from console.live import embed, has_right, is_poll
from foundation.admin import ReadOnlyAdmin, read_id
from foundation.zones import write_zoned
from mailer.admin.failures import show_failures_of_campaign

CONTENT = (
    *("title", "subject", "preheader", "html_content", "plain_content", "generates_plain", "categories"),
    *("sender", "from_name", "reply_to"),
)
AUDIENCE = ("is_to_all", "lists", "segments", "suppression_group", "custom_unsubscribe_url")
SHOWN_AUDIENCE = ("shown_audience", "suppression_group", "custom_unsubscribe_url")
TIME = ("undo_seconds", "is_local_time")
PACE = ("rate_per_minute", "spread_seconds")
WINDOW = ("window_weekdays", "window_from", "window_to", "window_time_zone")


class StatusFilter(admin.SimpleListFilter):
    """Filter by the status that the list shows."""

    title = "status"
    parameter_name = "status__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(value), label) for value, label in CampaignStatus.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> QuerySet[Campaign]:
        chosen = self.value()
        if chosen is None:
            return queryset
        return queryset.filter(Q(status_now=chosen)) if chosen in map(str, CampaignStatus) else queryset.none()


class CampaignsPage(ChangeList):
    """Add the cells of a page of campaigns, from a few statements for all of them."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Campaign]:
        return super().get_queryset(request, exclude_parameters).defer(*LONG)

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        campaigns: list[Any] = list(self.result_list)
        rights = frozenset(right for right in RIGHTS if has_right(request, right))
        for campaign, cells in zip(campaigns, cells_of(campaigns, may_change=MAY_CHANGE in rights), strict=True):
            campaign.cells, campaign.drawn_menu = cells, draw_menu(campaign, rights)
        self.result_list = campaigns


@admin.register(Campaign)
class CampaignAdmin(RefusableAdmin[Campaign]):
    """Show and edit campaigns. Every change goes through the core."""

    list_display = ("cross", "shown_title", "shown_status", "shown_account", "made", "progress", "menu")
    list_display_links = ("shown_title",)
    list_filter = (StatusFilter, AccountFilter)
    search_fields = ("title",)
    search_help_text = "Search by title"
    ordering = ("-pk",)
    paginator, show_facets, sortable_by = ReadOnlyAdmin.paginator, ReadOnlyAdmin.show_facets, ()
    show_full_result_count = False
    list_per_page = 50
    actions = None
    add_fieldsets = ((None, {"fields": ("account", "title")}),)
    readonly_fields = ("shown_audience", "planned", "begins", "finished", "shown_window")
    conditional_fields = {"send_at": "scheduling == 'at'"}
    change_form_template = "console/campaigns/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Campaign]:
        return Campaign.objects.by_clock().select_related("account").filter(deleted_at=None)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Campaign | None:
        """Return a campaign with the rows and the names that its page shows."""
        shown = (
            living_campaigns()
            .select_related("suppression_group")
            .annotate(
                list_names=names_of(ContactList.objects.filter(deleted_at=None)),
                segment_names=names_of(Segment.objects.all()),
            )
        )
        return shown.filter(pk=read_id(object_id)).first()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CampaignsPage

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        moves = [
            path(
                f"<int:campaign_id>/{move.name}/",
                view(partial(control_campaign, move=move)),
                name=f"campaigns_campaign_{move.name}",
            )
            for move in MOVES
        ]
        failures = path("<int:campaign_id>/failures/", view(show_failures), name="campaigns_campaign_failures")
        reach = path("<int:campaign_id>/reach/", view(show_reach), name="campaigns_campaign_reach")
        preview = path("<int:campaign_id>/preview/", view(show_preview), name="campaigns_campaign_preview")
        # These come before Django's URLs, since `delete` is one of our moves.
        return [failures, reach, preview, *moves, *super().get_urls()]

    def has_change_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.status in EDITABLE)

    def has_delete_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        """Return False: campaigns are deleted by the button of this page, not by Django's."""
        return False

    def get_form(self, request: HttpRequest, obj: Campaign | None = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = CampaignForm if obj else NewCampaignForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Campaign | None = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        if not self.has_change_permission(request, obj):
            shown = ("planned", "begins", "finished", *TIME, *PACE, "shown_window")
            return (
                (None, {"fields": CONTENT}),
                ("Audience", {"fields": SHOWN_AUDIENCE}),
                ("Time", {"fields": shown}),
            )
        return (
            (None, {"fields": CONTENT}),
            ("Audience", {"fields": AUDIENCE}),
            ("Scheduling", {"fields": ("scheduling", "send_at", *TIME)}),
            ("Pace", {"fields": (PACE, *WINDOW)}),
        )

    def save_model(self, request: HttpRequest, obj: Campaign, form: Any, change: bool) -> None:
        if change:
            edit_campaign(obj.account, obj.pk, form.changes(), allowed_from=EDITABLE)
        else:
            obj.pk = create_campaign(obj.account, form.changes()).pk

    def response_add(self, request: HttpRequest, obj: Campaign, post_url_continue: str | None = None) -> HttpResponse:
        """Redirect to the complete form."""
        messages.success(request, f"The draft “{obj.title}” was created.")
        return HttpResponseRedirect(link_campaign(obj.pk))

    def response_change(self, request: HttpRequest, obj: Campaign) -> HttpResponse:
        if "_send" in request.POST:
            return HttpResponseRedirect(link_move(SEND, obj))
        return super().response_change(request, obj)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, whose poll names the rows to refresh."""
        require(request, MAY_SEE)
        if is_poll(request):
            return answer_live(request, ROWS, read_ids(request.GET.get("rows", "")))
        response = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None) or {}
        if "cl" in context and (rows := live_ids(context["cl"].result_list)):
            context["live_url"] = f"{request.path}?{urlencode({'live': 1, 'rows': rows})}"
        return response

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not is_poll(request):
            return super().change_view(request, object_id, form_url, extra_context)
        require(request, MAY_SEE)
        return answer_live(request, PAGE, read_id(object_id))

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        campaign = kwargs.get("obj")
        if campaign is not None:
            # The form may hold refused input, and so does its campaign. The part above shows the stored values.
            row = {} if request.method == "POST" else {"row": campaign}
            context.update(embed(request, PAGE, campaign.pk, **row), show_save_and_add_another=False)
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="lists and segments")
    def shown_audience(self, campaign: Any) -> str:
        if campaign.is_to_all:
            return "all contacts"
        return ", ".join(sorted([*campaign.list_names, *campaign.segment_names]))

    @admin.display(description="send_at")
    def planned(self, campaign: Campaign) -> str:
        return describe_plan(campaign)

    @admin.display(description="begins")
    def begins(self, campaign: Campaign) -> str:
        return write_time_of(campaign, campaign.begins_at)

    @admin.display(description="finished")
    def finished(self, campaign: Campaign) -> str:
        return write_time_of(campaign, campaign.finished_at)

    @admin.display(description="window")
    def shown_window(self, campaign: Campaign) -> str:
        return describe_window(campaign)

    @admin.display(description="cancel")
    def cross(self, campaign: Any) -> SafeString:
        return draw_cell("cross", campaign.cells)

    @admin.display(description="campaign")
    def shown_title(self, campaign: Campaign) -> str:
        return campaign.title

    @admin.display(description="status")
    def shown_status(self, campaign: Any) -> SafeString:
        return draw_cell("status", campaign.cells)

    @admin.display(description="account")
    def shown_account(self, campaign: Campaign) -> str:
        return campaign.account.username

    @admin.display(description="created")
    def made(self, campaign: Campaign) -> str:
        return write_zoned(campaign.created_at, campaign.account.zone)

    @admin.display(description="progress")
    def progress(self, campaign: Any) -> SafeString:
        return draw_cell("progress", campaign.cells)

    @admin.display(description="actions")
    def menu(self, campaign: Any) -> SafeString:
        drawn: SafeString = campaign.drawn_menu
        return drawn


def names_of(rows: QuerySet[ContactList] | QuerySet[Segment]) -> ArraySubquery:
    """Return the names of the rows, which are lists or segments, that each campaign is sent to."""
    return ArraySubquery(rows.filter(campaigns=OuterRef("pk")).values("name"))


def show_failures(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Show why peers refused or deferred mail of a campaign that was launched."""
    require(request, MAY_SEE)
    campaigns = Campaign.objects.select_related("launch__batch__account")
    campaign = get_object_or_404(campaigns, pk=campaign_id, deleted_at=None, launch__isnull=False)
    assert campaign.launch is not None
    return show_failures_of_campaign(request, campaign.title, campaign.launch.batch)
