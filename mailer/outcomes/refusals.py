"""Read how many recipients were refused, by day: for which reason, and in which domains. The days are those of UTC."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any, Final

from django.db import connection

from mailer.models import Classification, Measure, Series
from mailer.outcomes.counters import DAY, HOUR, Days, read_counters
from mailer.outcomes.queries import READ_DOMAINS

MOST_DOMAINS: Final = 1000
"""The most domains of a day: those with the most refusals."""
Refusals = dict[dt.date, list[tuple[str, int]]]
"""The number of refused recipients by a name, the greatest number first, of each day that has any."""


def count_by_classification(account_id: int, days: Days) -> Refusals:
    """Return the refusals of an account on some days by the label of their classification."""
    counts: dict[dt.date, Counter[str]] = {}
    for count in read_counters(
        Series.FAILURE, account_id, span=HOUR, since=days.since, until=days.until, measures=[Measure.REFUSED]
    ):
        classification = Classification(int(count.key.split(" ")[0]))
        counts.setdefault(count.at.date(), Counter())[str(classification.label)] += count.n
    return {day: sorted(counts[day].items(), key=lambda item: (-item[1], item[0])) for day in sorted(counts)}


def count_by_domain(account_id: int, classification: Classification, days: Days) -> Refusals:
    """Return the refusals of an account for one reason on some days by the recipients' domains.

    A day has at most `MOST_DOMAINS`.
    """
    values: dict[str, Any] = {
        "series": int(Series.DOMAIN),
        "account": account_id,
        "span": DAY,
        "measures": [int(Measure.REFUSED)],
        "keys": None,
        "prefix": f"{int(classification)} ",
        "since": days.since,
        "until": days.until,
        "limit": MOST_DOMAINS,
    }
    refusals: Refusals = {}
    with connection.cursor() as cursor:
        cursor.execute(READ_DOMAINS, values)
        for day, domain, number in cursor.fetchall():
            refusals.setdefault(day, []).append((domain, number))
    return refusals
