"""Count a campaign's messages, suppressions and engagements.

The cost stays low with a million recipients: messages in all are counted by totals and by the parcels that are not in
them yet, and over time by the counters of the campaign's batch. Only opens and clicks are counted one by one, in an
index.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection

from audience.locks import expensive_call
from audience.models import EngagementKind
from batches.counts import count_batches
from campaigns import response_queries as queries
from campaigns.models import Campaign, Launch
from foundation.clock import database_now
from mailer.models import Measure, Series, SuppressionKind
from mailer.outcomes.counters import QUARTER, Count, read_counters

RESULTS: Final = (Measure.SENT, Measure.REFUSED, Measure.DROPPED)
"""The measures of the results of messages. Each message gets one of them."""
DROPS: Final = (Measure.DROPPED_BOUNCE, Measure.DROPPED_SPAM, Measure.DROPPED_INVALID)
"""The measures in `Drops`, in the order of its fields."""
REPEATS: Final = (Measure.OPENED, Measure.CLICKED)
"""The measures in `Repeats`, in the order of its fields."""


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


Responses = Counter[tuple[int, int]]
"""The numbers of engagements or suppressions by the id of their campaign or batch, and their kind."""


class Drops(NamedTuple):
    """The recipients who were dropped when their message was about to be sent, by the reason for their suppression."""

    bounces: int = 0
    spam_reports: int = 0
    invalid: int = 0


NO_DROPS: Final = Drops()


class Repeats(NamedTuple):
    """How often people opened messages and clicked links, also repeatedly."""

    opens: int = 0
    clicks: int = 0


NO_REPEATS: Final = Repeats()


@dataclass(frozen=True, slots=True)
class Day:
    """The messages that were sent, refused or dropped on a day, and what recipients did on it.

    A message in doubt is counted on the day on which its doubt is resolved.
    """

    date: dt.date
    recipients: int = 0
    sent: int = 0
    refused: int = 0
    drops: Drops = NO_DROPS
    opened: int = 0
    clicked: int = 0
    unsubscribed: int = 0
    reported_spam: int = 0
    repeats: Repeats = NO_REPEATS


def statistics_of(campaigns: Sequence[Campaign]) -> dict[int, Statistics]:
    """Return the statistics of several campaigns, keyed by campaign id."""
    statistics = dict.fromkeys((campaign.pk for campaign in campaigns), Statistics())
    launched = {campaign: campaign.launch for campaign in campaigns if campaign.launch}
    batches = [launch.batch_id for launch in launched.values()]
    counts = count_batches(batches) if batches else {}
    engaged, suppressed = _count_responses([campaign.pk for campaign in launched], batches)
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


def _count_responses(campaigns: list[int], batches: list[int]) -> tuple[Responses, Responses]:
    """Return the engagements of campaigns and the suppressions due to batches, each by id and kind."""
    engaged, suppressed = Responses(), Responses()
    if not campaigns:
        return engaged, suppressed
    with connection.cursor() as cursor:
        cursor.execute(queries.COUNT_RESPONSES, {"campaigns": campaigns, "batches": batches})
        for is_engagement, id, kind, count in cursor.fetchall():
            (engaged if is_engagement else suppressed)[id, kind] = count
    return engaged, suppressed


def drops_of(account_id: int, campaigns: Sequence[Campaign]) -> dict[int, Drops]:
    """Return the drops of several campaigns of an account, keyed by campaign id, while they have counters."""
    counts = _counts_of(account_id, campaigns, DROPS)
    return {campaign.pk: _drops_from(counts[campaign.pk]) for campaign in campaigns}


def repeats_of(account_id: int, campaigns: Sequence[Campaign]) -> dict[int, Repeats]:
    """Return the opens and clicks of several campaigns of an account, keyed by campaign id, while it has counters."""
    counts = _counts_of(account_id, campaigns, REPEATS)
    return {campaign.pk: _repeats_from(counts[campaign.pk]) for campaign in campaigns}


def _counts_of(
    account_id: int, campaigns: Sequence[Campaign], measures: Collection[Measure]
) -> defaultdict[int, Counter[Measure]]:
    launches = {str(campaign.launch.batch_id): campaign for campaign in campaigns if campaign.launch}
    since = min((campaign.created_at for campaign in launches.values()), default=None)
    counts: defaultdict[int, Counter[Measure]] = defaultdict(Counter)
    if since is not None:
        for count in _read_counts(account_id, list(launches), measures, since=since, until=database_now()):
            counts[launches[count.key].pk][count.measure] += count.n
    return counts


def _repeats_from(counts: Mapping[Measure, int]) -> Repeats:
    return Repeats(*(counts[measure] for measure in REPEATS))


def _drops_from(counts: Mapping[Measure, int]) -> Drops:
    return Drops(*(counts[measure] for measure in DROPS))


def _read_counts(
    account_id: int, batches: Collection[str], measures: Collection[Measure], *, since: dt.datetime, until: dt.datetime
) -> list[Count]:
    """Return counts of batches by quarters of an hour, which fit the hours and days of all time zones.

    The first quarter is the one with `since` in it.
    """
    start = since - dt.timedelta(seconds=since.timestamp() % QUARTER)
    return read_counters(
        Series.BATCH, account_id, span=QUARTER, since=start, until=until, keys=batches, measures=measures
    )


def days_of(
    campaign: Campaign, zone: ZoneInfo, *, since: dt.date = dt.date.min, until: dt.date = dt.date.max
) -> list[Day]:
    """Return the statistics of a campaign by day in a time zone, both bounds included, while it has counters.

    Days on which nothing happened are left out. Raises SearchTooSlow and TooManyCalls.
    """
    if campaign.launch is None:
        return []
    first = max(since, campaign.launch.created_at.astimezone(zone).date())
    days = (min(until, database_now().astimezone(zone).date()) - first).days + 1
    if days < 1:
        return []
    dates = [first + dt.timedelta(days=n) for n in range(days + 1)]
    midnights = [dt.datetime.combine(date, dt.time.min, zone) for date in dates]
    outcomes = _outcomes_by_day(campaign.account_id, campaign.launch, midnights)
    responses = _responses_by_day(campaign, campaign.launch, midnights)
    return [_day_from(dates[n], outcomes[n], responses.get(n)) for n in sorted(outcomes.keys() | responses.keys())]


def _outcomes_by_day(
    account_id: int, launch: Launch, midnights: Sequence[dt.datetime]
) -> defaultdict[int, Counter[Measure]]:
    """Return the counts of outcomes by the numbers of the days that begin at these midnights, without the last."""
    days: defaultdict[int, Counter[Measure]] = defaultdict(Counter)
    measures = (*RESULTS, *DROPS, *REPEATS)
    for count in _read_counts(account_id, [str(launch.batch_id)], measures, since=midnights[0], until=midnights[-1]):
        days[bisect_right(midnights, count.at) - 1][count.measure] += count.n
    return days


def _responses_by_day(campaign: Campaign, launch: Launch, midnights: Sequence[dt.datetime]) -> dict[int, list[int]]:
    """Return the numbers of contacts who opened, clicked, unsubscribed and reported spam, by the day's number."""
    parameters: dict[str, Any] = {
        "batch": launch.batch_id,
        "campaign": campaign.pk,
        "midnights": list(midnights),
        "days": len(midnights) - 1,
    }
    with expensive_call(campaign.account_id), connection.cursor() as cursor:
        cursor.execute(queries.RESPONSES, parameters)
        return {number - 1: counts for number, *counts in cursor.fetchall()}


def _day_from(date: dt.date, outcomes: Mapping[Measure, int], responses: Sequence[int] | None) -> Day:
    results = [outcomes[measure] for measure in RESULTS]
    sent, refused, _ = results
    opened, clicked, unsubscribed, reported_spam = responses or (0, 0, 0, 0)
    return Day(
        date,
        sum(results),
        sent,
        refused,
        _drops_from(outcomes),
        opened,
        clicked,
        unsubscribed,
        reported_spam,
        _repeats_from(outcomes),
    )
