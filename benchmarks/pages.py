"""The pages of the console that are measured: their addresses, by name."""

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
