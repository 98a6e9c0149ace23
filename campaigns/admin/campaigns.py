"""Show the list of campaigns, with a red cross on running ones, and a page with form, figures and buttons for each."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils.safestring import SafeString

from batches.admin.asking import require
from batches.admin.batches import AccountFilter, is_frozen
from batches.admin.receipts import tabulate_receipts
from batches.admin.refusing import RefusableAdmin
from batches.models import Receipt
from campaigns.admin.control import control_campaign, link_move, links_of
from campaigns.admin.figures import draw_progress, draw_status, figures_of, link_campaign
from campaigns.admin.form import CampaignForm, NewCampaignForm
from campaigns.admin.moves import ASIDE, CANCEL, MAY_CHANGE, MAY_SEE, MOVES, SEND
from campaigns.admin.pace import describe_window
from campaigns.admin.preview import show_preview
from campaigns.admin.reach import show_reach
from campaigns.admin.times import describe_plan, write_time_of
from campaigns.editing import create_campaign, edit_campaign
from campaigns.models import Campaign
from campaigns.readiness import WITH_LINK, lacks_of
from campaigns.states import RUNNING, CampaignStatus
from campaigns.statistics import statistics_of
from foundation.admin import ReadOnlyAdmin
from foundation.clock import database_now
from foundation.zones import write_zoned
from mailer.admin.failures import show_failures_of_campaign

EDITABLE = frozenset({CampaignStatus.DRAFT, CampaignStatus.FAILED})
RECEIPTS_SHOWN = 20
CONTENT = (
    *("title", "subject", "preheader", "html_content", "plain_content", "generates_plain", "categories"),
    *("sender", "from_name", "reply_to"),
)
AUDIENCE = ("is_to_all", "lists", "segments", "suppression_group", "custom_unsubscribe_url")
TIME = ("undo_seconds", "is_local_time")
PACE = ("rate_per_minute", "spread_seconds")
WINDOW = ("window_weekdays", "window_from", "window_to", "window_time_zone")
LONG = ("subject", "html_content", "plain_content", "markdown")
"""Columns that may hold megabytes each, which the list does not read."""


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


class CountedCampaigns(ChangeList):
    """Add to a page of campaigns their statistics and the operator's links.

    A few statements read the statistics of all campaigns of the page.
    """

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Campaign]:
        return super().get_queryset(request, exclude_parameters).defer(*LONG)

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        campaigns: list[Any] = list(self.result_list)
        counted, now = statistics_of(campaigns), database_now()
        for campaign in campaigns:
            campaign.drawn_progress = draw_progress(campaign, counted[campaign.pk], now, in_row=True)
            campaign.link_cross = link_cross(request, campaign)
            campaign.drawn_menu = draw_menu(request, campaign)
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
    readonly_fields = ("planned", "begins", "finished", "shown_window")
    conditional_fields = {"send_at": "scheduling == 'at'"}
    change_form_template = "campaigns/campaign.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Campaign]:
        return Campaign.objects.by_clock().select_related("account").filter(deleted_at=None)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CountedCampaigns

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
        progress = path("<int:campaign_id>/progress/", view(show_progress), name="campaigns_campaign_progress")
        failures = path("<int:campaign_id>/failures/", view(show_failures), name="campaigns_campaign_failures")
        reach = path("<int:campaign_id>/reach/", view(show_reach), name="campaigns_campaign_reach")
        preview = path("<int:campaign_id>/preview/", view(show_preview), name="campaigns_campaign_preview")
        # These come before Django's URLs, since `delete` is one of our moves.
        return [progress, failures, reach, preview, *moves, *super().get_urls()]

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
            return ((None, {"fields": CONTENT}), ("Audience", {"fields": AUDIENCE}), ("Time", {"fields": shown}))
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

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        campaign = kwargs.get("obj")
        if campaign is not None:
            # The form may hold refused input. The page above it shows the stored values.
            stored = Campaign.objects.by_clock().select_related("account__parent").get(pk=campaign.pk)
            context.update(show_campaign(request, stored))
        return super().render_change_form(request, context, *args, **kwargs)

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

    @admin.display(description="")
    def cross(self, campaign: Any) -> SafeString:
        return render_to_string("campaigns/cross.html", {"campaign": campaign, "link": campaign.link_cross})

    @admin.display(description="campaign")
    def shown_title(self, campaign: Campaign) -> str:
        return campaign.title

    @admin.display(description="status")
    def shown_status(self, campaign: Campaign) -> SafeString:
        return render_to_string("campaigns/status.html", {"campaign": campaign, "status": draw_status(campaign)})

    @admin.display(description="account")
    def shown_account(self, campaign: Campaign) -> str:
        return campaign.account.username

    @admin.display(description="created")
    def made(self, campaign: Campaign) -> str:
        return write_zoned(campaign.created_at, campaign.account.zone)

    @admin.display(description="progress")
    def progress(self, campaign: Any) -> SafeString:
        drawn: SafeString = campaign.drawn_progress
        return drawn

    @admin.display(description="")
    def menu(self, campaign: Any) -> SafeString:
        drawn: SafeString = campaign.drawn_menu
        return drawn


def link_cross(request: HttpRequest, campaign: Campaign) -> str:
    """Return the link of the red cross of a running campaign; empty if it has none."""
    is_shown = campaign.status in RUNNING and request.user.has_perm(MAY_CHANGE)
    return link_move(CANCEL, campaign, list=1) if is_shown else ""


def draw_menu(request: HttpRequest, campaign: Campaign) -> SafeString:
    """Draw the action menu of a row."""
    links = links_of(request, campaign, from_list=True)
    return render_to_string("campaigns/menu.html", {"campaign": campaign, "links": links})


def show_progress(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Return the parts of a page that change while it is shown: the bar, the status, the cross and the figures."""
    require(request, MAY_SEE)
    campaign = get_object_or_404(Campaign.objects.by_clock(), pk=campaign_id, deleted_at=None)
    in_row = "row" in request.GET
    counted = statistics_of([campaign])[campaign.pk]
    context = {
        "progress": draw_progress(campaign, counted, database_now(), in_row=in_row),
        "status": draw_status(campaign),
        "in_row": in_row,
        "link": link_cross(request, campaign),
        "figures": [] if in_row else figures_of(campaign, counted),
        "campaign": campaign,
        "is_fresh": True,
    }
    return HttpResponse(render_to_string("campaigns/refreshed.html", context))


