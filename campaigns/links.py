"""Links: the addresses on the web that a campaign's content leads to."""

from __future__ import annotations

from html.parser import HTMLParser

from campaigns.models import Campaign

SCHEMES = ("http://", "https://")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"a", "area"} and (target := (dict(attrs).get("href") or "").strip()):
            self.targets.append(target)


def links_of(campaign: Campaign) -> list[str]:
    """Each once, in the order of the content. Tags in them are shown as they are written."""
    reader = _Reader()
    reader.feed(campaign.html_content)
    reader.close()
    return [target for target in dict.fromkeys(reader.targets) if target.lower().startswith(SCHEMES)]
