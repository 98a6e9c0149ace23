"""Let the command palette of every page (Ctrl-K) find mailings."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse
from unfold.dataclasses import SearchResult

from console.stop.mailings import MAY_SEE, link_mailing
from monitoring.scope import EVERYTHING
from monitoring.search import find_mailings

OFFERED = 10


def search_palette(request: HttpRequest, text: str) -> list[SearchResult]:
    """Return the mailings that a text names, after a link that looks for it on the page Stop."""
    if not request.user.has_perm(MAY_SEE):
        return []
    page = SearchResult(
        title=f"Stop: find “{text}”",
        description="mailings by subject, campaign, sender, category, batch, account or key",
        link=reverse("stop", query={"q": text}),
        icon="front_hand",
    )
    mailings = find_mailings(text, EVERYTHING, limit=OFFERED)
    return [
        page,
        *(
            SearchResult(
                title=mailing.name,
                description=f"{mailing.account}, {mailing.status}",
                link=link_mailing(mailing),
                icon="inventory_2" if mailing.campaign_id is None else "campaign",
            )
            for mailing in mailings
        ),
    ]
