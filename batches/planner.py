"""Plan: look a short horizon ahead and publish, for each wave in it, one ETA task at its time.

Waves beyond the horizon wait in PostgreSQL and cost nothing. The progress of the planner is one row (`Mark` "plan").
Accept plans a wave at once if the planner has already passed its time.
"""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import connection, transaction

from batches import hints, queries
from batches.models import Mark
from foundation.clock import database_now

WAVES_AT_ONCE = 1000
SLACK = dt.timedelta(seconds=15)
"""Accept plans this far beyond the horizon, so that a slow commit does not fall between it and the planner. A wave
planned twice is harmless."""


def horizon() -> dt.timedelta:
    """Return how far ahead waves are planned."""
    return dt.timedelta(seconds=settings.PLAN_HORIZON_SECONDS)


def plan_ahead() -> int:
    """Publish the waves between the mark and the horizon; returns how many. Another planner at work: none."""
    with transaction.atomic():
        now = database_now()
        Mark.objects.get_or_create(duty="plan", defaults={"at": now})
        mark = Mark.objects.select_for_update(skip_locked=True).filter(duty="plan").first()
        if mark is None:
            return 0
        until = now + horizon()
        waves = pick_waves(max(mark.at, now), until)
        mark.at = waves[-1][1] if len(waves) == WAVES_AT_ONCE else until
        mark.save(update_fields=["at"])
    for batch_id, due_at in waves:
        hints.hint_wave(batch_id, due_at)
    return len(waves)


def pick_waves(after: dt.datetime, until: dt.datetime) -> list[tuple[int, dt.datetime]]:
    """Return the waves with `after` < due_at <= `until`, oldest first, `WAVES_AT_ONCE` at most."""
    with connection.cursor() as cursor:
        cursor.execute(queries.PICK_WAVES, {"after": after, "until": until, "limit": WAVES_AT_ONCE})
        return list(cursor.fetchall())


def is_planned_at_once(due_at: dt.datetime, *, now: dt.datetime) -> bool:
    """Return whether the planner may already have passed this time: who makes a wave then hints it."""
    return due_at <= now + horizon() + SLACK


def plan_wave(batch_id: int, due_at: dt.datetime, *, now: dt.datetime) -> bool:
    """Plan one wave that was just made, if the planner may already have passed its time."""
    return is_planned_at_once(due_at, now=now) and hints.hint_wave(batch_id, due_at)
