"""Find the accounts that send the most mail, and read how much of it peers refuse."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from batches.states import Lane
from foundation.statements import fetch_rows
from mailer.models import Measure, Series
from mailer.outcomes.counters import DAY

CANDIDATES: Final = 30
"""The accounts of each day that are looked at, those with the largest counters."""

# What the accounts with the largest counters of two days have sent in them. The index `most_sent` has the counters in
# this order, so the statement costs the same for ten accounts and for thousands. An account appears when its first mail
# of the two days is folded, but all its counts include the deltas that are not folded yet.
TOP_ACCOUNTS: Final = f"""
with candidate as materialized (
    select distinct c.account_id
    from unnest(array[%(today)s::timestamptz, %(yesterday)s]) day cross join lateral (
        select account_id from mailer_counter
        where series = {int(Series.ACCOUNT)} and span = {DAY} and measure = {int(Measure.SENT)} and at = day
        order by n desc limit %(candidates)s
    ) c
)
select a.id as account_id, a.username,
    coalesce(sum(c.n) filter (where c.measure = {int(Measure.SENT)} and c.at >= %(today)s), 0)::bigint as sent_today,
    coalesce(sum(c.n) filter (where c.measure = {int(Measure.SENT)} and c.at < %(today)s), 0)::bigint as sent_yesterday,
    coalesce(sum(c.n) filter (where c.measure = {int(Measure.REFUSED)}), 0)::bigint as refused,
    coalesce(sum(c.n) filter (where c.measure = {int(Measure.BOUNCED)}), 0)::bigint as bounced
from candidate
join accounts_account a on a.id = candidate.account_id
cross join lateral (
    select at, measure, n from mailer_counter
    where series = {int(Series.ACCOUNT)} and account_id = a.id and span = {DAY} and at >= %(yesterday)s
        and key = any(%(lanes)s) and measure = any(%(measures)s)
    union all
    select at, measure, n from mailer_counterdelta
    where series = {int(Series.ACCOUNT)} and account_id = a.id and at >= %(yesterday)s
        and key = any(%(lanes)s) and measure = any(%(measures)s)
) c
group by 1, 2 order by sum(c.n) filter (where c.measure = {int(Measure.SENT)}) desc nulls last, 1 limit %(limit)s
"""


@dataclass(frozen=True, slots=True)
class TopAccount:
    """The recipients of an account's mail today and yesterday (UTC).

    `refused` and `bounced` are those of both days. The refusals include the bounces: those that say that an address
    does not exist.
    """

    account_id: int
    username: str
    sent_today: int
    sent_yesterday: int
    refused: int
    bounced: int

    @property
    def sent(self) -> int:
        """Return the recipients of both days to whom mail was sent."""
        return self.sent_today + self.sent_yesterday


def list_top_accounts(midnight: dt.datetime, limit: int = 10) -> list[TopAccount]:
    """Return the accounts that sent the most mail since the day before `midnight`, which began today."""
    parameters = {
        "today": midnight,
        "yesterday": midnight - dt.timedelta(seconds=DAY),
        "candidates": CANDIDATES,
        "lanes": [str(int(lane)) for lane in Lane],
        "measures": [int(measure) for measure in (Measure.SENT, Measure.REFUSED, Measure.BOUNCED)],
        "limit": limit,
    }
    return [TopAccount(**row) for row in fetch_rows(TOP_ACCOUNTS, parameters)]
