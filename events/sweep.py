"""Sweep the log: publish events, and delete old entries. Each step may run twice at a time."""

from __future__ import annotations

from events.log.publishing import publish_events
from events.log.retention import delete_old_entries
from mailer.sweep import PRUNE_EVERY, work_in_pages


def prune_log() -> int:
    """Delete the entries of the log whose history is over. Return their number."""
    return work_in_pages("prune_log", delete_old_entries(), every=PRUNE_EVERY)


DUTIES = {
    "publish_events": publish_events,
    "prune_log": prune_log,
}
