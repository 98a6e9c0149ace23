"""Hint the lanes that have something to deliver to the workers of the queue `events`."""

from __future__ import annotations

from typing import Final

from django.db import connection

from batches import hints
from events import QUEUE
from events.log.queries import DUE_LANES

DELIVER: Final = "events.tasks.deliver"
HINT_LIFE_SECONDS: Final = 2
"""The sweeper publishes a hint in every round, so an older one is of no use."""
LANES_AT_ONCE: Final = 1000
MUCH_MAIL: Final = 1000
"""New events wait while at least this number of messages is being delivered."""
PATIENCE_SECONDS: Final = 5.0
"""The longest time for which new events wait."""


def hint_lanes() -> int:
    """Publish a hint for each lane that is due. Return their number. A duty of the sweeper.

    Without the broker nothing is delivered: a receiver may be slow, and the sweeper must not wait for one.
    """
    lanes = due_lanes()
    for lane_id in lanes:
        if not hints.publish(DELIVER, [lane_id], queue=QUEUE, expires=HINT_LIFE_SECONDS):
            break
    return len(lanes)


def due_lanes() -> list[int]:
    """Return the ids of the lanes that have something to do now."""
    with connection.cursor() as cursor:
        cursor.execute(DUE_LANES, {"limit": LANES_AT_ONCE, "much": MUCH_MAIL, "seconds": PATIENCE_SECONDS})
        return [row[0] for row in cursor.fetchall()]
