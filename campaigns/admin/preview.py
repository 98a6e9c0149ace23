"""Show the preview of a campaign as a chosen contact would get it."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminTextInputWidget

from audience.errors import SearchTooSlow, TooManyCalls
from batches.admin.asking import require
from campaigns.admin.moves import MAY_SEE
from campaigns.errors import InvalidContent, NotReady
from campaigns.models import Campaign
from campaigns.preview import Offer, offer_contacts, preview_campaign
from foundation.admin import read_id

MAY_SEE_CONTACTS: Final = "audience.view_contact"
OFFERED: Final = 10
TOO_SLOW: Final = "The search took too long. Enter the whole e-mail address of a contact."
BUSY: Final = "The account is making other searches at this moment. Try again in a few seconds."


class SearchForm(forms.Form):
    """Ask for a contact."""

    q = forms.CharField(
        label="Contact (e-mail address, or a part of the name)",
        required=False,
        max_length=320,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "search", "autocomplete": "off"}),
    )


def show_preview(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Show the preview for `contact` (a number), or for the only contact that `q` finds.

    Without both, the first contact of the audience is shown.
    """
    require(request, MAY_SEE)
    campaigns = Campaign.objects.with_audience().select_related("account", "sender", "suppression_group")
    campaign = get_object_or_404(campaigns, pk=campaign_id, deleted_at=None)
    form = SearchForm(request.GET)
    query = form.cleaned_data["q"] if form.is_valid() else ""
    context = {
        **admin.site.each_context(request),
        "title": f"Preview of {campaign.title}",
        "opts": Campaign._meta,
        "campaign": campaign,
        "form": form,
        "query": query,
        "may_choose": request.user.has_perm(MAY_SEE_CONTACTS),
    }
    if context["may_choose"]:
        context |= _choose(request, campaign, query)
    return TemplateResponse(request, "campaigns/preview.html", context | _preview(campaign, context.get("chosen")))


def _choose(request: HttpRequest, campaign: Campaign, query: str) -> dict[str, Any]:
    """Return the contact that was chosen, and others that can be."""
    try:
        offer = offer_contacts(campaign, OFFERED, search=query, chosen=read_id(request.GET.get("contact", "")) or None)
    except SearchTooSlow:
        return {"refusal": TOO_SLOW}
    except TooManyCalls:
        return {"refusal": BUSY}
    return {"offered": offer.contacts, "chosen": offer.chosen, "place": _describe_place(offer)}


def _describe_place(offer: Offer) -> str:
    """Return whether the chosen contact would get the campaign, in a sentence."""
    if offer.is_stranger:
        return "This contact does not belong to the audience."
    if offer.exclusion is None:
        return "This contact belongs to the audience."
    return f"This contact belongs to the audience, but will be left out: {offer.exclusion.value}."


def _preview(campaign: Campaign, contact_id: int | None) -> dict[str, Any]:
    try:
        return preview_campaign(campaign, contact_id)._asdict()
    except NotReady as error:
        return {"problem": f"There is no preview yet. It needs {', '.join(need.value for need in error.missing)}."}
    except InvalidContent as error:
        return {"problem": f"There is no preview. In {error.text_with()}."}
