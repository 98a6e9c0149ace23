"""Define the SQL of the reasons for which mail waits. Each statement reads a limited number of parcels."""

from __future__ import annotations

from batches.queries import CLAIMED, DUE, FREEZERS, FREEZES, HELD, PENDING, RETAINED, SCHEDULED


def unfolded(condition: str, direction: str) -> str:
    """Return a query of parcels of a batch b that are not folded, from one end of those that meet a condition.

    The limit counts the parcels that have ended and are not folded yet, too. So it also limits the number of rows that
    are read while the sweeper is behind.
    """
    return f"""(select state, lane, send_at, due_at from batches_parcel
        where batch_id = b.id and not is_folded and {condition}
        order by due_at {direction}, id {direction} limit %(parcels)s)"""


# The facts about some batches: their gate, the terms of their campaigns, and their parcels in each state. Of the
# parcels that are due, both ends are read: between them may lie many that have ended. Mail that is due and unsent is
# among those that were due first, or those that were due last.
FACTS = f"""
with moment as materialized (select sluice_now() as now)
select b.id, b.account_id, b.status, b.paused_until, moment.now,
    {", ".join(f"{value} as {name}" for name, value in FREEZES.items())}, a.username, parent.username as parent,
    coalesce(l.begins_at <= moment.now, false) as has_begun, coalesce(l.is_complete, true) as is_complete,
    coalesce(l.recipients, 0) as recipients, campaign.rate_per_minute, campaign.spread_seconds,
    campaign.window::text as window, t.rate_per_minute as account_rate,
    exists (select from batches_parcel where batch_id = b.id and state = {CLAIMED}) as is_claimed,
    exists (select from batches_parcel where batch_id = b.id and state = {RETAINED}) as is_retained,
    own.is_held or exists (
        select from (select batch_id from batches_parcel where account_id = b.account_id and state = {HELD}
                     order by id limit %(parcels)s) held where held.batch_id = b.id) as is_held,
    own.due_since, own.lane, own.overdue_since, own.retry_at, own.next_at,
    (select coalesce(sum(concurrency), 0) from batches_node
     where seen_at > (select now from moment) - make_interval(secs => %(silence)s)) as workers
from moment
join batches_batch b on b.id = any(%(batches)s)
join accounts_account a on a.id = b.account_id
{FREEZERS}
left join campaigns_launch l on l.batch_id = b.id
left join campaigns_campaign campaign on campaign.id = l.campaign_id
left join campaigns_accountterms t on t.account_id = b.account_id and l.id is not null
cross join lateral (
    select coalesce(bool_or(state = {HELD}), false) as is_held,
        min(due_at) filter (where state = {DUE}) as due_since,
        (array_agg(lane order by lane, due_at) filter (where state = {DUE}))[1] as lane,
        min(due_at) filter (where state = {SCHEDULED} and due_at <= moment.now) as overdue_since,
        min(due_at) filter (where state = {SCHEDULED} and send_at <= moment.now and due_at > moment.now) as retry_at,
        min(due_at) filter (where state = {SCHEDULED} and send_at > moment.now) as next_at
    from (
        {unfolded("due_at <= moment.now", "asc")} union all {unfolded("due_at <= moment.now", "desc")}
        union all {unfolded("due_at > moment.now", "asc")}
    ) parcel
) own
"""

# The queues of some accounts, each in one lane, in the order in which their mail is claimed: the messages before the
# first one of each batch, and the messages that were read. With each comes the number of accounts that take turns in
# the lane: a skip scan, one probe for each account.
QUEUES = f"""
with recursive turn(lane, account_id, place) as (
    select l.lane, (select p.account_id from batches_parcel p where p.lane = l.lane and p.state = {DUE}
                    order by p.account_id limit 1), 1
    from unnest(%(lanes)s::smallint[]) l(lane) group by l.lane
  union all
    select turn.lane, (select p.account_id from batches_parcel p
                       where p.lane = turn.lane and p.state = {DUE} and p.account_id > turn.account_id
                       order by p.account_id limit 1), place + 1
    from turn where turn.account_id is not null and place <= %(accounts_counted)s
)
select q.batch_id, s.account_id, s.lane, min(q.before)::bigint as before, max(q.total)::bigint as total,
    (select count(*) from turn where turn.lane = s.lane and turn.account_id is not null) as accounts
from unnest(%(accounts)s::bigint[], %(lanes)s::smallint[]) as s(account_id, lane)
cross join lateral (
    select batch_id, sum(pending) over (order by place) - pending as before, sum(pending) over () as total
    from (
        select p.batch_id, {PENDING} as pending, row_number() over (order by p.due_at) as place from (
            select * from batches_parcel where lane = s.lane and account_id = s.account_id and state = {DUE}
            order by due_at limit %(parcels)s
        ) p
    ) placed
) q
group by q.batch_id, s.account_id, s.lane
"""