def show_failures(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Show why peers refused or deferred mail of a campaign that was launched."""
    require(request, MAY_SEE)
    campaigns = Campaign.objects.select_related("launch__batch__account")
    campaign = get_object_or_404(campaigns, pk=campaign_id, deleted_at=None, launch__isnull=False)
    assert campaign.launch is not None
    return show_failures_of_campaign(request, campaign.title, campaign.launch.batch)


def show_campaign(request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
    """Return the context for the part of a campaign's page above its form."""
    counted = statistics_of([campaign])[campaign.pk]
    launch = campaign.launch
    receipts = Receipt.objects.filter(batch_id=launch.batch_id).order_by("-pk")[:RECEIPTS_SHOWN] if launch else []
    is_editable = campaign.status in EDITABLE
    links = links_of(request, campaign)
    return {
        "campaign": campaign,
        "is_editable": is_editable,
        "is_frozen": is_frozen(campaign.account),
        "lacks": lacks_of(campaign, needs=WITH_LINK) if is_editable else [],
        "status": draw_status(campaign),
        "progress": draw_progress(campaign, counted, database_now(), in_row=False),
        "figures": figures_of(campaign, counted) if launch else [],
        "batch": launch and launch.batch,
        "receipts": tabulate_receipts(receipts) if receipts else None,
        # A draft is sent with the button of its form, which saves it first.
        "moves": [pair for pair in links if pair[0] not in {SEND, *ASIDE}],
        "aside": [pair for pair in links if pair[0] in ASIDE],
        "show_save_and_add_another": False,
    }
