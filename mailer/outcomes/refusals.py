"""Read how many recipients were refused, by day: for which reason, and in which domains. The days are those of UTC."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any, Final

from django.db import connection

from mailer.models import Classification, Measure, Series
from mailer.outcomes.counters import DAY, HOUR, read_counters
from mailer.outcomes.queries import READ_DOMAINS

MOST_DOMAINS: Final = 1000
"""The most domains of a day: those with the most refusals."""
Refusals = dict[dt.date, list[tuple[str, int]]]
"""The number of refused recipients by a name, the greatest number first, of each day that has any."""


def count_by_classification(account_id: int, first: dt.date, last: dt.date) -> Refusals:
    """Return the refusals of an account by the label of their classification, from the first day to the last one."""
    days: dict[dt.date, Counter[str]] = {}
    since, until = _bounds(first, last)
    for count in read_counters(
        Series.FAILURE, account_id, span=HOUR, since=since, until=until, measures=[Measure.REFUSED]
    ):
        classification = Classification(int(count.key.split(" ")[0]))
        days.setdefault(count.at.date(), Counter())[str(classification.label)] += count.n
    return {day: sorted(days[day].items(), key=lambda item: (-item[1], item[0])) for day in sorted(days)}


def count_by_domain(account_id: int, classification: Classification, first: dt.date, last: dt.date) -> Refusals:
    """Return the refusals of an account for one reason by the recipients' domains, from the first day to the last one.

    A day has at most `MOST_DOMAINS`.
    """
    since, until = _bounds(first, last)
    values: dict[str, Any] = {
        "account": account_id,
        "span": DAY,
        "prefix": f"{int(classification)} ",
        "since": since,
        "until": until,
        "limit": MOST_DOMAINS,
    }
    days: Refusals = {}
    with connection.cursor() as cursor:
        cursor.execute(READ_DOMAINS, values)
        for day, domain, number in cursor.fetchall():
            days.setdefault(day, []).append((domain, number))
    return days


def _bounds(first: dt.date, last: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """Return the time at which the first day begins, and the time at which the last one ends."""
    since, end = (dt.datetime.combine(day, dt.time(), dt.UTC) for day in (first, last))
    return since, end + dt.timedelta(days=1)
