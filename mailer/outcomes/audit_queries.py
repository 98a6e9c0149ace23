"""Define the SQL that compares counters with the stored events and messages."""

from __future__ import annotations

from typing import Final

from batches.models import PARCEL_SPAN
from mailer.models import Measure, Series
from mailer.outcomes.counters import DAY, HOUR, QUARTER

ACCOUNT, BATCH, CATEGORY = int(Series.ACCOUNT), int(Series.BATCH), int(Series.CATEGORY)
TOTAL = int(Series.TOTAL)
ACCEPTED: Final = int(Measure.ACCEPTED)
RECIPIENTS: Final = """coalesce(jsonb_array_length(m.personal -> 'to'), 1)
            + coalesce(jsonb_array_length(m.personal -> 'cc'), 0)
            + coalesce(jsonb_array_length(m.personal -> 'bcc'), 0)"""

FIRST_PARCEL: Final = f"select min(id) / {PARCEL_SPAN} from mailer_message"

# Count the events and the accepted recipients of a slice of messages, by account, batch (null: a default batch),
# categories, day, kind of event (or the measure of accepted recipients) and list. All messages of a parcel have one
# mail, which the first of them names. Each parcel is read by itself, since the planner cannot estimate a join by the
# parcels' numbers. A packed row counts its members. With 0 recipients a row counts nothing: it is about a remainder, or
# a decision to send a message again. The messages of campaigns are accepted later than their mail is stored: `COMPARE`
# looks at them.
TALLY: Final = f"""
with first as materialized (
    select m.id, mail.account_id, case when not b.is_default then b.id end as batch_id, mail.categories,
        mail.created_at,
        not b.is_campaign and mail.created_at >= %(since)s and mail.created_at < %(until)s as is_accepted
    from mailer_message m join mailer_mail mail on mail.id = m.mail_id join batches_batch b on b.id = mail.batch_id
    where m.id >= %(first)s and m.id < %(last)s and mod(m.id, {PARCEL_SPAN}) = 0
), counted as (
    select first.account_id, first.batch_id, first.categories, event.*
    from first cross join lateral (
        select at, kind, suppression, coalesce(recipients, bit_count(members), 1) as n from mailer_event
        where message_id >= first.id and message_id < first.id + {PARCEL_SPAN}
            and at >= %(since)s and at < %(until)s
        offset 0
    ) event
    union all
    select first.account_id, first.batch_id, first.categories, first.created_at, {ACCEPTED}, null, accepted.n
    from first cross join lateral (
        select sum({RECIPIENTS}) as n from mailer_message m where m.id >= first.id and m.id < first.id + {PARCEL_SPAN}
    ) accepted
    where first.is_accepted
)
select account_id, batch_id, categories, date_trunc('day', at, 'UTC'), kind, suppression, sum(n)::bigint
from counted group by 1, 2, 3, 4, 5, 6
"""

ADD_TALLIES: Final = """
insert into mailer_eventtally as t (check_id, series, account_id, key, day, measure, n)
select %(check)s, * from unnest(%(series)s::smallint[], %(accounts)s::bigint[], %(keys)s::text[],
    %(days)s::timestamptz[], %(measures)s::smallint[], %(counts)s::bigint[])
on conflict (check_id, series, account_id, key, day, measure) do update set n = t.n + excluded.n
"""

# Return the counters that differ from the events: series, account, key, day, measure, counted, stored. One snapshot.
# A campaign's accepted messages are compared with its parcels as a whole, since nothing says on which day each was
# made. For a day, the counters of its batch are then assumed to be right, and are compared with the counters of its
# account and categories. The totals of all accounts, of days and of hours, are compared with the counters of accounts:
# every measure has both.
COMPARE: Final = f"""
with counted as materialized (
    select series, account_id, case when series = {ACCOUNT} then '' else key end as key,
        date_trunc('day', at, 'UTC') as day, measure, sum(n) as n
    from (
        select series, account_id, key, measure, at, n from mailer_counter
        where (series, span) in (({ACCOUNT}, {DAY}), ({BATCH}, {QUARTER}), ({CATEGORY}, {DAY}))
            and at >= %(since)s and at < %(until)s
        union all
        select series, account_id, key, measure, at, n from mailer_counterdelta
        where series in ({ACCOUNT}, {BATCH}, {CATEGORY}) and at >= %(since)s and at < %(until)s
    ) c where measure = any(%(measures)s)
    group by 1, 2, 3, 4, 5
), made as materialized (
    select c.account_id, b.id as batch_id, c.day, c.n
    from counted c join batches_batch b on b.id = case when c.series = {BATCH} then c.key::bigint end
    where c.measure = {ACCEPTED} and b.is_campaign
), stored as (
    select series, account_id, key, day, measure, sum(n) as n from (
        select series, account_id, key, day, measure, n from mailer_eventtally where check_id = %(check)s
        union all
        select {ACCOUNT}, account_id, '', day, {ACCEPTED}, n from made
        union all
        select {BATCH}, account_id, batch_id::text, day, {ACCEPTED}, n from made
        union all
        select {CATEGORY}, made.account_id, category, made.day, {ACCEPTED}, made.n
        from made cross join lateral (
            select distinct unnest(mail.categories) as category from mailer_mail mail
            where mail.batch_id = made.batch_id) of_mail
    ) s where measure = any(%(measures)s)
    group by 1, 2, 3, 4, 5
), campaign as (
    select b.account_id, b.id, b.created_at,
        (select coalesce(sum(n), 0) from mailer_counter c
         where c.series = {BATCH} and c.account_id = b.account_id and c.key = b.id::text and c.span = {QUARTER}
            and c.measure = {ACCEPTED})
        + (select coalesce(sum(n), 0) from mailer_counterdelta c
           where c.series = {BATCH} and c.account_id = b.account_id and c.key = b.id::text
            and c.measure = {ACCEPTED}) as counted,
        (select coalesce(sum(p.size), 0) from batches_parcel p where p.batch_id = b.id and p.base = p.id) as stored
    from batches_batch b where b.id in (select batch_id from made) and b.created_at >= %(history)s
), total as (
    select key, date_trunc('day', at, 'UTC') as day, measure,
        coalesce(sum(n) filter (where series = {ACCOUNT}), 0) as of_accounts,
        coalesce(sum(n) filter (where series = {TOTAL} and span = {DAY}), 0) as of_days,
        coalesce(sum(n) filter (where series = {TOTAL} and span = {HOUR}), 0) as of_hours
    from mailer_counter
    where (series, span) in (({ACCOUNT}, {DAY}), ({TOTAL}, {DAY}), ({TOTAL}, {HOUR}))
        and at >= %(since)s and at < %(until)s
    group by 1, 2, 3
)
select series, account_id, key, day, measure, coalesce(counted.n, 0)::bigint, coalesce(stored.n, 0)::bigint
from counted full join stored using (series, account_id, key, day, measure)
where coalesce(counted.n, 0) <> coalesce(stored.n, 0)
union all
select {BATCH}, account_id, id::text, date_trunc('day', created_at, 'UTC'), {ACCEPTED}, counted::bigint, stored::bigint
from campaign where counted <> stored
union all
select {TOTAL}, 0, key, day, measure,
    (case when of_days <> of_accounts then of_days else of_hours end)::bigint, of_accounts::bigint
from total where of_days <> of_accounts or of_hours <> of_accounts
order by 4, 1, 2, 3, 5
"""
