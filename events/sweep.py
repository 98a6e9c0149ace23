"""Sweep the log and the webhooks: publish events, hint lanes, and delete old rows.

Each step may run twice at a time.
"""

from __future__ import annotations

from events.log.publishing import publish_events
from events.log.retention import delete_old_entries
from events.webhooks.hints import hint_lanes
from events.webhooks.history import delete_old_deliveries
from mailer.sweep import PRUNE_EVERY, work_in_pages


def prune_log() -> int:
    """Delete the entries of the log whose history is over. Return their number."""
    return work_in_pages("prune_log", delete_old_entries(), every=PRUNE_EVERY)


def prune_deliveries() -> int:
    """Delete the deliveries whose history is over. Return their number."""
    return work_in_pages("prune_deliveries", delete_old_deliveries(), every=PRUNE_EVERY)


DUTIES = {
    "publish_events": publish_events,
    "hint_lanes": hint_lanes,
    "prune_deliveries": prune_deliveries,
    "prune_log": prune_log,
}
