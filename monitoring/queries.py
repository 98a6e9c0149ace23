"""Define the SQL of what operators watch. Each statement reads a bounded number of rows, however large the tables."""

from __future__ import annotations

from typing import Final

from audience.models import JobStatus
from batches.count_queries import ESTIMATE_BATCHES
from batches.queries import (
    CANCELLED,
    CLAIMED,
    DUE,
    FREEZERS,
    FREEZES,
    HELD,
    IS_FROZEN,
    OPEN_SINCE,
    PENDING,
    RETAINED,
    SCHEDULED,
    WAITING_MESSAGES,
)
from batches.queries import OPEN as OPEN_BATCH
from batches.states import BatchStatus, Lane
from campaigns.states import CampaignStatus
from events.models import DeliveryState
from mailer.models import Measure, Series
from mailer.outcomes.counters import MINUTE
from monitoring.fleet_queries import PROCESSES
from monitoring.rate_queries import (
    IN_LAST_MINUTE,
    LATELY,
    LATENESS_OF_ALL,
    SENT_BY_ALL,
    SHARES_OF_ACCOUNTS,
    SHARES_OF_ALL,
)

PAUSED: Final = int(BatchStatus.PAUSED)
LANES: Final = ", ".join(str(int(lane)) for lane in Lane)
BEGUN: Final = f"{int(CampaignStatus.QUEUED)}, {int(CampaignStatus.SENDING)}"


def in_scope(account: str) -> str:
    """Return the condition that an account, given as an expression, belongs to a scope (`Scope.ids`)."""
    return f"(%(accounts)s::bigint[] is null or {account} = any(%(accounts)s::bigint[]))"


# The moment at which a statement is carried out, and the times that statements of rates need, as a CTE.
CLOCK: Final = """clock as materialized (
    select now, date_trunc('minute', now) as minute,
        1 - extract(epoch from now - date_trunc('minute', now)) / 60 as part,
        date_trunc('minute', now) - %(span_of_shares)s as since
    from (select sluice_now() as now) read
)"""


def by_clock(statement: str) -> str:
    """Return a statement of rates whose times are those of `CLOCK`, instead of parameters."""
    for name in ("now", "minute", "part", "since"):
        statement = statement.replace(f"%({name})s", f"(select {name} from clock)")
    return statement


# What can stop the mail of a batch b, by the names of the fields of `Gate`, and its account.
GATE_OF_BATCH: Final = ", ".join(
    ["b.status as batch_status", *(f"{value} as {name}" for name, value in FREEZES.items())]
)
ACCOUNTS_OF_BATCH: Final = f"""join accounts_account a on a.id = b.account_id
{FREEZERS}"""
# A scheduled campaign c, with its launch l if it has one, of which no message was made yet.
IS_UNMADE: Final = f"""c.status = {int(CampaignStatus.SCHEDULED)} and c.deleted_at is null
    and (l.id is null or (l.recipients = 0 and not l.is_complete))"""

# The accounts that have due mail, by lane: a skip scan, or a probe for each account of the scope.
WITH_DUE_MAIL: Final = f"""
turn(lane, account_id, place) as (
    (select lane, account_id, 1 from batches_parcel
     where state = {DUE} and %(accounts)s::bigint[] is null order by lane, account_id limit 1)
  union all
    select next.lane, next.account_id, turn.place + 1 from turn cross join lateral (
        select p.lane, p.account_id from batches_parcel p
        where p.state = {DUE} and (p.lane, p.account_id) > (turn.lane, turn.account_id)
        order by p.lane, p.account_id limit 1) next
    where turn.place < %(most_accounts)s
), waiting as (
    select lane, account_id from turn
    union all
    select lane, account_id from unnest(%(accounts)s::bigint[]) account_id, unnest(array[{LANES}]) lane
)"""

# The counts of the batches `chosen`, which share the number of parcels that are read.
ESTIMATE_CHOSEN: Final = ESTIMATE_BATCHES.replace(
    "unnest(%(batches)s::bigint[]) as b(id)", "(select batch_id from chosen) b(id)"
).replace("%(parcels)s", "(select greatest(%(least_counted)s, %(counted)s / greatest(count(*), 1)) from chosen)")

