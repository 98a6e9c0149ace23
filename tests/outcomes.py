"""Read stored events in tests: one for each message, in the order in which they were written."""

from __future__ import annotations

from mailer.models import Event, EventKind, Message
from mailer.outcomes.reading import read_events


def stored_events(*kinds: EventKind) -> list[Event]:
    """Return all events of all messages by message, of these kinds if any are given."""
    events = read_events(list(Message.objects.values_list("pk", flat=True)), kinds=kinds or None)
    return [event for message_id in sorted(events) for event in events[message_id]]
