"""Define the SQL of events and counters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from batches.models import PARCEL_SPAN
from mailer.models import EventKind, Measure, Series

COPY_EVENTS: Final = """
copy mailer_event (message_id, kind, at, fence, recipient, reply, members, recipients, classification, suppression,
    account_id, is_encrypted)
from stdin
"""

ADD_TO_DELTA: Final = "on conflict (series, account_id, key, measure, at, writer) do update set n = c.n + excluded.n"

ADD_DELTAS: Final = f"""
    insert into mailer_counterdelta as c (series, account_id, key, measure, at, writer, n)
    select d.series, d.account_id, d.key, d.measure, date_trunc('minute', %(at)s::timestamptz), pg_backend_pid(), d.n
    from unnest(%(series)s::smallint[], %(accounts)s::bigint[], %(keys)s::text[], %(measures)s::smallint[],
        %(counts)s::bigint[]) as d(series, account_id, key, measure, n)
    where case when d.series = {int(Series.BATCH)}
        then not (select b.is_default from batches_batch b where b.id = d.key::bigint) else true end
    {ADD_TO_DELTA}
"""
# Count the events that a transaction has written, and write notices of them. Each session upserts separate rows, so
# that no session waits for another; the sweeper adds them up. The default batches of accounts are not counted by
# themselves. Parcels of an account with the same share have one notice for the log. A verdict says nothing about a
# contact, so it has no notice for campaigns.
COUNT: Final = f"""
with counted as ({ADD_DELTAS}), logged as (
    insert into mailer_lognotice (account_id, at, bases, fences)
    select e.account_id, %(at)s, array_agg(e.base order by e.number), array_agg(e.fence order by e.number)
    from unnest(%(owners)s::bigint[], %(bases)s::bigint[], %(fences)s::bigint[], %(shares)s::int[])
        with ordinality as e(account_id, base, fence, share, number)
    group by e.account_id, e.share order by e.share
)
insert into mailer_outcomenotice (batch_id, base, fence, at)
select b.id, e.base, e.fence, %(at)s
from unnest(%(batches)s::bigint[], %(bases)s::bigint[], %(fences)s::bigint[], %(are_verdicts)s::bool[])
    as e(batch_id, base, fence, is_verdict)
join batches_batch b on b.id = e.batch_id and b.is_campaign
where not e.is_verdict
returning id
"""


def count_accepted(
    source: str, *, account: str, lane: str, recipients: str, batch: str = "", categories: str = ""
) -> str:
    """Return an upsert that counts accepted recipients, from a row source of one row at most, with the moment "now".

    The other arguments are expressions. Mail is counted for its batch, or for its categories, only if they are given.
    """
    keys = [(Series.ACCOUNT, f"({lane})::text")]
    keys += [(Series.BATCH, f"({batch})::text")] if batch else []
    rows = [f"select {int(series)}, {key}, now from {source}" for series, key in keys]
    if categories:
        rows.append(
            f"select distinct {int(Series.CATEGORY)}, category, now from {source}, unnest({categories}) category"
        )
    return f"""insert into mailer_counterdelta as c (series, account_id, key, measure, at, writer, n)
    select series, {account}, key, {int(Measure.ACCEPTED)}, date_trunc('minute', now), pg_backend_pid(), {recipients}
    from ({" union all ".join(rows)}) d(series, key, now)
    {ADD_TO_DELTA}"""


# Add a page of deltas whose minute is over to the counters of every span of their series, and to those of the totals of
# all accounts, which are under the account 0. It is one statement, so a crash neither loses nor repeats a count. A
# delta that its session adds to at this moment is left to the next fold. Counters are locked in the order of their key,
# so that two folds cannot deadlock.
FOLD_COUNTERS: Final = f"""
with folded as (
    delete from mailer_counterdelta where ctid = any(array(
        select ctid from mailer_counterdelta where at < %(until)s limit %(limit)s for update skip locked))
    returning series, account_id, key, measure, at, n
), added as (
    insert into mailer_counter as c (series, account_id, key, span, at, measure, n)
    select s.series, case when s.series = {int(Series.TOTAL)} then 0 else f.account_id end, f.key, s.span,
        date_bin(make_interval(secs => s.span), f.at, 'epoch'), f.measure, sum(f.n)
    from folded f
    join unnest(%(sources)s::smallint[], %(series)s::smallint[], %(spans)s::int[]) as s(source, series, span)
        on s.source = f.series
    group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5, 6
    on conflict (series, account_id, key, span, at, measure) do update set n = c.n + excluded.n
)
select count(*) from folded
"""

# Delete a page of the counters of one series and span that are too old.
DELETE_COUNTERS: Final = """
delete from mailer_counter where ctid = any(array(
    select ctid from mailer_counter
    where series = %(series)s and span = %(span)s and at < %(until)s
    order by at limit %(limit)s for update skip locked))
