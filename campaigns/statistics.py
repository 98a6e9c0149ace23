"""Count a campaign's messages, suppressions and engagements.

The cost stays low with a million recipients: messages are counted by parcels of 500, and by totals.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from audience.locks import expensive_call
from audience.models import EngagementKind
from batches.counts import count_batches
from campaigns import queries
from campaigns.models import Campaign
from foundation.clock import database_now
from mailer.models import SuppressionKind


@dataclass(frozen=True, slots=True)
class Statistics:
    """The messages of a campaign by result, and what its recipients did.

    `recipients` is the number of messages made so far. `left_out` is the number of contacts without a message, because
    they are suppressed or have no address; the latter are `invalid`. Opens and clicks count each person once.
    """

    recipients: int = 0
    left_out: int = 0
    invalid: int = 0
    waiting: int = 0
    sent: int = 0
    refused: int = 0
    dropped: int = 0
    stopped: int = 0
    in_doubt: int = 0
    bounced: int = 0
    unsubscribed: int = 0
    reported_spam: int = 0
    opened: int = 0
    clicked: int = 0


@dataclass(frozen=True, slots=True)
class Hour:
    """The messages that were sent and refused, of the parcels that ended in this hour."""

    begins_at: dt.datetime
    sent: int
    refused: int


@dataclass(frozen=True, slots=True)
class Day:
    """The messages that got their result on a day, and what recipients did on it."""

    date: dt.date
    recipients: int
    sent: int
    refused: int
    opened: int
    clicked: int
    unsubscribed: int
    reported_spam: int


def statistics_of(campaigns: Sequence[Campaign]) -> dict[int, Statistics]:
    """Return the statistics of several campaigns, keyed by campaign id."""
    statistics = dict.fromkeys((campaign.pk for campaign in campaigns), Statistics())
    launched = {campaign: campaign.launch for campaign in campaigns if campaign.launch}
    batches = [launch.batch_id for launch in launched.values()]
    counts = count_batches(batches) if batches else {}
    engaged = _count(queries.COUNT_ENGAGEMENTS, [campaign.pk for campaign in launched])
    suppressed = _count(queries.COUNT_SUPPRESSIONS, batches)
    for campaign, launch in launched.items():
        counted = counts[launch.batch_id]
        statistics[campaign.pk] = Statistics(
            recipients=launch.recipients,
            left_out=launch.unsubscribed + launch.invalid,
            invalid=launch.invalid,
            waiting=counted.waiting,
            sent=counted.sent,
            refused=counted.refused,
            dropped=counted.dropped,
            stopped=counted.ended_unsent,
            in_doubt=counted.in_doubt,
            bounced=suppressed[launch.batch_id, SuppressionKind.BOUNCE],
            unsubscribed=suppressed[launch.batch_id, SuppressionKind.GROUP]
            + suppressed[launch.batch_id, SuppressionKind.GLOBAL],
            reported_spam=suppressed[launch.batch_id, SuppressionKind.SPAM],
            opened=engaged[campaign.pk, EngagementKind.OPENED],
            clicked=engaged[campaign.pk, EngagementKind.CLICKED],
        )
    return statistics


def _count(query: str, ids: list[int]) -> Counter[tuple[int, int]]:
    """Return the counts of a query, keyed by id and kind."""
    with connection.cursor() as cursor:
        cursor.execute(query, {"ids": ids})
        return Counter({(id, kind): count for id, kind, count in cursor.fetchall()})


def hours_of(campaign: Campaign) -> list[Hour]:
    """Return how many messages of a campaign were sent over time. Raises SearchTooSlow and TooManyCalls."""
    if campaign.launch is None:
        return []
    with expensive_call(campaign.account_id), connection.cursor() as cursor:
        cursor.execute(queries.HOURS, {"batch": campaign.launch.batch_id})
        return [Hour(*row) for row in cursor.fetchall()]


def days_of(
    campaign: Campaign, zone: ZoneInfo, *, since: dt.date = dt.date.min, until: dt.date = dt.date.max
) -> list[Day]:
    """Return the statistics of a campaign by day in a time zone, both bounds included.

    Days on which nothing happened are left out. Raises SearchTooSlow and TooManyCalls.
    """
    if campaign.launch is None:
        return []
    first = max(since, campaign.launch.created_at.astimezone(zone).date())
    days = (min(until, database_now().astimezone(zone).date()) - first).days + 1
    if days < 1:
        return []
    dates = [first + dt.timedelta(days=n) for n in range(days + 1)]
    parameters: dict[str, Any] = {
        "batch": campaign.launch.batch_id,
        "campaign": campaign.pk,
        "midnights": [dt.datetime.combine(date, dt.time.min, zone) for date in dates],
        "days": days,
    }
    with expensive_call(campaign.account_id), connection.cursor() as cursor:
        cursor.execute(queries.DAYS, parameters)
        return [Day(dates[number - 1], *counts) for number, *counts in cursor.fetchall()]
