"""Define the SQL of the forecast: how many messages come in each of the next hours."""

from __future__ import annotations

from typing import Final

from batches.queries import FREEZERS, IS_FROZEN, OPEN
from campaigns.states import CampaignStatus

HOUR: Final = "date_bin('1 hour', {}, 'epoch')"

# The mail that waits for its first try, by hour, account and whether its gate is open. It is the sum of the counts of
# waves and of the notes that are not added to them yet. The waves are read in the order of their time, so that a
# limit leaves out the last ones. The first row has the number of waves that were read, and the time of the last of
# them. Accounts other than the largest ones are added up under no name.
FORECAST: Final = f"""
with folded as materialized (
    select batch_id, minute, messages from batches_wavecount
    where minute > %(now)s - interval '1 minute' and minute < %(until)s
    order by minute, batch_id limit %(waves)s
), wave as (
    select * from folded
    union all
    (select batch_id, minute, messages from batches_wavedelta
     where minute > %(now)s - interval '1 minute' and minute < %(until)s limit %(waves)s)
), of_batch as (
    select batch_id, {HOUR.format("minute")} as at, sum(messages) as n from wave group by 1, 2
), of_account as materialized (
    select o.at, b.account_id, b.status = {OPEN} and not {IS_FROZEN} as is_open, sum(o.n) as n
    from of_batch o
    join batches_batch b on b.id = o.batch_id
    join accounts_account a on a.id = b.account_id
    {FREEZERS}
    where (%(accounts)s::bigint[] is null or b.account_id = any(%(accounts)s))
    group by 1, 2, 3
), largest as (
    select account_id from of_account group by 1 having sum(n) > 0 order by sum(n) desc, 1 limit %(largest)s
)
select max(minute), null, null, count(*) from folded
union all
select * from (
    select o.at, a.username, o.is_open, sum(o.n)::bigint
    from of_account o
    left join largest l on l.account_id = o.account_id
    left join accounts_account a on a.id = l.account_id
    group by 1, 2, 3 having sum(o.n) > 0 order by 1, 2, 3
) counted
"""

# Scheduled campaigns without messages, by the hour in which they begin: their number, the sum of the sizes that are
# known, and the number of those whose size is not. The size is the last count of each list and segment. A segment that
# was never counted has none.
CAMPAIGNS: Final = f"""
select {HOUR.format("begins_at")}, count(*), coalesce(sum(size), 0)::bigint, count(*) filter (where size is null)
from (
    select c.begins_at, case
        when c.is_to_all then
            coalesce((select contacts from campaigns_audience s where s.account_id = c.account_id), 0)
        when exists (select from campaigns_campaign_segments cs join campaigns_segment s on s.id = cs.segment_id
            where cs.campaign_id = c.id and s.contact_count is null) then null
        else (select coalesce(sum(l.contact_count), 0) from campaigns_campaign_lists cl
                join campaigns_contactlist l on l.id = cl.contactlist_id
                where cl.campaign_id = c.id and l.deleted_at is null)
            + (select coalesce(sum(s.contact_count), 0) from campaigns_campaign_segments cs
                join campaigns_segment s on s.id = cs.segment_id where cs.campaign_id = c.id)
    end as size
    from campaigns_campaign c left join campaigns_launch launch on launch.id = c.launch_id
    where c.status = {int(CampaignStatus.SCHEDULED)} and c.deleted_at is null
        and c.begins_at >= %(now)s and c.begins_at < %(until)s and coalesce(launch.recipients, 0) = 0
        and (%(accounts)s::bigint[] is null or c.account_id = any(%(accounts)s))
    order by c.begins_at limit %(campaigns)s
) scheduled
group by 1 order by 1
"""