# The batches that are being sent: workers have claimed mail of them, mail of them is due, they sent mail in this minute
# or the last one, or they belong to a campaign that has begun. Of the due mail of each account the oldest parcels are
# looked at. Each has its counts in this snapshot, and its rate.
FIND_RUNNING: Final = f"""
with recursive {CLOCK}, {WITH_DUE_MAIL}, claimed(batch_id, place) as (
    (select batch_id, 1 from batches_parcel where state = {CLAIMED} order by batch_id limit 1)
  union all
    select (select p.batch_id from batches_parcel p
            where p.state = {CLAIMED} and p.batch_id > claimed.batch_id order by p.batch_id limit 1), place + 1
    from claimed where claimed.batch_id is not null and place < %(most_batches)s
), sent as materialized (
    select key::bigint as batch_id, {by_clock(IN_LAST_MINUTE)} / {MINUTE} as rate from mailer_counterdelta
    where series = {int(Series.BATCH)} and {by_clock(LATELY)} and {in_scope("account_id")}
    group by 1
), running(batch_id, place) as (
    select batch_id, 1 from claimed where batch_id is not null
    union all
    select distinct p.batch_id, 2 from waiting w cross join lateral (
        select batch_id from batches_parcel where state = {DUE} and lane = w.lane and account_id = w.account_id
        order by due_at limit greatest(1, %(parcels)s / (select count(*) from waiting))) p
    union all
    select key::bigint, 3 from mailer_counter where series = {int(Series.BATCH)} and span = {MINUTE}
        and at >= (select minute from clock) - interval '1 minute'
        and measure = {int(Measure.SENT)} and {in_scope("account_id")}
    union all
    select batch_id, 3 from sent
    union all
    select l.batch_id, 4 from campaigns_campaign c join campaigns_launch l on l.id = c.launch_id
    where c.status in ({BEGUN}) and c.deleted_at is null and {in_scope("c.account_id")}
), chosen as (
    select r.batch_id, min(r.place) as place from running r join batches_batch b on b.id = r.batch_id
    where {in_scope("b.account_id")}
    group by r.batch_id order by 2, 1 desc limit %(limit)s
), counts as ({ESTIMATE_CHOSEN})
select b.id as batch_id, b.public_id, b.label, b.is_default, a.id as account_id, a.username as account,
    c.id as campaign_id, c.uuid as campaign_uuid, c.title,
    b.status <> {CANCELLED} and coalesce(not l.is_complete, false) as is_expanding,
    last.due_at - clock.now as until_last,
    case when not b.is_default then coalesce(sent.rate, 0) end as rate, {GATE_OF_BATCH}, counts.*
from chosen cross join clock
join batches_batch b on b.id = chosen.batch_id
{ACCOUNTS_OF_BATCH}
left join campaigns_launch l on l.batch_id = b.id
left join campaigns_campaign c on c.id = l.campaign_id
left join lateral (
    select p.due_at from batches_parcel p where p.batch_id = b.id and not p.is_folded order by p.due_at desc limit 1
) last on true
left join sent on sent.batch_id = b.id
join counts on counts.batch = b.id
order by b.id desc
"""

