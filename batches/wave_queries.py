"""Define the SQL of waves. Coming waves are read from their counts, and past waves from their parcels."""

from __future__ import annotations

from batches.queries import COUNTERS, PENDING, SCHEDULED, WAITING_MESSAGES

READ_OF_PARCEL = "p.id, p.batch_id, p.send_at, p.state, p.is_remainder, p.size, " + ", ".join(
    f"p.{name}" for name in COUNTERS
)


def waves_among(parcels: str, are_whole: str) -> str:
    """Return a query of the latest waves among `parcels`, with one row to a wave and a parcel state.

    `are_whole` is a condition on a batch b under which all of its parcels were read. A remainder's messages are counted
    where they were sent.
    """
    return f"""
select p.batch_id, b.public_id, b.label, b.is_default, a.username, p.send_at, {are_whole} as is_exact, p.state,
    count(*) as parcels, sum(p.size - p.moved) filter (where not p.is_remainder) as accepted,
    sum({PENDING}) filter (where not p.is_remainder) as pending,
    {", ".join(f"sum(p.{name}) filter (where not p.is_remainder) as {name}" for name in COUNTERS if name != "moved")}
from (select p.*, dense_rank() over (order by p.send_at desc, p.batch_id) as place from ({parcels}) p) p
join batches_batch b on b.id = p.batch_id
join accounts_account a on a.id = b.account_id
where p.place <= %(waves)s
group by p.place, p.batch_id, b.id, a.username, p.send_at, p.state
order by p.place, p.state
"""


# Of folded parcels only the keys are in an index, so the installation's history is looked at through the newest ids.
OLD_PARCELS = "(select last_value - %(parcels)s from batches_parcel_id_seq)"
RECENT_PARCELS = f"""
select {READ_OF_PARCEL} from batches_parcel p join batches_batch b on b.id = p.batch_id
where p.id > {OLD_PARCELS} and p.send_at <= (select sluice_now()) and not b.is_default
"""
RECENT_WAVES = waves_among(
    RECENT_PARCELS,
    are_whole=f"(select min(first.id) from batches_parcel first where first.batch_id = b.id) > {OLD_PARCELS}",
)

# The newest parcels of a batch and, if it has more, those of the others that are not folded and due first. The
# condition is on pairs, or the planner would walk the primary key, through the parcels of other batches, for a batch
# that owns much of the table.
NEWEST_OF_BATCH = f"""
select {READ_OF_PARCEL} from batches_parcel p
where (p.batch_id, p.id) >= (%(batch)s, 0) and (p.batch_id, p.id) < (%(batch)s + 1, 0)
order by p.batch_id desc, p.id desc limit %(parcels)s
"""
PARCELS_OF_BATCH = f"""
select * from newest
union all
(select {READ_OF_PARCEL} from batches_parcel p cross join reach
 where p.batch_id = %(batch)s and not p.is_folded and p.id < reach.first and not reach.is_whole
 order by p.due_at limit %(parcels)s)
"""
WAVES_OF_BATCH = f"""
with newest as materialized ({NEWEST_OF_BATCH}), reach as materialized (
    select min(id) as first, count(*) < %(parcels)s as is_whole from newest
)
{waves_among(PARCELS_OF_BATCH, are_whole="(select is_whole from reach)")}
"""

IS_COMING = f"p.state = {SCHEDULED} and p.attempts = 0"

# Add a page of deltas to the waves. Waves are locked in the order of their key, so that two folds cannot deadlock.
FOLD_WAVES = """
with folded as (
    delete from batches_wavedelta where id = any(array(
        select id from batches_wavedelta order by id limit %(limit)s for update skip locked))
    returning batch_id, minute, messages, parcels
), added as (
    insert into batches_wavecount as w (batch_id, minute, messages, parcels)
    select batch_id, minute, sum(messages), sum(parcels) from folded group by 1, 2 order by 1, 2
    on conflict (batch_id, minute) do update
    set messages = w.messages + excluded.messages, parcels = w.parcels + excluded.parcels
)
select count(*) from folded
"""
DELETE_ENDED_WAVES = """
delete from batches_wavecount where (batch_id, minute) in (
    select batch_id, minute from batches_wavecount where messages = 0 and parcels = 0
    limit 10000 for update skip locked)
"""

# The next batch by id that has waves, or parcels that may belong to one.
NEXT_BATCH_WITH_WAVES = """
select min(batch_id) from (
    (select batch_id from batches_parcel where not is_folded and batch_id > %(after)s order by batch_id limit 1)
    union all
    (select batch_id from batches_wavecount where batch_id > %(after)s order by batch_id limit 1)
) next
"""

# Count the mail of a batch again that waits for its first try from `since` on, as far as about `limit` parcels go, and
# insert the difference from its waves. A parcel and its delta are written by one transaction, and this is one snapshot,
# so any difference is an error, whatever else happens at this moment. Return the time from which to continue (null:
# nothing is left), and the differences.
CHECK_WAVES = f"""
with page as materialized (
    select due_at from batches_parcel where batch_id = %(batch)s and not is_folded and due_at >= %(since)s
    order by due_at limit %(limit)s
), part as materialized (
    select case when count(*) = %(limit)s then date_trunc('minute', max(due_at)) + interval '1 minute' end as until
    from page
), waiting as (
    select date_trunc('minute', p.due_at) as minute, sum({WAITING_MESSAGES}) as messages, count(*) as parcels
    from batches_parcel p
    where p.batch_id = %(batch)s and not p.is_folded and {IS_COMING} and p.due_at >= %(since)s
        and p.due_at < (select coalesce(until, 'infinity') from part)
    group by 1
), noted as (
    select minute, sum(messages) as messages, sum(parcels) as parcels
    from (select * from batches_wavecount
          union all select batch_id, minute, messages, parcels from batches_wavedelta) w
    where batch_id = %(batch)s and minute >= %(since)s and minute < (select coalesce(until, 'infinity') from part)
    group by 1
), drift as (
    insert into batches_wavedelta (batch_id, minute, messages, parcels)
    select %(batch)s, minute, messages, parcels from (
        select minute, coalesce(waiting.messages, 0) - coalesce(noted.messages, 0) as messages,
            coalesce(waiting.parcels, 0) - coalesce(noted.parcels, 0) as parcels
        from waiting full join noted using (minute)
    ) d where messages <> 0 or parcels <> 0
    returning minute, messages, parcels
)
select until, coalesce((select array_agg(minute) from drift), '{{}}'), coalesce((select sum(messages) from drift), 0),
    coalesce((select sum(abs(messages)) from drift), 0)
from part
"""
