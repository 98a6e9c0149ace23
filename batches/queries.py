"""Define the SQL that the ORM cannot express: skip scans, SKIP LOCKED under a limit, several tables in one statement.

Two rules keep these fast at any size (measured, docs/decisions): parcels are picked by
`id = any(array(select … for update skip locked limit n))`, since a join at a large limit flips to a sequential scan;
and the clock is read as `(select sluice_now())`, once, so that indexes on times are used.
"""

from __future__ import annotations

from dataclasses import fields

from batches.models import PARCEL_SPAN
from batches.states import FINAL_STATES, WAITING_STATES, BatchStatus, ParcelState
from batches.verdict import Gate
from foundation.locks import keys_of_lock
from foundation.postgresql import AdvisoryLock

SCHEDULED, DUE, CLAIMED, RETAINED, DONE, DISCARDED, EXPIRED, HELD = (int(state) for state in ParcelState)
OPEN, CANCELLED = int(BatchStatus.OPEN), int(BatchStatus.CANCELLED)
FINAL = ",".join(str(int(state)) for state in sorted(FINAL_STATES))
WAITING = ",".join(str(int(state)) for state in sorted(WAITING_STATES))
COUNTERS = ("sent", "refused", "dropped", "stopped", "in_doubt", "moved")
PENDING = "(p.size - " + " - ".join(f"p.{name}" for name in COUNTERS) + ")"
WAITING_MESSAGES = f"case when p.is_remainder then 0 else {PENDING} end"
"""The messages that a parcel p still has to send. Those of a remainder are counted in the first parcel only."""

# Whatever can freeze the mail of an account a: it, its parent, and the installation.
FREEZERS = """left join accounts_account parent on parent.id = a.parent_id
left join batches_installation i on true"""
FREEZES = {
    "is_account_frozen": "a.frozen_at is not null",
    "is_parent_frozen": "parent.frozen_at is not null",
    "is_installation_frozen": "i.frozen_at is not null",
}
"""The fields of `Gate` that say what is frozen, as they are selected for an account a and its `FREEZERS`."""
IS_FROZEN = f"({' or '.join(FREEZES.values())})"

NO_MEMBERS = f"'\\x{'00' * (PARCEL_SPAN // 8)}'::bytea"

# The batch's half of the gate, locked so that no stop or resume can pass while a verdict is carried out.
READ_BATCH_GATE = """
select status, resumed_at, retention_seconds, account_id,
    (select parent_id from accounts_account where id = account_id), sluice_now()
from batches_batch where id = %s for share
"""

READ_ACCOUNT_GATE = """
select id, frozen_at is not null, thawed_at, lateness_limit, case when is_purging then purged_through else 0 end
from accounts_account where id = any(%s) order by id for share
"""
READ_INSTALLATION_GATE = "select frozen_at is not null, thawed_at from batches_installation for share"


def move_picked(picked: str) -> str:
    """Return a statement that moves the parcels which `picked` selects and locks to the state `target`.

    Mail that may have been sent before is in doubt instead of discarded. The columns are those of `Moved`.
    """
    return f"""
with picked as materialized ({picked}), moved as (
    update batches_parcel p set
        state = case when p.is_replay and %(target)s in ({FINAL}) then {DONE} else %(target)s end,
        in_doubt = case when p.is_replay and %(target)s in ({FINAL}) then p.in_doubt + {PENDING} else p.in_doubt end,
        members = case when p.is_replay and %(target)s in ({FINAL}) then {NO_MEMBERS} else p.members end,
        finalized_at = case when %(target)s in ({FINAL}) then %(now)s end
    where p.id = any(array(select id from picked))
    returning p.id, {PENDING} as pending, p.batch_id, p.account_id, p.base, p.fence, p.members, p.size, p.is_remainder,
        p.is_replay
)
select case when lead(picked.id) over (order by picked.due_at, picked.id) is null then picked.due_at end,
    picked.id, picked.lane, moved.pending, moved.batch_id, moved.account_id, moved.base, moved.fence,
    moved.members, moved.size, moved.is_remainder, moved.is_replay
from picked left join moved on moved.id = picked.id order by picked.due_at, picked.id
"""


