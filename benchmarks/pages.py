"""List the addresses of the pages of the console that are measured, and of the polls of live pages, by name."""

from __future__ import annotations

from typing import Final

CONSOLE: Final = {
    "Now": "/admin/",
    "Stop, a search": "/admin/stop/?q=bench",
    "Overview": "/admin/overview/",
    "Batches": "/admin/batches/batch/",
    "a batch": "/admin/batches/batch/{batch}/change/",
    "an account": "/admin/accounts/account/{account}/change/",
    "Waves": "/admin/waves/",
    "Mail in hand": "/admin/in-hand/",
    "Failures": "/admin/mailer/failures/",
    "Campaigns": "/admin/campaigns/campaign/",
    "Messages": "/admin/mailer/message/",
    "Fleet": "/admin/fleet/",
    "Activity": "/admin/activity/",
}

HEADER: Final = "/admin/health/?live=1"
LIVE: Final = {
    f"live part of {name}": f"{CONSOLE[name]}?live=1" for name in ("Now", "Overview", "a batch", "Waves", "Fleet")
}
"""The first of them is polled when the header is old, too."""
