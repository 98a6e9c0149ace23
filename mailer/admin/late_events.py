"""Tabulate the opens and clicks of a message on its page."""

from __future__ import annotations

from typing import Any, Final

from foundation.admin import draw_label, write_time
from mailer.admin.drawing import draw_text
from mailer.compose.rendering import rendering_of
from mailer.models import LateEvent, LateKind, Mail, Message

SHOWN: Final = 50
"""The most opens and clicks of a message that its page shows, the newest ones."""


def tabulate_late_events(message: Message, mail: Mail | None) -> dict[str, Any] | None:
    """Return the opens and clicks of a message for unfold's table, or None if neither is tracked."""
    rendering = rendering_of(mail) if mail else {}
    if not (rendering.get("opens") or rendering.get("clicks")):
        return None
    newest = LateEvent.objects.filter(message_id=message.pk).order_by("-at", "-id")[:SHOWN]
    return {
        "headers": ["When (UTC)", "Event", "Recipient", "By", "Link", "Program", "Address"],
        "rows": [
            [
                write_time(event.at),
                draw_label(LateKind(event.kind).label, "" if event.is_machine else "success"),
                "one of several" if event.recipient is None else draw_text(message.recipient),
                "a machine" if event.is_machine else "a person",
                draw_text(event.url or ""),
                draw_text(event.user_agent),
                draw_text(event.address or ""),
            ]
            for event in newest
        ],
    }
