"""Repacing: what of a campaign waits gets its times anew, since its terms have changed, or it was paused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import connection

from batches import hints
from batches.models import Batch
from batches.planner import plan_wave
from batches.states import Lane
from campaigns import queries
from campaigns.models import Campaign, Launch
from campaigns.pacer import Pacer
from campaigns.selection import count_audience
from foundation.clock import database_now


def repace(campaign: Campaign, *, is_resumed: bool = False, is_in_turn: bool = False) -> list[dt.datetime]:
    """Give all of the campaign that waits, in nobody's hands, its times anew, from now on; returns them.

    A campaign without a pace that `is_resumed` keeps its times; of one with a pace, what became due meanwhile would
    leave in one rush, or outside its window. Under an account's rate it comes behind the account's other campaigns that
    have their times; `is_in_turn`: they get theirs anew as well, one after the other.

    The batch is locked as a stop locks it, so that no verdict and no page of the expansion falls in between. In the
    caller's transaction, after the campaign's lock.
    """
    assert campaign.launch is not None
    audience = campaign.launch.audience
    if campaign.spread_seconds and audience is None:
        # Before the batch is locked: of a large audience that takes a second.
        audience = count_audience(campaign, last_contact=campaign.launch.last_contact)
    Batch.objects.select_for_update(no_key=True).get(pk=campaign.launch.batch_id)
    launch = Launch.objects.select_for_update().get(pk=campaign.launch.pk)
    launch.campaign = campaign
    launch.audience = audience
    pacer = Pacer(launch)
    if is_resumed and not pacer.is_paced:
        return []
    now = database_now()
    with connection.cursor() as cursor:
        if pacer.terms and not is_in_turn:
            cursor.execute(queries.TAKEN_BY_OTHERS, {"account": campaign.account_id, "launch": launch.pk})
            (pacer.terms.next_at,) = cursor.fetchone()
        cursor.execute(queries.PARCELS_TO_REPACE, {"batch": launch.batch_id, "now": now})
        waiting: list[tuple[int, int, dt.datetime]] = cursor.fetchall()
        times = pacer.repace([(size, had) for _, size, had in waiting], now=now)
        launch.save(update_fields=["next_at", "audience"])
        cursor.execute(queries.REPACE, {"parcels": [row[0] for row in waiting], "times": times, "now": now})
    return times


def hint_times(batch_id: int, times: Sequence[dt.datetime]) -> None:
    """After the commit: have the near ones planned. What is due already waits for the workers."""
    now = database_now()
    if times and min(times) <= now:
        hints.hint_due(Lane.BULK, sum(at <= now for at in times))
    for send_at in sorted(set(times)):
        if send_at > now and not plan_wave(batch_id, send_at, now=now):
            break