# The next waves by minute, as the sum of the counts of waves and of the deltas that are not added to them yet; and
# the campaigns whose mail does not exist yet. A wave with such deltas may turn out to be over, so as many more waves
# are read as have deltas.
LIST_COMING: Final = f"""
with span as materialized (select now, now + %(within)s as until from (select sluice_now() as now) read), next as (
    (select w.batch_id, w.minute, w.messages, w.parcels
     from batches_wavecount w join batches_batch b on b.id = w.batch_id
     where w.minute > (select now from span) - interval '1 minute' and w.minute <= (select until from span)
        and {in_scope("b.account_id")}
     order by w.minute, w.batch_id
     limit %(limit)s + (select count(*) from (select distinct batch_id, minute from batches_wavedelta) changed))
    union all
    select w.batch_id, w.minute, w.messages, w.parcels
    from batches_wavedelta w join batches_batch b on b.id = w.batch_id
    where w.minute > (select now from span) - interval '1 minute' and w.minute <= (select until from span)
        and {in_scope("b.account_id")}
), wave as (
    select batch_id, minute, sum(messages)::bigint as messages from next
    group by batch_id, minute having sum(parcels) > 0 order by minute, batch_id limit %(limit)s
), unmade as (
    select c.id, c.uuid, c.title, c.begins_at, c.account_id from campaigns_campaign c
    left join campaigns_launch l on l.id = c.launch_id
    where {IS_UNMADE} and c.begins_at <= (select until from span) and {in_scope("c.account_id")}
    order by c.begins_at, c.id limit %(limit)s
)
select coalesce(first.due_at, w.minute) as at, b.id as batch_id, b.public_id, b.label, b.is_default,
    c.id as campaign_id, c.uuid as campaign_uuid, c.title, a.id as account_id, a.username as account, w.messages,
    coalesce(l.is_complete, true) as is_complete, {GATE_OF_BATCH}
from wave w
join batches_batch b on b.id = w.batch_id
{ACCOUNTS_OF_BATCH}
left join campaigns_launch l on l.batch_id = b.id
left join campaigns_campaign c on c.id = l.campaign_id
left join lateral (
    select p.due_at from batches_parcel p
    where p.batch_id = w.batch_id and not p.is_folded and p.due_at >= w.minute
        and p.state = {SCHEDULED} and p.attempts = 0
    order by p.due_at limit 1
) first on true
where first.due_at is null or first.due_at <= (select until from span)
union all
select u.begins_at, null, null, '', false, u.id, u.uuid, u.title, a.id, a.username, null, false,
    {OPEN_BATCH}, {", ".join(FREEZES.values())}
from unmade u join accounts_account a on a.id = u.account_id
{FREEZERS}
order by 1, 2, 6
limit %(limit)s
"""

CAMPAIGNS = -1
"""The state of the row of `READ_STORE` that counts campaigns."""
WAITING_OF: Final = " union all ".join(
    f"""(select {state} as state, batch_id, {WAITING_MESSAGES} as messages
        from batches_parcel p where p.state = {state} and {in_scope("p.account_id")} limit %(parcels)s)"""
    for state in (SCHEDULED, DUE, CLAIMED, RETAINED, HELD)
)
# The mail that waits, by the state of its parcels and by the gate of its batch without the installation's; and the
# scheduled campaigns of which no mail was made yet.
READ_STORE: Final = f"""
select w.state, b.status as batch_status, a.frozen_at is not null as is_account_frozen,
    parent.frozen_at is not null as is_parent_frozen,
    sum(w.messages)::bigint as messages, sum(w.parcels)::bigint as parcels
from (
    select state, batch_id, sum(messages) as messages, count(*) as parcels from ({WAITING_OF}) looked group by 1, 2
) w
join batches_batch b on b.id = w.batch_id
join accounts_account a on a.id = b.account_id
left join accounts_account parent on parent.id = a.parent_id
group by 1, 2, 3, 4
union all
select {CAMPAIGNS}, {OPEN_BATCH}, false, false, count(*), 0
from campaigns_campaign c left join campaigns_launch l on l.id = c.launch_id
where {IS_UNMADE} and {in_scope("c.account_id")}
"""

