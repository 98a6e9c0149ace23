"""Show whom a campaign would reach: the number of recipients, and the contacts that are left out, by reason."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString

from audience.errors import SearchTooSlow, TooManyCalls
from batches.admin.asking import require
from campaigns.admin.moves import MAY_SEE
from campaigns.models import Campaign
from campaigns.reach import bound_audience, count_reach

COUNTED_AT_ONCE: Final = 10_000
"""Audiences up to this size are counted with the page that shows them. Larger ones follow when the page is shown."""
RETRY_SECONDS: Final = 3
TEMPLATE: Final = "campaigns/reach.html"


def draw_reach(campaign: Campaign) -> SafeString:
    """Draw the count of a campaign's audience, or a part that loads it if it is large."""
    bound = bound_audience(campaign)
    if bound <= COUNTED_AT_ONCE:
        return _draw(campaign, bound)
    return render_to_string(TEMPLATE, _context(campaign, bound) | {"is_pending": True, "delay_seconds": 0})


def show_reach(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Count the audience of a campaign for a page that is shown already. The count has a time limit."""
    require(request, MAY_SEE)
    campaigns = Campaign.objects.with_audience().select_related("account")
    campaign = get_object_or_404(campaigns, pk=campaign_id, deleted_at=None)
    return HttpResponse(_draw(campaign, bound_audience(campaign)))


def _draw(campaign: Campaign, bound: int) -> SafeString:
    context = _context(campaign, bound)
    try:
        reach = count_reach(campaign)
    except SearchTooSlow:
        return render_to_string(TEMPLATE, context | {"is_too_large": True})
    except TooManyCalls:
        return render_to_string(TEMPLATE, context | {"is_pending": True, "delay_seconds": RETRY_SECONDS})
    excluded = [(reason.value, contacts) for reason, contacts in reach.exclusions.items()]
    return render_to_string(TEMPLATE, context | {"reach": reach, "excluded": excluded})


def _context(campaign: Campaign, bound: int) -> dict[str, Any]:
    return {
        "campaign": campaign,
        "bound": bound,
        "reach_url": reverse("admin:campaigns_campaign_reach", args=[campaign.pk]),
    }