# Carry a verdict out on a page of a batch's parcels: those due up to `until`, numbered from `base_until` or below.
# `is_after`: those past their retention, or those within it; null: both.
APPLY_VERDICT = move_picked("""
    select id, due_at, lane from batches_parcel
    where batch_id = %(batch)s and not is_folded and state = any(%(sources)s)
      and due_at <= %(until)s and (due_at, id) > (%(after_due)s, %(after_id)s)
      and (%(is_after)s::bool is null or (send_at <= %(retained_since)s) = %(is_after)s)
      and base <= %(base_until)s
    order by due_at, id limit %(limit)s
    for update skip locked
""")

# Move those of these parcels that no worker holds.
MOVE_PARCELS = move_picked("""
    select id, due_at, lane from batches_parcel
    where id = any(%(parcels)s::bigint[]) and state = any(%(sources)s)
    order by due_at, id
    for update skip locked
""")

# Limit the wait for locks until the end of the transaction.
LIMIT_WAITING = """
select set_config('lock_timeout', %(milliseconds)s, true), set_config('statement_timeout', %(milliseconds)s, true)
"""

RESCHEDULE = f"""
with moved as (
    update batches_parcel p set send_at = %(send_at)s, due_at = %(send_at)s,
        state = case when %(send_at)s > %(now)s then {SCHEDULED} else {DUE} end
    where p.batch_id = %(batch)s and not p.is_folded and p.state in ({WAITING})
    returning {WAITING_MESSAGES} as messages
)
select coalesce(sum(messages), 0) from moved
"""


def accept_lock(account: str) -> str:
    """Return the keys of the advisory lock between an account's accepts, which share it, and its purge."""
    return keys_of_lock(AdvisoryLock.ACCEPT, account)


LAST_PARCEL_ID = "select case when is_called then last_value else last_value - 1 end from batches_parcel_id_seq"

UNFINISHED_PURGE = """
select b.id from accounts_account a join batches_batch b on b.account_id = a.id
where a.id = %s and exists (
    select from batches_parcel p
    where p.batch_id = b.id and not p.is_folded and p.finalized_at is null and p.base <= a.purged_through)
order by b.id limit 100
"""

PICK_WAVES = f"""
select batch_id, due_at from batches_parcel
where state = {SCHEDULED} and due_at > %(after)s and due_at <= %(until)s
group by batch_id, due_at order by due_at limit %(limit)s
"""

# Batches whose hint is late or was lost.
BATCHES_WITH_DUE_SCHEDULED = f"""
select distinct batch_id from (
    select batch_id from batches_parcel where state = {SCHEDULED} and due_at <= (select sluice_now())
    order by due_at limit 5000
) overdue
"""

# Batches with retained parcels for which `verdict` may say something new. A skip scan: one probe per such batch.
BATCHES_TO_READMIT = f"""
with recursive held(batch_id) as (
    (select batch_id from batches_parcel where state = {RETAINED} order by batch_id limit 1)
  union all
    select (select p.batch_id from batches_parcel p
            where p.state = {RETAINED} and p.batch_id > held.batch_id order by p.batch_id limit 1)
    from held where held.batch_id is not null
)
select b.id from held
join batches_batch b on b.id = held.batch_id
join accounts_account a on a.id = b.account_id
{FREEZERS}
where b.status = {CANCELLED}
   or (not {IS_FROZEN}
       and (b.status = {OPEN}
            or (select p.send_at from batches_parcel p where p.state = {RETAINED} and p.batch_id = b.id
                order by p.send_at limit 1)
               <= (select sluice_now()) - make_interval(secs => coalesce(b.retention_seconds, %(retention)s))))
"""