# Everything that may need a person, in one row for each kind: how many objects there are, and the first of them. The
# figures of mail are of at most `parcels` parcels each.
PROBLEMS: Final = f"""
with recursive {CLOCK}, {WITH_DUE_MAIL}, oldest as (
    select w.account_id, a.username, a.lateness_limit, {OPEN_SINCE} as due_since, p.batch_id
    from waiting w
    cross join lateral (
        select p.due_at, p.batch_id from batches_parcel p
        where p.state = {DUE} and p.lane = w.lane and p.account_id = w.account_id order by p.due_at limit 1
    ) p
    join batches_batch b on b.id = p.batch_id and b.status = {OPEN_BATCH}
    {ACCOUNTS_OF_BATCH}
    where not {IS_FROZEN}
), retained(batch_id, place) as (
    (select batch_id, 1 from batches_parcel where state = {RETAINED} order by batch_id limit 1)
  union all
    select (select p.batch_id from batches_parcel p
            where p.state = {RETAINED} and p.batch_id > retained.batch_id order by p.batch_id limit 1), place + 1
    from retained where retained.batch_id is not null and place < %(most_batches)s
), expiring as (
    select b.id as batch_id, b.label, b.public_id, b.is_default, a.username, first.send_at + kept.time as at,
        (select coalesce(sum(messages), 0) from (
            select {WAITING_MESSAGES} as messages from batches_parcel p
            where p.state = {RETAINED} and p.batch_id = b.id and p.send_at < clock.now + %(notice)s - kept.time
            limit %(parcels)s) lost) as messages
    from retained r cross join clock
    join batches_batch b on b.id = r.batch_id and b.status = {PAUSED}
    {ACCOUNTS_OF_BATCH}
    cross join lateral (select make_interval(secs => coalesce(b.retention_seconds, %(retention)s)) as time) kept
    cross join lateral (
        select p.send_at from batches_parcel p where p.state = {RETAINED} and p.batch_id = b.id
        order by p.send_at limit 1
    ) first
    where not {IS_FROZEN} and first.send_at + kept.time < clock.now + %(notice)s
        and (b.paused_until is null or b.paused_until > first.send_at + kept.time) and {in_scope("b.account_id")}
), silent as (
    select n.name, n.seen_at from batches_node n cross join clock
    where n.seen_at < clock.now - %(silence)s and %(accounts)s::bigint[] is null
    order by n.seen_at desc limit %(most_nodes)s
), failed_campaign as (
    select c.id, c.title, a.username, c.finished_at, c.failure
    from campaigns_campaign c join accounts_account a on a.id = c.account_id cross join clock
    where c.status = {int(CampaignStatus.FAILED)} and c.deleted_at is null
        and c.finished_at > clock.now - %(remembered)s and {in_scope("c.account_id")}
    order by c.finished_at desc limit %(most_failures)s
), failed_job as (
    select j.id, j.kind, a.username, j.finished_at, j.message
    from campaigns_job j join accounts_account a on a.id = j.account_id cross join clock
    where j.status = '{JobStatus.FAILED}' and j.finished_at > clock.now - %(remembered)s and {in_scope("j.account_id")}
    order by j.finished_at desc limit %(most_failures)s
), gave_up as (
    select e.id, e.url, e.disabled_reason, a.username, e.disabled_at
    from events_endpoint e join accounts_account a on a.id = e.account_id cross join clock
    where not e.is_enabled and e.disabled_reason <> ''
        and e.disabled_at > clock.now - %(remembered)s and {in_scope("e.account_id")}
    order by e.disabled_at desc limit %(most_failures)s
), failing_endpoint as (
    select id, min(since) as since from (
        (select e.id, e.failing_since as since from events_endpoint e cross join clock
         where e.is_enabled and e.failing_since < clock.now - %(failing)s and {in_scope("e.account_id")}
         order by e.failing_since limit %(most_failures)s)
        union all
        (select e.id, l.failing_since from events_lane l join events_endpoint e on e.id = l.endpoint_id cross join clock
         where e.is_enabled and l.failing_since < clock.now - %(failing)s and {in_scope("e.account_id")}
         order by l.failing_since limit %(most_failures)s)
    ) several group by id
), share as (
    select s.*, a.username from ({{shares}}) s join accounts_account a on a.id = s.account_id
    where s.refused > %(refused_share)s * (s.refused + s.sent)
), in_hand as (
    select 'held' as kind, account_id, {WAITING_MESSAGES} as messages from (
        select * from batches_parcel where state = {HELD} and {in_scope("account_id")}
        order by account_id, id limit %(parcels)s) p
    union all
    select 'in doubt', account_id, in_doubt from (
        select account_id, in_doubt from batches_parcel where in_doubt > 0 and {in_scope("account_id")}
        order by account_id, id limit %(parcels)s) p
)
select 'due' as kind, count(distinct account_id) as number, 0::bigint as messages, 0::bigint as parcels,
    min(due_since) as at, (array_agg(username order by due_since))[1] as account,
    (array_agg(batch_id order by due_since))[1] as id, '' as name, '' as text
from oldest cross join clock where due_since < clock.now - %(overdue)s
union all
select 'late', count(distinct account_id), 0, 0, min(due_since), (array_agg(username order by due_since))[1],
    (array_agg(account_id order by due_since))[1], (array_agg(lateness_limit order by due_since))[1]::text, ''
from oldest cross join clock where due_since + make_interval(secs => lateness_limit) < clock.now
union all
select kind, count(distinct account_id), sum(messages)::bigint, count(*), null,
    (select username from accounts_account where id = min(account_id)), min(account_id), '', ''
from in_hand group by kind
union all
select 'expiring', count(*), sum(messages)::bigint, 0, min(at), (array_agg(username order by at))[1],
    (array_agg(batch_id order by at))[1],
    (array_agg(case when is_default then '' else coalesce(nullif(label, ''), public_id) end order by at))[1], ''
from expiring having count(*) > 0
union all
select 'refused', count(*), (array_agg(refused order by refused desc, account_id))[1],
    (array_agg(sent order by refused desc, account_id))[1], null,
    (array_agg(username order by refused desc, account_id))[1],
    (array_agg(account_id order by refused desc, account_id))[1], '', ''
from share having count(*) > 0
union all
select 'campaign', count(*), 0, 0, max(finished_at), (array_agg(username order by finished_at desc))[1],
    (array_agg(id order by finished_at desc))[1], (array_agg(title order by finished_at desc))[1],
    (array_agg(failure order by finished_at desc))[1]
from failed_campaign having count(*) > 0
union all
select 'job', count(*), 0, 0, max(finished_at), (array_agg(username order by finished_at desc))[1],
    (array_agg(id order by finished_at desc))[1], (array_agg(kind order by finished_at desc))[1],
    (array_agg(message order by finished_at desc))[1]
from failed_job having count(*) > 0
union all
select 'disabled endpoint', count(*), 0, 0, max(disabled_at), (array_agg(username order by disabled_at desc))[1],
    (array_agg(id order by disabled_at desc))[1], (array_agg(url order by disabled_at desc))[1],
    (array_agg(disabled_reason order by disabled_at desc))[1]
from gave_up having count(*) > 0
union all
select 'failing endpoint', first.number, (
        select coalesce(sum(d.events), 0) from events_delivery d
        where d.endpoint_id = first.id and d.state = {int(DeliveryState.PENDING)})::bigint, 0,
    first.since, a.username, first.id, e.url, ''
from (
    select count(*) as number, min(since) as since, (array_agg(id order by since, id))[1] as id from failing_endpoint
) first
join events_endpoint e on e.id = first.id
join accounts_account a on a.id = e.account_id
union all
select 'node', 1, coalesce((
        select sum({PENDING}) from batches_worker w join batches_parcel p on p.worker_id = w.id
        where w.node = s.name and p.state = {CLAIMED}), 0)::bigint, 0, s.seen_at, '', 0, s.name, ''
from silent s
union all
select 'no worker', 1, 0, 0, max(n.seen_at), '', 0, '', ''
from clock left join batches_node n on n.concurrency > 0 where %(accounts)s::bigint[] is null
having coalesce(max(n.seen_at), '-infinity') < max(clock.now) - %(silence)s
"""
FIND_PROBLEMS_OF_ALL: Final = PROBLEMS.format(shares=by_clock(SHARES_OF_ALL))
FIND_PROBLEMS_OF_ACCOUNTS: Final = PROBLEMS.format(shares=by_clock(SHARES_OF_ACCOUNTS))

# The problems of all accounts, the time, whether everything is frozen, the recipients of the last minute, how much mail
# was sent by its lateness, whose measures are in the column "number", and the worker processes as JSON.
READ_HEALTH: Final = f"""{FIND_PROBLEMS_OF_ALL}
union all
select 'clock', (select count(*) from batches_installation where frozen_at is not null), 0, 0, now, '', 0, '', ''
from clock
union all
select 'rate', 1, 0, 0, null, '', 0, '', ({by_clock(SENT_BY_ALL)})::text
union all
select 'lateness', late.measure, late.n, 0, null, '', 0, '', '' from ({by_clock(LATENESS_OF_ALL)}) late
union all
select 'process', 0, 0, 0, null, '', 0, '', to_jsonb(process)::text from ({PROCESSES}) process
"""
