"""Write the list of tracking settings."""

from __future__ import annotations

from typing import Final

from api.sendgrid.mail_settings.outputs import Summaries

SUMMARIES: Final[Summaries] = {
    "open": ("Open Tracking", "Each mail gets a pixel, which counts its opens."),
    "click": ("Click Tracking", "Links of each mail lead over the tracking host, which counts clicks."),
    "google_analytics": ("Google Analytics", "Links get parameters for Google Analytics, unless they have them."),
    "subscription": ("Subscription Tracking", "A text with a link to unsubscribe is added to each mail."),
}
