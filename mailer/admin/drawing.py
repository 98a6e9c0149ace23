"""Draw the states and events of messages in the tables of the admin."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString

from foundation.admin import draw_link
from mailer.models import EventKind

STATE_COLOURS = {
    "scheduled": "",
    "due": "primary",
    "claimed": "primary",
    "retained": "warning",
    "held": "warning",
    "sent": "success",
    "refused": "danger",
    "dropped": "danger",
    "stopped": "danger",
    "discarded": "danger",
    "expired": "danger",
    "in_doubt": "warning",
}
EVENT_COLOURS = {
    EventKind.SENT: "success",
    EventKind.REFUSED: "danger",
    EventKind.DROPPED: "danger",
    EventKind.STOPPED: "danger",
    EventKind.DEFERRED: "warning",
    EventKind.IN_DOUBT: "warning",
    EventKind.DISCARDED: "danger",
    EventKind.EXPIRED: "danger",
    EventKind.RETAINED: "warning",
    EventKind.HELD: "warning",
    EventKind.UNSUBSCRIBED: "",
    EventKind.RESUBSCRIBED: "",
}


def draw_quote(text: str) -> SafeString:
    """Return a text whose numbers are no figures, such as a peer's reply, or a setting."""
    return format_html("<span data-text>{}</span>", text)


def draw_text(text: str, link: str = "") -> SafeString:
    """Return a long text of somebody else for a cell of a table, perhaps as a link."""
    content = draw_link(link, text) if link else text
    return format_html('<span class="console-text leading-relaxed" data-text>{}</span>', content)