"""

# The categories that all mails of a batch share; null if they differ, or if there are too many mails to look at.
READ_SHARED_CATEGORIES: Final = """
select case when count(*) <= %(most)s and count(distinct categories) = 1 then min(categories) end
from (select categories from mailer_mail where batch_id = %(batch)s limit %(most)s + 1) mail
"""

# The categories of the mails of some parcels, by base, without those that have none.
READ_CATEGORIES: Final = """
select p.base, mail.categories
from unnest(%(bases)s::bigint[], %(first_ids)s::bigint[]) as p(base, first_id)
join mailer_message m on m.id = p.first_id join mailer_mail mail on mail.id = m.mail_id
where mail.categories <> '{}'
"""

COLUMNS: Final = (
    "message_id, id, kind, at, fence, recipient, reply, members, recipients, classification, suppression, is_encrypted"
)
# The rows that are about some messages: the newest ones of each, and the packed ones of their parcels.
READ_EVENTS: Final = f"""
select e.* from unnest(%(ids)s::bigint[]) as m(id)
cross join lateral (
    select {COLUMNS} from mailer_event own
    where own.message_id = m.id and own.members is null
        and (%(kinds)s::smallint[] is null or own.kind = any(%(kinds)s::smallint[]))
    order by own.id desc limit %(limit)s
) e
union all
select {COLUMNS} from mailer_event
where message_id = any(%(first_ids)s::bigint[]) and members is not null
    and (%(kinds)s::smallint[] is null or kind = any(%(kinds)s::smallint[]))
order by id
"""

# Only failures have an account. A decision to send mail in doubt again is stored as a deferral that counts for nobody,
# and is no failure. The condition on the kind is written as in the index `mailer_event_failures`, or PostgreSQL would
# not use it.
FAILED: Final = f"kind in ({int(EventKind.REFUSED)}, {int(EventKind.DEFERRED)})"
IS_FAILURE: Final = f"{FAILED} and account_id is not null"
# The replies of packed rows are long, and stored apart: they are not read.
FAILURE_COLUMNS: Final = f"""
    message_id, kind, at, recipient, case when {FAILED} then left(reply, %(reply_length)s) end as reply, recipients,
    classification, account_id
"""

# The columns of a failure as they are returned. A time is a number, which is read several times faster.
FAILURE: Final = (
    "message_id, kind, extract(epoch from at)::float8, recipient, reply, recipients, classification, account_id"
)

# The newest failures of a time. The first row has their number and the time of the oldest of them.
FAILURES_BY_TIME: Final = f"""
with looked as materialized (
    select {FAILURE_COLUMNS} from mailer_event
    where {IS_FAILURE} and {{of_whom}} and at >= %(since)s and at < %(until)s
    order by at desc limit %(limit)s
)
select count(*), null, extract(epoch from min(at))::float8, null, null, null, null, null from looked
union all
(
    select {FAILURE} from looked order by at desc
)
"""
FAILURES_OF_ALL: Final = FAILURES_BY_TIME.format(of_whom="true")
FAILURES_OF_ACCOUNT: Final = FAILURES_BY_TIME.format(of_whom="account_id = %(account)s")

# The failures among the newest events of the newest parcels of a batch. The first row has the numbers of both. A batch
# of plain rows may have many events of other kinds, so these count as looked at, too. The conditions are on pairs, so
# that the index of these pairs is used.
FAILURES_OF_BATCH: Final = f"""
with parcels as materialized (
    select id from batches_parcel
    where (batch_id, id) >= (%(batch)s, 0) and (batch_id, id) < (%(batch)s + 1, 0) and base >= id
    order by batch_id desc, id desc limit %(parcels)s
), looked as materialized (
    select e.* from parcels p cross join lateral (
        select {FAILURE_COLUMNS} from mailer_event
        where message_id >= p.id * {PARCEL_SPAN} and message_id < (p.id + 1) * {PARCEL_SPAN}
        order by message_id desc
    ) e limit %(limit)s
)
select count(*), null, (select count(*) from parcels)::float8, null, null, null, null, null from looked
union all
(
    select {FAILURE} from looked
    where {IS_FAILURE} and (%(since)s::timestamptz is null or at >= %(since)s)
        and (%(until)s::timestamptz is null or at < %(until)s)
    order by at desc
)
"""

# Counters of one series of an account by key, time and measure, and the deltas that are not added to them yet.
READ_COUNTERS: Final = """
select c.key, c.at, c.measure, sum(c.n)::bigint
from (
    select key, at, measure, n from mailer_counter
    where series = %(series)s and account_id = %(account)s and span = %(span)s
        and (%(keys)s::text[] is null or key = any(%(keys)s::text[]))
    union all
    select key, date_bin(make_interval(secs => %(span)s), at, 'epoch'), measure, n from mailer_counterdelta
    where series = %(series)s and account_id = %(account)s
        and (%(keys)s::text[] is null or key = any(%(keys)s::text[]))
) c
where c.at >= %(since)s and c.at < %(until)s
    and (%(measures)s::smallint[] is null or c.measure = any(%(measures)s::smallint[]))
