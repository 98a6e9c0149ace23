"""Write the lists of settings. A setting itself is written as the core has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from content.settings import Settings

Summaries = Mapping[str, tuple[str, str]]
"""The title and the description of each setting of a list, by name."""

SUMMARIES: Final[Summaries] = {
    "address_whitelist": ("Address Whitelist", "Addresses and domains that are sent mail in spite of suppressions."),
    "bounce_purge": ("Bounce Purge", "Bounces and blocks are removed from their lists after some days."),
    "footer": ("Footer", "A text is added at the end of each mail."),
    "forward_bounce": ("Forward Bounce", "Bounces would be forwarded to an address. It has no effect here."),
    "forward_spam": ("Forward Spam", "Spam reports would be forwarded to addresses. It has no effect here."),
    "template": ("Legacy Email Template", "The HTML of each mail is put into this HTML."),
}


def summaries(settings: Settings, of: Summaries) -> list[dict[str, Any]]:
    """Return the entries of a list of settings."""
    return [
        {"name": name, "title": title, "description": description, "enabled": settings[name]["enabled"]}
        for name, (title, description) in of.items()
    ]
