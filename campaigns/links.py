"""Links: the addresses on the web that a campaign's content leads to."""

from __future__ import annotations

from campaigns.models import Campaign
from mailer.compose.html_tags import StartTag, read_html

SCHEMES = ("http://", "https://")


def links_of(campaign: Campaign) -> list[str]:
    """Each once, in the order of the content. Tags in them are shown as they are written."""
    targets = (
        part.attributes.get("href", "").strip()
        for part in read_html(campaign.html_content)
        if isinstance(part, StartTag) and part.name in {"a", "area"}
    )
    return [target for target in dict.fromkeys(targets) if target.lower().startswith(SCHEMES)]