STOPPED_BATCHES_WITH_DUE = f"""
select b.id from batches_batch b
where b.status <> {OPEN} and exists (
    select from batches_parcel p where p.batch_id = b.id and not p.is_folded
      and (p.state = {DUE} or (p.state = {HELD} and b.status = {CANCELLED})))
"""


def new_parcel(*, batch: str, account: str, lane: str) -> dict[str, str]:
    """Return the columns of a new parcel, by name, read from a row with its id, send_at, size and the moment "now"."""
    return {
        "id": "id",
        "base": "id",
        "batch_id": batch,
        "account_id": account,
        "lane": lane,
        "state": f"case when send_at <= now then {DUE} else {SCHEDULED} end",
        "send_at": "send_at",
        "due_at": "send_at",
        "size": "size",
        **dict.fromkeys(("attempts", "fence", "slice_no", *COUNTERS), "0"),
        **dict.fromkeys(("is_remainder", "is_folded"), "false"),
    }


def insert_parcels(drawn: str, *, batch: str, account: str, lane: str) -> str:
    """Return an insert of new parcels from a row source, as `new_parcel` reads its rows.

    Mail that is due now is due at once: the worker that claims it asks the gate.
    """
    columns = new_parcel(batch=batch, account=account, lane=lane)
    return f"""insert into batches_parcel ({", ".join(columns)})
    select {", ".join(columns.values())}
    from {drawn}"""


CLAIMED_COLUMNS = {
    "parcel_id": "p.id",
    "batch_id": "p.batch_id",
    "account_id": "p.account_id",
    "fence": "p.fence",
    "base": "p.base",
    "members": "p.members",
    "size": "p.size",
    "attempts": "p.attempts",
    "send_at": "p.send_at",
    "slice_no": "p.slice_no",
    "is_remainder": "p.is_remainder",
    "is_replay": "p.is_replay",
    "lane": "p.lane",
    "doubtful": "p.doubtful",
}
"""The columns of a claimed parcel, by the names of the fields of `Claim` and in their order."""

# Claim the next due parcels of a lane: accounts in turn from the one after `after` round to itself, a few parcels each,
# until `messages` are together. Rows that another worker is claiming are skipped. Only mail of the batches `slow`, or
# only other mail, as `is_slow` says.
CLAIM = f"""
with recursive ahead(account_id, place) as (
    (select account_id, 1 from batches_parcel
     where lane = %(lane)s and state = {DUE} and account_id > %(after)s order by account_id limit 1)
  union all
    select (select p.account_id from batches_parcel p
            where p.lane = %(lane)s and p.state = {DUE} and p.account_id > ahead.account_id
            order by p.account_id limit 1), place + 1
    from ahead where ahead.account_id is not null and place < %(accounts)s
), behind(account_id, place) as (
    (select account_id, %(accounts)s + 1 from batches_parcel
     where lane = %(lane)s and state = {DUE} and account_id <= %(after)s order by account_id limit 1)
  union all
    select (select p.account_id from batches_parcel p
            where p.lane = %(lane)s and p.state = {DUE} and p.account_id > behind.account_id
              and p.account_id <= %(after)s
            order by p.account_id limit 1), place + 1
    from behind where behind.account_id is not null and place < 2 * %(accounts)s
), due as materialized (
    select p.id, p.due_at, p.pending, t.place
    from (select account_id, place, count(*) over () as accounts
          from (select * from ahead union all select * from behind) turn where account_id is not null) t
    cross join lateral (
        select p.id, p.due_at, {PENDING} as pending from batches_parcel p
        where p.lane = %(lane)s and p.state = {DUE} and p.account_id = t.account_id
          and (p.recalled_until is null or p.recalled_until < (select sluice_now()))
          and (p.batch_id = any(%(slow)s::bigint[])) = %(is_slow)s
        order by p.due_at limit greatest(1, %(parcels)s / t.accounts) for update skip locked
    ) p
), picked as materialized (
    select id from (
        select id, sum(pending) over (order by place, due_at, id) - pending as before from due
    ) q where before < %(messages)s
), fence as materialized (select nextval('batches_fence') as number)
update batches_parcel p set state = {CLAIMED}, worker_id = %(worker)s, fence = (select number from fence),
    claimed_at = sluice_now(), slice_from = null, slice_to = null
where p.id = any(array(select id from picked))
returning {", ".join(f"{column} as {name}" for name, column in CLAIMED_COLUMNS.items())}
"""

