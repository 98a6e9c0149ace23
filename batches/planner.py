"""Plan waves: publish one ETA task for each wave up to a short horizon, to run at the time of the wave.

Waves beyond the horizon wait in PostgreSQL and cost nothing. The progress of the planner is one row (`Mark` "plan").
If the planner may already have passed the time of a wave, the code that makes the wave hints it (`hints.is_near`).
"""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction

from batches import hints, queries
from batches.models import Mark
from foundation.clock import database_now

WAVES_AT_ONCE = 1000


def plan_ahead() -> int:
    """Publish the waves between the mark and the horizon, and return their number: 0 while another planner works."""
    with transaction.atomic():
        now = database_now()
        Mark.objects.get_or_create(duty="plan", defaults={"at": now})
        mark = Mark.objects.select_for_update(skip_locked=True).filter(duty="plan").first()
        if mark is None:
            return 0
        until = now + hints.horizon()
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
