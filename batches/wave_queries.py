"""The SQL of waves: those that come, by the counts that are kept of them, and those that were, by their parcels."""

from __future__ import annotations

from batches.queries import COUNTERS, PENDING, SCHEDULED

# Of folded parcels only the keys are in an index, so the installation's history is looked at through the newest ids.
NEWEST_PARCELS = """
select * from batches_parcel where id > (select last_value from batches_parcel_id_seq) - %(parcels)s
"""
RECENT_PARCELS = f"""
select newest.* from ({NEWEST_PARCELS}) newest
join batches_batch b on b.id = newest.batch_id
where newest.send_at <= (select sluice_now()) and not b.is_default
"""
# The parcels that are not folded, and the newest of all. The condition is on pairs, or the planner would walk the
# primary key, through the parcels of other batches, for a batch that owns much of the table.
PARCELS_OF_BATCH = """
(select * from batches_parcel where batch_id = %(batch)s and not is_folded order by due_at limit %(parcels)s)
union
(select * from batches_parcel where (batch_id, id) >= (%(batch)s, 0) and (batch_id, id) < (%(batch)s + 1, 0)
 order by batch_id desc, id desc limit %(parcels)s)
"""


def waves_among(parcels: str, order: str) -> str:
    """Return a query of the first waves of a selection of parcels, with one row to a wave and a parcel state.

    A remainder's messages are counted where they were sent.
    """
    return f"""
select w.batch_id, b.public_id, b.label, b.is_default, a.username, w.send_at, w.state, count(*) as parcels,
    sum(w.size - w.moved) filter (where not w.is_remainder) as accepted,
    sum({PENDING.replace("p.", "w.")}) filter (where not w.is_remainder) as pending,
    {", ".join(f"sum(w.{name}) filter (where not w.is_remainder) as {name}" for name in COUNTERS if name != "moved")}
from (select p.*, dense_rank() over (order by p.send_at {order}, p.batch_id) as place from ({parcels}) p) w
join batches_batch b on b.id = w.batch_id
join accounts_account a on a.id = b.account_id
where w.place <= %(waves)s
group by w.place, w.batch_id, b.id, a.username, w.send_at, w.state
order by w.place, w.state
"""


RECENT_WAVES = waves_among(RECENT_PARCELS, "desc")
WAVES_OF_BATCH = waves_among(PARCELS_OF_BATCH, "desc")

IS_COMING = f"p.state = {SCHEDULED} and p.attempts = 0"
WAITING_MESSAGES = f"case when p.is_remainder then 0 else {PENDING} end"

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
# so any difference is an error, whatever else happens at this moment. Returns where to continue (null: nowhere), and
# the differences.
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
