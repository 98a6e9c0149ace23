"""Show the preview of a campaign as a chosen contact would get it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminTextInputWidget

from audience.contacts import Page, search_contacts
from audience.errors import SearchTooSlow, TooManyCalls
from audience.models import Contact
from batches.admin.asking import require
from campaigns.admin.moves import MAY_SEE
from campaigns.errors import InvalidContent, NotReady
from campaigns.models import Campaign
from campaigns.preview import first_contacts, preview_campaign
from campaigns.reach import find_exclusion
from mailer.preview import Preview

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
    living = Campaign.objects.select_related("account", "sender").filter(deleted_at=None)
    campaign = get_object_or_404(living, pk=campaign_id)
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
    return TemplateResponse(request, "campaigns/preview.html", context | _preview(campaign, context.get("contact")))


def _choose(request: HttpRequest, campaign: Campaign, query: str) -> dict[str, Any]:
    """Return the contact that was chosen, and others that can be."""
    try:
        chosen, offered = _chosen_contact(request, campaign), _find(campaign, query)
        if chosen is None and offered and (not query or len(offered) == 1):
            chosen = offered[0]
        return {"contact": chosen, "offered": offered, "place": chosen and _describe_place(campaign, chosen)}
    except SearchTooSlow:
        return {"refusal": TOO_SLOW}
    except TooManyCalls:
        return {"refusal": BUSY}


def _chosen_contact(request: HttpRequest, campaign: Campaign) -> Contact | None:
    number = request.GET.get("contact", "")
    if not (number.isascii() and number.isdecimal() and len(number) <= 18):
        return None
    return Contact.objects.filter(account=campaign.account_id, pk=int(number)).first()


def _find(campaign: Campaign, query: str) -> Sequence[Contact]:
    """Return the contacts that a search finds; without one, the first of the audience."""
    if not query:
        return first_contacts(campaign, OFFERED)
    contacts, _ = search_contacts(campaign.account, Page(0, OFFERED), search=query)
    return contacts


def _describe_place(campaign: Campaign, contact: Contact) -> str:
    """Return whether a contact would get the campaign, in a sentence."""
    try:
        exclusion = find_exclusion(campaign, contact.pk)
    except LookupError:
        return "This contact does not belong to the audience."
    if exclusion is None:
        return "This contact belongs to the audience."
    return f"This contact belongs to the audience, but will be left out: {exclusion.value}."


def _preview(campaign: Campaign, contact: Contact | None) -> dict[str, Preview | str]:
    try:
        return {"preview": preview_campaign(campaign, contact)}
    except NotReady as error:
        return {"problem": f"There is no preview yet. It needs {', '.join(lack.value for lack in error.lacks)}."}
    except InvalidContent as error:
        return {"problem": f"There is no preview. In {error.text_with()}."}