LOCK_SLOW = f"select pg_advisory_xact_lock({int(AdvisoryLock.SLOW_MAIL)}, 0)"
COUNT_OTHERS_AT = f"""
select count(distinct worker_id) from batches_parcel
where state = {CLAIMED} and batch_id = any(%(batches)s::bigint[]) and worker_id <> %(worker)s
"""

# The worker processes that have nothing to do. None while anything is due: they are about to claim that.
COUNT_IDLE = f"""
select case when exists (select from batches_parcel where state = {DUE}) then 0 else
    coalesce((select sum(concurrency) from batches_node
              where seen_at > sluice_now() - make_interval(secs => %(silence)s)), 1)
    - (select count(distinct worker_id) from batches_parcel where state = {CLAIMED}) end
"""

COPIED = ("batch_id", "account_id", "lane", "send_at", "due_at", "base", "attempts", "is_remainder", "is_replay")
"""The columns that a parcel has in common with the one it was split from, unless the caller sets other values."""
OWN = {
    "id": "nextval('batches_parcel_id_seq')",
    "state": str(DUE),
    "members": "part.members",
    "size": "part.size",
    "doubtful": "part.doubtful",
    "worker_id": "null::bigint",
    "recalled_until": "null::timestamptz",
    "fence": "0",
    "claimed_at": "null::timestamptz",
    "slice_no": "0",
    "slice_from": "null::smallint",
    "slice_to": "null::smallint",
    **dict.fromkeys(COUNTERS, "0"),
    "finalized_at": "null::timestamptz",
    "is_folded": "false",
}
"""The other columns, with their values in a parcel that was split off. A test compares the two with the model."""


def insert_parts(source: str, parts: str, **values: str) -> str:
    """Return an insert of a parcel for each of `parts` (members, size, doubtful), split from the parcel `source`.

    `values` are the columns that are neither copied nor begin as usual.
    """
    columns = {name: f"source.{name}" for name in COPIED} | OWN | values
    return f"""insert into batches_parcel ({", ".join(columns)})
select {", ".join(columns.values())}
from {source} source cross join {parts} part(members, size, doubtful)"""


SPLIT_OFF = insert_parts(
    "(select * from batches_parcel where id = %(source)s)",
    "(values (%(members)s::bytea, %(size)s::smallint, %(doubtful)s::bytea))",
    state="%(state)s",
    send_at="coalesce(%(send_at)s::timestamptz, source.send_at)",
    due_at="%(due_at)s",
    attempts="%(attempts)s",
    is_remainder="%(is_remainder)s",
    is_replay="%(is_replay)s",
)

# Make parts of a claimed parcel due for other workers. This happens only under the claim's fence and between slices, so
# that no slice has bounds with messages of another worker, and not while the parcel is recalled.
SPLIT_CLAIM = f"""
with source as (
    update batches_parcel p set members = %(left)s, moved = p.moved + %(moved)s,
        doubtful = case when p.is_replay then %(doubtful_left)s::bytea else p.doubtful end
    where p.id = %(parcel)s and p.fence = %(fence)s and p.state = {CLAIMED} and p.slice_from is null
      and (p.recalled_until is null or p.recalled_until < (select sluice_now()))
    returning *
)
{insert_parts("source", "unnest(%(members)s::bytea[], %(sizes)s::smallint[], %(doubtful)s::bytea[])")}
"""

