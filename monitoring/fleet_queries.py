"""Define the SQL of the fleet: its nodes, its worker processes with their claims, and its database."""

from __future__ import annotations

from batches.queries import CLAIMED, PENDING

# The nodes, the living ones first, and the heartbeats of the last minutes (that of the present minute is not over).
NODES = """
select n.name, n.concurrency, n.started_at, n.seen_at, sluice_now() as now,
    array(
        select coalesce(m.beats, 0)
        from generate_series(1, %(minutes)s) as ago(minutes)
        left join batches_nodeminute m on m.node = n.name
            and m.minute = date_trunc('minute', sluice_now()) - make_interval(mins => ago.minutes)
        order by ago.minutes desc) as beats
from batches_node n
order by n.seen_at desc limit %(nodes)s
"""

# The worker processes that were not declared dead and have looked at the gate lately, or have a claim. A process
# without a look for `lease` seconds counts as silent: what it was sending has ended. All its claims belong to one trip.
PROCESSES = f"""
with claim as (
    select p.worker_id, sum({PENDING}) as messages, bool_or(p.slice_from is not null) as is_sending,
        (array_agg(distinct p.batch_id))[1:%(batches)s] as batches
    from (select * from batches_parcel where state = {CLAIMED} limit %(claims)s) p
    group by p.worker_id
)
select w.id as worker_id, coalesce(r.node, w.node) as node,
    w.seen_at > sluice_now() - make_interval(secs => %(lease)s) as has_looked,
    coalesce(c.messages, 0)::bigint as claimed, coalesce(c.is_sending, false) as is_sending,
    coalesce(c.batches, '{{}}') as batches,
    r.at, coalesce(r.connections, 0) as connections, coalesce(r.connections_used, 0) as connections_used,
    r.silent_since, r.replied_at, r.reply_p50, r.reply_p95, coalesce(r.slow_batches, '{{}}') as slow_batches,
    coalesce(r.error, '') as error, r.error_at, sluice_now() as now
from batches_worker w
left join batches_workerreport r on r.worker_id = w.id
left join claim c on c.worker_id = w.id
where w.dead_at is null and (c.worker_id is not null or w.seen_at > sluice_now() - make_interval(mins => %(minutes)s))
order by w.seen_at desc limit %(processes)s
"""

# The sessions of this database. Without the right to see other roles' sessions, their transactions have no time.
DATABASE = """
select extract(epoch from clock_timestamp() - min(xact_start) filter (where pid <> pg_backend_pid()))::float,
    count(*), current_setting('max_connections')::int, current_setting('server_version'),
    (select extract(epoch from sluice_now() - at)::float from batches_mark where duty = %(beat)s), sluice_now()
from pg_stat_activity where datname = current_database()
"""
