"""Handle the buttons of a campaign: ask for confirmation, make the move, and report the result."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html

from batches.admin.asking import Figure, Question, confirm, require
from batches.freezes import EVERYTHING_FROZEN_AT, tell_freezes
from batches.models import Receipt
from campaigns.admin.figures import link_campaign, status_of
from campaigns.admin.moves import (
    DELETE,
    MAY_SEE,
    MOVES,
    PACE,
    RESCHEDULE,
    RESUME,
    SEND,
    SEND_NOW,
    CampaignMove,
    Outcome,
    TimeForm,
    describe_consequences,
)
from campaigns.admin.pace import pace_as_written
from campaigns.admin.reach import draw_reach
from campaigns.errors import InvalidContent, NotReady
from campaigns.lifecycle import refuse_unready, undo_seconds
from campaigns.models import Campaign
from campaigns.readiness import WITH_LINK
from campaigns.states import RUNNING
from campaigns.statistics import statistics_of

SENDING = frozenset({SEND, SEND_NOW, RESCHEDULE})
"""The moves before which the recipients are counted."""


Has = Callable[[str], bool]
"""A function that returns whether the operator has a permission."""


def links_of(has: Has, campaign: Campaign, *, from_list: bool = False) -> list[tuple[CampaignMove, str]]:
    """Return the moves that are possible now and allowed to the operator, each with the URL of its question."""
    query = {"list": 1} if from_list else {}
    moves = (move for move in MOVES if campaign.status in move.allowed_from and has(move.permission))
    return [(move, link_move(move, campaign, **query)) for move in moves]


def link_move(move: CampaignMove, campaign: Campaign, **query: int) -> str:
    return reverse(f"admin:campaigns_campaign_{move.name}", args=[campaign.pk], query=query)


def control_campaign(request: HttpRequest, campaign_id: int, move: CampaignMove) -> HttpResponse:
    """Ask for confirmation, and on POST make the move and redirect to the page that the operator came from."""
    require(request, MAY_SEE, move.permission)
    campaigns = Campaign.objects.by_clock().with_audience().annotate(everything_frozen_at=EVERYTHING_FROZEN_AT)
    campaigns = campaigns.select_related("account__campaign_terms", "account__parent", "sender")
    campaign = get_object_or_404(campaigns, pk=campaign_id, deleted_at=None)
    in_list = reverse("admin:campaigns_campaign_changelist")
    back = in_list if "list" in request.GET else link_campaign(campaign.pk)

    def carry(actor: str, fields: dict[str, Any]) -> HttpResponse:
        outcome = move.carry(campaign, actor, fields)
        if outcome.receipt is None and move is not RESUME:
            _log(request, campaign, outcome)
        _report(request, campaign, outcome)
        if outcome.copy is not None:
            return HttpResponseRedirect(link_campaign(outcome.copy.pk))
        return HttpResponseRedirect(in_list if move is DELETE else back)

    return confirm(
        request,
        _form(move, campaign, request),
        lambda: _question(move, campaign),
        carry,
        back=back,
        model=Campaign,
        first=lambda: _why_pointless(move, campaign),
    )


def _form(move: CampaignMove, campaign: Campaign, request: HttpRequest) -> forms.Form:
    data = request.POST if request.method == "POST" else None
    if move is RESCHEDULE:
        return TimeForm(data, campaign=campaign)
    return move.form(data, initial=pace_as_written(campaign) if move is PACE else None)


def _why_pointless(move: CampaignMove, campaign: Campaign) -> str:
    if campaign.status not in move.allowed_from:
        return f"{move.title} is not possible: the campaign is {status_of(campaign).label}."
    if move is not SEND:
        return ""
    try:
        refuse_unready(campaign, WITH_LINK)
    except NotReady as error:
        return f"It cannot be sent yet. It needs {', '.join(need.value for need in error.missing)}."
    except InvalidContent as error:
        return f"It cannot be sent yet. In {error.text_with()}."
    return ""


def _log(request: HttpRequest, campaign: Campaign, outcome: Outcome) -> None:
    """Record who made a move that has no receipt, for the timeline and the list of all activity."""
    assert request.user.pk is not None
    subject, flag = (outcome.copy, ADDITION) if outcome.copy else (campaign, CHANGE)
    text = f"It is a copy of “{campaign.title}”." if outcome.copy else f"It {outcome.text}."
    LogEntry.objects.log_actions(request.user.pk, [subject], flag, change_message=text, single_object=True)


def _report(request: HttpRequest, campaign: Campaign, outcome: Outcome) -> None:
    receipt = outcome.receipt
    text = f"“{campaign.title}” {outcome.text}."
    if receipt is None:
        messages.success(request, text)
        return
    report = f"{text} {receipt.sent:,} messages were sent, {receipt.newly_stopped:,} were stopped."
    if not receipt.is_settled:
        report = f"{text} {receipt.in_flight:,} messages are being sent; the counts are not final yet."
    messages.success(request, format_html("{} {}", report, _link_receipt(request, receipt)))


def _link_receipt(request: HttpRequest, receipt: Receipt) -> str:
    if not request.user.has_perm("batches.view_receipt"):
        return ""
    url = reverse("admin:batches_receipt_change", args=[receipt.pk])
    return format_html('<a class="underline" href="{}">Receipt</a>', url)


def _question(move: CampaignMove, campaign: Campaign) -> Question:
    undo = dt.timedelta(seconds=undo_seconds(campaign)) if move in {SEND, SEND_NOW} else dt.timedelta()
    return Question(
        title=move.title,
        text=f"{move.title}{':' if ' ' in move.title else ''} “{campaign.title}” of {campaign.account}?",
        figures=_figures(campaign) if campaign.status in RUNNING else (),
        details=draw_reach(campaign) if move in SENDING else None,
        consequences=[*_freezes(move, campaign), *describe_consequences(move, campaign, undo)],
        button=move.button or move.title,
        icon=move.icon,
        variant=move.variant,
    )


def _freezes(move: CampaignMove, campaign: Any) -> list[str]:
    """Return what is frozen, for a move after which mail is sent."""
    if move not in SENDING | {RESUME}:
        return []
    return tell_freezes(campaign.account, campaign.everything_frozen_at)


def _figures(campaign: Campaign) -> list[Figure]:
    counted = statistics_of([campaign])[campaign.pk]
    key = f"campaign:{campaign.pk}"
    return [
        Figure("Sent already", counted.sent, key=f"{key}:sent"),
        Figure("Waiting", counted.waiting, key=f"{key}:waiting"),
    ]