# Since when a parcel p may be sent: its time, or the last time at which its gate was opened.
OPEN_SINCE = "greatest(p.due_at, b.resumed_at, a.thawed_at, parent.thawed_at, i.thawed_at)"
GATE_COLUMNS = {
    "batch_status": "b.status",
    **FREEZES,
    "is_purged": "p.base <= a.purged_through",
    "is_late": f"coalesce(sluice_now() >= {OPEN_SINCE} + make_interval(secs => a.lateness_limit), false)",
}
"""The fields of `Gate`, as they are selected for a parcel p."""
IS_RECALLED = "coalesce(p.recalled_until > sluice_now(), false)"
# Everything that can stop a parcel p, in the order of `Gate`'s fields, and whether the parcel is recalled.
GATE = ", ".join(
    [*(f"{GATE_COLUMNS[field.name]} as {field.name}" for field in fields(Gate)), f"{IS_RECALLED} as is_recalled"]
)
GATE_TABLES = f"""join batches_batch b on b.id = p.batch_id
join accounts_account a on a.id = p.account_id
{FREEZERS}"""

# A worker that is in the table and was not declared dead. It is asked before each claim, and the ORM takes five times
# as long.
FIND_LIVING_WORKER = "select id from batches_worker where id = %s and dead_at is null"

# The report of a worker process, which takes the place of its last one. Times are given as seconds ago.
REPORT = """
insert into batches_workerreport (worker_id, node, at, connections, connections_used, silent_since, replied_at,
    reply_p50, reply_p95, slow_batches, error, error_at)
select %(worker)s::bigint, %(node)s::text, now, %(connections)s::smallint, %(used)s::smallint,
    now - make_interval(secs => %(silent)s::float), now - make_interval(secs => %(replied)s::float),
    %(p50)s::float, %(p95)s::float, %(slow)s::bigint[], %(error)s::text, now - make_interval(secs => %(failed)s::float)
from (select sluice_now() as now) moment
on conflict (worker_id) do update set (node, at, connections, connections_used, silent_since, replied_at,
    reply_p50, reply_p95, slow_batches, error, error_at) = row(excluded.node, excluded.at, excluded.connections,
    excluded.connections_used, excluded.silent_since, excluded.replied_at, excluded.reply_p50, excluded.reply_p95,
    excluded.slow_batches, excluded.error, excluded.error_at)
returning worker_id
"""

# The heartbeat of a node: the time in its row, and one more in the present minute.
BEAT = """
with node as (
    insert into batches_node as n (name, concurrency, seen_at, started_at)
    values (%(name)s, %(concurrency)s, sluice_now(), sluice_now())
    on conflict (name) do update set concurrency = excluded.concurrency, seen_at = excluded.seen_at
)
insert into batches_nodeminute as m (node, minute, beats)
values (%(name)s, date_trunc('minute', sluice_now()), 1)
on conflict (node, minute) do update set beats = m.beats + 1
"""

# The look before each slice, in one statement: renew the worker (which must not be dead), check the claims' fences,
# write the bounds of the coming slice, read every status, and since when mail may be sent. A parcel that is not in the
# answer must not be sent.
LOOK = f"""
with me as (
    update batches_worker set seen_at = sluice_now() where id = %(worker)s and dead_at is null returning id
), coming as (
    select * from unnest(%(parcels)s::bigint[], %(fences)s::bigint[], %(starts)s::smallint[], %(ends)s::smallint[],
                         %(numbers)s::int[]) as s(id, fence, slice_from, slice_to, slice_no)
), mine as (
    update batches_parcel p
    set slice_from = s.slice_from, slice_to = s.slice_to, slice_no = s.slice_no
    from coming s
    where p.id = s.id and p.fence = s.fence and p.state = {CLAIMED} and exists (select from me)
    returning p.id, p.batch_id, p.account_id, p.base, p.due_at, p.recalled_until
)
select p.id, {GATE}, {OPEN_SINCE} as open_since
from mine p
{GATE_TABLES}
"""

