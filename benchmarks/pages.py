"""The addresses of the pages of the console that are measured, and of the polls of live pages, by name."""

from __future__ import annotations

from typing import Final

CONSOLE: Final = {
    "Now": "/admin/",
    "Stop, a search": "/admin/stop/?q=bench",
    "Overview": "/admin/overview/",
    "Batches": "/admin/batches/batch/",
    "a batch": "/admin/batches/batch/{batch}/change/",
    "Campaigns": "/admin/campaigns/campaign/",
    "Messages": "/admin/mailer/message/",
    "Fleet": "/admin/fleet/",
    "Activity": "/admin/activity/",
}

LIVE: Final = {
    "header": "/admin/health/?live=1",
    **{f"live part of {name}": f"{CONSOLE[name]}?live=1" for name in ("Now", "Overview", "a batch", "Fleet")},
}
"""The header of all pages comes first, so that a later poll only builds its own part."""
