"""Statistics of campaigns: counts of their batches, suppressions and engagements. Cheap at a million recipients: what
is counted are parcels, 500 messages each, and totals."""

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
    """Messages of a campaign by what became of them, and what its recipients did.

    `recipients` are the messages its audience became so far; `left_out` the contacts that were suppressed, or had no
    address, which are `invalid`. Opens and clicks are of people: each counts once.
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
    """What left, and what was refused, of the parcels that ended in this hour."""

    begins_at: dt.datetime
    sent: int
    refused: int


@dataclass(frozen=True, slots=True)
class Day:
    """What happened on a day: messages that got their outcome, and what recipients did."""

    date: dt.date
    recipients: int
    sent: int
    refused: int
    opened: int
    clicked: int
    unsubscribed: int
    reported_spam: int


def statistics_of(campaigns: Sequence[Campaign]) -> dict[int, Statistics]:
    """Of each, by id."""
    found = dict.fromkeys((campaign.pk for campaign in campaigns), Statistics())
    launched = {campaign: campaign.launch for campaign in campaigns if campaign.launch}
    batches = [launch.batch_id for launch in launched.values()]
    counts = count_batches(batches) if batches else {}
    engaged = _count(queries.COUNT_ENGAGEMENTS, [campaign.pk for campaign in launched])
    suppressed = _count(queries.COUNT_SUPPRESSIONS, batches)
    for campaign, launch in launched.items():
        counted = counts[launch.batch_id]
        found[campaign.pk] = Statistics(
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
    return found


def _count(query: str, ids: list[int]) -> Counter[tuple[int, int]]:
    """How many there are, by the id and the kind."""
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
    """How a campaign went, by the days of a time zone, both bounds included. Days on which nothing happened are left
    out. Raises SearchTooSlow and TooManyCalls."""
    if campaign.launch is None:
        return []
    first = max(since, campaign.launch.created_at.astimezone(zone).date())
    days = (min(until, database_now().astimezone(zone).date()) - first).days + 1
    if days < 1:
        return []
    dates = [first + dt.timedelta(days=n) for n in range(days + 1)]
    asked: dict[str, Any] = {
        "batch": campaign.launch.batch_id,
        "campaign": campaign.pk,
        "midnights": [dt.datetime.combine(date, dt.time.min, zone) for date in dates],
        "days": days,
    }
    with expensive_call(campaign.account_id), connection.cursor() as cursor:
        cursor.execute(queries.DAYS, asked)
        return [Day(dates[number - 1], *counts) for number, *counts in cursor.fetchall()]