# The look in the middle of a slice, while a peer is slow: the same answers, and no bounds to write.
GLANCE = f"""
with me as (
    update batches_worker set seen_at = sluice_now() where id = %(worker)s and dead_at is null returning id
)
select p.id, {GATE}
from batches_parcel p
{GATE_TABLES}
where p.id = any(%(parcels)s) and p.state = {CLAIMED} and p.worker_id = %(worker)s and exists (select from me)
"""

# Write a slice's outcome, once: only under the claim's fence, and only for the slice that the last look announced.
RECORD = f"""
update batches_parcel p set
    {", ".join(f"{name} = p.{name} + r.{name}" for name in COUNTERS)},
    members = r.members, doubtful = r.doubtful, slice_from = null, slice_to = null,
    state = case when r.is_last then {DONE} else p.state end,
    worker_id = case when r.is_last then null else p.worker_id end,
    finalized_at = case when r.is_last then sluice_now() end
from unnest(%(parcels)s::bigint[], %(fences)s::bigint[], %(numbers)s::int[], %(members)s::bytea[],
    %(doubtful)s::bytea[], %(is_last)s::bool[], {", ".join(f"%({name})s::smallint[]" for name in COUNTERS)})
    as r(id, fence, slice_no, members, doubtful, is_last, {", ".join(COUNTERS)})
where p.id = r.id and p.fence = r.fence and p.state = {CLAIMED} and p.slice_no = r.slice_no
  and p.slice_from is not null
returning p.id, sluice_now()
"""

# The parcels that RECORD did not find and whose slice it wrote before (the answer to a commit was lost).
WAS_RECORDED = """
select p.id from batches_parcel p
join unnest(%(parcels)s::bigint[], %(fences)s::bigint[], %(numbers)s::int[]) as r(id, fence, slice_no) on r.id = p.id
where p.fence = r.fence and p.slice_no = r.slice_no and p.slice_from is null
"""

# Give parcels back. Only between slices, when everything of the last one is recorded.
RELEASE = f"""
update batches_parcel p set state = {DUE}, worker_id = null, slice_from = null, slice_to = null
from unnest(%(parcels)s::bigint[], %(fences)s::bigint[]) as r(id, fence)
where p.id = r.id and p.fence = r.fence and p.state = {CLAIMED}
"""

# Fold final parcels into their batches' totals: flag and total change in one statement, or neither does.
FOLD = f"""
with final as (
    update batches_parcel p set is_folded = true
    where p.id = any(array(
        select id from batches_parcel where state in ({FINAL}) and not is_folded
        order by id limit %(limit)s for update skip locked))
    returning p.*
), sums as (
    select p.batch_id, sum(p.size - p.moved) as accepted,
        {", ".join(f"sum(p.{name}) as {name}" for name in COUNTERS if name != "moved")},
        sum({PENDING}) filter (where p.state = {DISCARDED}) as discarded,
        sum({PENDING}) filter (where p.state = {EXPIRED}) as expired
    from final p where not p.is_remainder group by p.batch_id
)
insert into batches_batchtotals as t
    (batch_id, accepted, sent, refused, dropped, stopped, in_doubt, discarded, expired)
select batch_id, accepted, sent, refused, dropped, stopped, in_doubt, coalesce(discarded, 0), coalesce(expired, 0)
from sums order by batch_id
on conflict (batch_id) do update set
    {
    ", ".join(
        f"{name} = t.{name} + excluded.{name}"
        for name in ("accepted", "sent", "refused", "dropped", "stopped", "in_doubt", "discarded", "expired")
    )
}
"""

REMAINING_CLAIMS = f"""
select p.id, p.fence, case when p.slice_from is null then 0 else {PENDING} end
from batches_parcel p
join unnest(%(parcels)s::bigint[], %(fences)s::bigint[]) as c(id, fence) on c.id = p.id and c.fence = p.fence
where p.state = {CLAIMED}
"""
