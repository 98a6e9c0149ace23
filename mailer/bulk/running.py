"""Continue bulk actions on whichever worker is free, a few seconds at a time."""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.db.models import Q

from batches import hints
from foundation.clock import Now
from mailer.bulk.actions import continue_action, take_lease
from mailer.models import BulkAction

TASK: Final = "mailer.tasks.continue_bulk_action"
QUEUE: Final = "audience"
"""The queue of long work, so that neither a delivery nor a wave waits for an action."""
RUN_SECONDS: Final = 3.0
"""One task works for about this time. Then it publishes a hint, so that actions and jobs take turns."""
HINT_EVERY: Final = dt.timedelta(seconds=5)
HINTED: Final = 20
"""The most actions that are hinted in one round."""


def run_action(bulk_id: int, *, seconds: float = RUN_SECONDS) -> None:
    """Continue an action, unless another process does or it has ended."""
    bulk = take_lease(bulk_id)
    if bulk is not None and not continue_action(bulk, seconds=seconds):
        hint_action(bulk_id)


def hint_action(bulk_id: int) -> None:
    """Publish a hint that an action can be continued."""
    hints.publish(TASK, [bulk_id], queue=QUEUE, expires=HINT_EVERY.total_seconds())


def hint_left_behind() -> int:
    """Publish a hint for each action that no process works on, and return their number."""
    free = Q(leased_until=None) | Q(leased_until__lte=Now())
    waiting = BulkAction.objects.filter(free, finished_at=None).order_by("pk").values_list("pk", flat=True)[:HINTED]
    for bulk_id in (ids := list(waiting)):
        hint_action(bulk_id)
    return len(ids)
