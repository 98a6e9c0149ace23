"""Write the list of tracking settings."""

from __future__ import annotations

from typing import Final

from api.sendgrid.mail_settings.outputs import Summaries

SUMMARIES: Final[Summaries] = {
    "open": ("Open Tracking", "Opens would be counted. It has no effect here."),
    "click": ("Click Tracking", "Clicks on links would be counted. It has no effect here."),
    "google_analytics": ("Google Analytics", "Links would get parameters for Google Analytics. It has no effect here."),
    "subscription": ("Subscription Tracking", "A text with a link to unsubscribe is added to each mail."),
}
