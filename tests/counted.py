"""Store counters in tests, as mail would leave them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from itertools import count

from accounts.models import Account
from batches.states import Lane
from mailer.models import Counter, CounterDelta, Measure, Series
from mailer.outcomes.counters import DAY

NO_NOTICES: dict[str, list[object]] = {
    name: [] for name in ("owners", "batches", "bases", "fences", "shares", "are_verdicts")
}
"""The parameters of the statement COUNT for counters without events."""
LANES = count()
"""The keys of counters of accounts. Each call counts in another lane, so that none meets the row of another."""


def count_mail(account: Account, at: dt.datetime, counts: Mapping[Measure, int], *categories: str) -> None:
    """Count mail of the account and of these categories in the minute of a time; nothing is folded yet."""
    keys = [(Series.ACCOUNT, str(next(LANES))), *((Series.CATEGORY, name) for name in categories)]
    CounterDelta.objects.bulk_create(
        CounterDelta(series=series, account_id=account.pk, key=key, measure=measure, at=at, writer=1, n=n)
        for series, key in keys
        for measure, n in counts.items()
    )


def count_day(
    account: Account, day: dt.date, counts: Mapping[Measure, int], *categories: str, lane: Lane | None = None
) -> None:
    """Count mail of the account and of these categories in counters of a day.

    Readers that select the lanes by name find only mail that is counted in a `lane`.
    """
    at = dt.datetime.combine(day, dt.time.min, dt.UTC)
    keys = [
        (Series.ACCOUNT, str(next(LANES) if lane is None else int(lane))),
        *((Series.CATEGORY, name) for name in categories),
    ]
    Counter.objects.bulk_create(
        Counter(series=series, account_id=account.pk, key=key, span=DAY, at=at, measure=measure, n=n)
        for series, key in keys
        for measure, n in counts.items()
    )
