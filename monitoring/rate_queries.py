"""Define the SQL of rates, totals and shares, which are sums of counters and of the deltas that are not folded yet."""

from __future__ import annotations

from typing import Final

from batches.states import Lane
from mailer.models import Measure, Series
from mailer.outcomes.counters import LATE, MINUTE

LANES: Final = "array[{}]".format(", ".join(f"'{int(lane)}'" for lane in Lane))
"""The keys of the counters of an account. With them a range of times is read from the primary key."""
OF_ACCOUNTS: Final = f"series = {int(Series.ACCOUNT)} and account_id = any(%(accounts)s) and key = any({LANES})"
OF_ALL: Final = f"series = {int(Series.ACCOUNT)}"

# Sum counters by span and measure for several requests, of all accounts or of some: first those that are folded, which
# are few, and are found by series, span and time. Then come the deltas of the last minutes, which are added up once.
SEVERAL: Final = """
with recent as materialized (
    select at, measure, sum(n) as n from mailer_counterdelta
    where {deltas} and at >= (select min(since) from unnest(%(since)s::timestamptz[]) since)
    group by 1, 2
)
select r.number, date_bin(make_interval(secs => r.span), c.at, 'epoch'), c.measure, sum(c.n)::bigint
from unnest(%(spans)s::int[], %(stored_spans)s::int[], %(since)s::timestamptz[], %(until)s::timestamptz[],
    %(measures)s::text[]) with ordinality r(span, stored_span, since, until, measures, number)
cross join lateral (
    select at, measure, n from mailer_counter
    where {counters} and span = r.stored_span and at >= r.since and at < r.until
        and measure = any(r.measures::smallint[])
    union all
    select at, measure, n from recent where at >= r.since and at < r.until and measure = any(r.measures::smallint[])
) c
group by 1, 2, 3 order by 1, 2, 3
"""
SEVERAL_OF_ALL: Final = SEVERAL.format(counters=f"series = {int(Series.TOTAL)}", deltas=OF_ALL)
SEVERAL_OF_ACCOUNTS: Final = SEVERAL.format(counters=OF_ACCOUNTS, deltas=OF_ACCOUNTS)

# The recipients to whom mail was sent in the last 60 seconds. Minutes are counted, so the previous one counts in
# proportion to its seconds that belong to them. Neither minute is old enough to be folded.
IN_LAST_MINUTE: Final = """
coalesce(sum(case when at >= %(minute)s then n else n * %(part)s end), 0)::float8
"""
LATELY: Final = f"measure = {int(Measure.SENT)} and at >= %(minute)s - interval '1 minute'"
# For all accounts, the few deltas of the provider groups are read: they count the same recipients.
SENT_BY_ALL: Final = f"""
select {IN_LAST_MINUTE} from mailer_counterdelta where series = {int(Series.GROUP)} and account_id = 0 and {LATELY}
"""
SENT_BY_BATCHES: Final = f"""
select b.id, sent.n
from batches_batch b cross join lateral (
    select {IN_LAST_MINUTE} as n from mailer_counterdelta
    where series = {int(Series.BATCH)} and account_id = b.account_id and key = b.id::text and {LATELY}
) sent
where b.id = any(%(batches)s) and sent.n > 0
"""

# How much mail of all accounts was sent since a time, by the measure of its lateness.
SINCE_BY_LATENESS: Final = f"at >= %(since)s and measure in ({', '.join(str(int(measure)) for measure in LATE)})"
LATENESS_OF_ALL: Final = f"""
select measure, sum(n)::bigint as n from (
    select measure, n from mailer_counter
    where series = {int(Series.TOTAL)} and span = {MINUTE} and {SINCE_BY_LATENESS}
    union all
    select measure, n from mailer_counterdelta where {OF_ALL} and {SINCE_BY_LATENESS}
) c
group by 1
"""

# How many recipients of each account were refused since a time, and to how many mail was sent. `{candidates}` is a
# query of the accounts that are looked at.
SINCE: Final = (
    f"series = {int(Series.ACCOUNT)} and account_id = a.account_id and key = any({LANES}) and at >= %(since)s"
)
BOTH: Final = f"measure in ({int(Measure.SENT)}, {int(Measure.REFUSED)})"
SHARES: Final = f"""
select a.account_id, c.refused, c.sent
from ({{candidates}}) a(account_id) cross join lateral (
    select coalesce(sum(n) filter (where measure = {int(Measure.REFUSED)}), 0)::bigint as refused,
        coalesce(sum(n) filter (where measure = {int(Measure.SENT)}), 0)::bigint as sent
    from (
        select measure, n from mailer_counter where span = {MINUTE} and {SINCE} and {BOTH}
        union all
        select measure, n from mailer_counterdelta where {SINCE} and {BOTH}
    ) n
) c
where c.refused >= %(least)s order by c.refused desc, 1 limit %(limit)s
"""
SHARES_OF_ACCOUNTS: Final = SHARES.format(candidates="select unnest(%(accounts)s::bigint[])")

# Of all accounts, those with the most refusals in one of the minutes are looked at, so that many accounts with few
# refusals cost nothing. The index `most_refused` has them in this order. All deltas that are not folded yet are read.
REFUSED: Final = f"series = {int(Series.ACCOUNT)} and measure = {int(Measure.REFUSED)}"
SHARES_OF_ALL: Final = SHARES.format(
    candidates=f"""
    select c.account_id
    from generate_series(%(since)s::timestamptz, %(now)s::timestamptz, interval '1 minute') minute
    cross join lateral (
        select account_id from mailer_counter
        where {REFUSED} and span = {MINUTE} and at = minute order by n desc limit %(limit)s
    ) c
    union
    (select account_id from mailer_counterdelta where {REFUSED} and at >= %(since)s
     group by 1 order by sum(n) desc limit %(limit)s)
    """
)