group by 1, 2, 3 order by 2, 1, 3
"""

# The first category of an account in the order of names, of those that fulfil a condition.
FIRST_CATEGORY: Final = f"""
least(
    (select key from mailer_counter
        where series = {int(Series.CATEGORY)} and account_id = %(account)s and {{condition}} order by key limit 1),
    (select key from mailer_counterdelta
        where series = {int(Series.CATEGORY)} and account_id = %(account)s and {{condition}} order by key limit 1)
)
"""
# Names of categories in the order of their characters ("C"), in which all names with a prefix are neighbours. Each step
# takes the next name from two indexes, whatever the number of counters that a category has.
LIST_CATEGORIES: Final = f"""
with recursive named(name, number) as (
    select {FIRST_CATEGORY.format(condition="key >= %(prefix)s")}, 1
    union all
    select {FIRST_CATEGORY.format(condition="key > named.name")}, number + 1
    from named where starts_with(name, %(prefix)s) and number < %(last)s
)
select name from named where number > %(offset)s and starts_with(name, %(prefix)s) order by number
"""

# Those of some names that are categories of an account.
FIND_CATEGORIES: Final = f"""
select name from unnest(%(names)s::text[]) as name
where exists (select from mailer_counter
        where series = {int(Series.CATEGORY)} and account_id = %(account)s and key = name)
    or exists (select from mailer_counterdelta
        where series = {int(Series.CATEGORY)} and account_id = %(account)s and key = name)
"""

# The counters of days of one series of an account within a time, and the deltas that are not added to them yet.
DAYS: Final = """
    select key, at, measure, n from mailer_counter
    where series = %(series)s and account_id = %(account)s and span = %(span)s
        and measure = any(%(measures)s::smallint[])
        and at >= %(since)s and at < %(until)s and (%(keys)s::text[] is null or key = any(%(keys)s::text[]))
    union all
    select key, at, measure, n from mailer_counterdelta
    where series = %(series)s and account_id = %(account)s
        and measure = any(%(measures)s::smallint[])
        and at >= %(since)s and at < %(until)s and (%(keys)s::text[] is null or key = any(%(keys)s::text[]))
"""

# Figures by day, week or month, and by key if keys are given.
READ_FIGURES: Final = f"""
select date_trunc(%(by)s, at at time zone 'UTC')::date, case when %(keys)s::text[] is null then '' else key end,
    {{columns}}
from ({DAYS}) counted group by 1, 2
"""

# A page of an account's categories with their figures, in the order of one of these. The first part reads all counters
# of the time, the second one only those of the page.
SUM_CATEGORIES: Final = f"""
with page as materialized (
    select key, {{rank}} as rank from ({DAYS}) counted
    group by key order by rank {{direction}}, key offset %(offset)s limit %(limit)s
)
select page.key, sums.* from page cross join lateral (
    select {{columns}} from ({DAYS}) counted where counted.key = page.key
) sums
order by page.rank {{direction}}, page.key
"""

# The domains of an account's recipients who were refused for one reason, by day, the most frequent first.
READ_DOMAINS: Final = f"""
select d.day, d.domain, d.n
from (
    select (c.at at time zone 'UTC')::date as day, split_part(c.key, ' ', 2) as domain, sum(c.n)::bigint as n,
        row_number() over (
            partition by (c.at at time zone 'UTC')::date order by sum(c.n) desc, split_part(c.key, ' ', 2)
        ) as place
    from ({DAYS}) c where starts_with(c.key, %(prefix)s)
    group by 1, 2
) d
where d.place <= %(limit)s
order by d.day, d.place
"""


def write_figure(added: Iterable[int], subtracted: Iterable[int]) -> str:
    """Return the SQL of the sum of the counts of some measures, less the counts of others."""
    signs = [f"when {measure} then {sign}n" for sign, group in (("", added), ("-", subtracted)) for measure in group]
    return f"sum(case measure {' '.join(signs)} else 0 end)::bigint" if signs else "0::bigint"
