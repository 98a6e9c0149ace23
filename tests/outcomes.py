"""Read stored events in tests, and compare the counters with them."""

from __future__ import annotations

import datetime as dt

from foundation.clock import database_now
from mailer.models import Event, EventKind, EventTally, Message
from mailer.outcomes.audit import continue_check, open_check
from mailer.outcomes.reading import read_events


def stored_events(*kinds: EventKind) -> list[Event]:
    """Return all events of all messages by message, of these kinds if any are given."""
    events = read_events(list(Message.objects.values_list("pk", flat=True)), kinds=kinds or None)
    return [event for message_id in sorted(events) for event in events[message_id]]


def differences() -> list[str]:
    """Return the differences of the last 20 days, today included."""
    midnight = database_now().replace(hour=0, minute=0, second=0, microsecond=0)
    check = open_check(midnight - 20 * dt.timedelta(days=1), midnight + dt.timedelta(days=1))
    assert continue_check(check.pk, seconds=60)
    check.refresh_from_db()
    assert not EventTally.objects.filter(check_id=check.pk).exists()
    return check.examples
