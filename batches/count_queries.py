"""Define the SQL that counts the messages of batches by state, each statement in one snapshot."""

from __future__ import annotations

from batches.queries import COUNTERS, DISCARDED, EXPIRED, FINAL, PENDING, SCHEDULED
from batches.states import FINAL_STATES, ParcelState

STATES_COUNTED = ("accepted", *(name for name in COUNTERS if name != "moved"))


def count_of(batches: str, *, is_bounded: bool = False) -> str:
    """Return a query of the counts of some batches (a condition on their ids), in one snapshot.

    It adds the totals of folded parcels and the counts of live parcels. If it is bounded, it reads at most %(parcels)s
    live parcels, and the column `is_exact` says whether these are all.
    """
    live = f"batches_parcel p where p.batch_id {batches} and not p.is_folded and not p.is_remainder"
    if is_bounded:
        live = f"(select * from {live} limit %(parcels)s) p"
    return f"""
with live as (
    select p.state, sum(p.size - p.moved) as accepted, sum({PENDING}) as pending, count(*) as parcels,
        {", ".join(f"sum(p.{name}) as {name}" for name in COUNTERS if name != "moved")}
    from {live}
    group by p.state
), folded as (
    select {", ".join(f"sum({name}) as {name}" for name in (*STATES_COUNTED, "discarded", "expired"))}
    from batches_batchtotals where batch_id {batches}
)
select
    {
        ", ".join(
            f"coalesce((select sum({name}) from live), 0) + coalesce((select {name} from folded), 0) as {name}"
            for name in STATES_COUNTED
        )
    },
    {
        ", ".join(
            f"coalesce((select pending from live where state = {int(state)}), 0)"
            + (f" + coalesce((select {state.label} from folded), 0)" if state in FINAL_STATES else "")
            + f" as {state.label}"
            for state in ParcelState
            if state is not ParcelState.DONE
        )
    }{", coalesce((select sum(parcels) from live), 0) < %(parcels)s as is_exact" if is_bounded else ""}
"""


COUNT_BATCH = count_of("= %(batch)s")
OF_ACCOUNT = """in (
    select b.id from batches_batch b join accounts_account a on a.id = b.account_id
    where %(account)s in (a.id, a.parent_id))"""
COUNT_ACCOUNT = count_of(OF_ACCOUNT)
ESTIMATE_ACCOUNT = count_of(OF_ACCOUNT, is_bounded=True)
COUNT_EVERYTHING = count_of("is not null")

# The counts of several batches, in one snapshot.
COUNT_BATCHES = f"""
select b.id as batch, c.*
from unnest(%(batches)s::bigint[]) as b(id)
cross join lateral ({count_of("= b.id")}) c
"""


# The messages of a batch that were stopped, discarded or have expired. Of the parcels that are not folded it reads only
# the final ones, which are few, so that a stop of many parcels is not delayed.
COUNT_ENDED = f"""
select coalesce((select t.stopped + t.discarded + t.expired from batches_batchtotals t where t.batch_id = %(batch)s), 0)
    + coalesce((
        select sum(p.stopped + case when p.state in ({DISCARDED}, {EXPIRED}) then {PENDING} else 0 end)
        from batches_parcel p
        where p.batch_id = %(batch)s and p.state in ({FINAL}) and not p.is_folded and not p.is_remainder), 0)
"""

_ADDED = {"accepted": "p.size - p.moved"} | {name: f"p.{name}" for name in STATES_COUNTED if name != "accepted"}
"""The terms that a parcel p adds to the counts that do not depend on its state."""
_PENDING_STATES = [state for state in ParcelState if state is not ParcelState.DONE]
_FOLDED = {*STATES_COUNTED, *(state.label for state in FINAL_STATES if state is not ParcelState.DONE)}
_NOT_READ = "case when live.parcels < %(parcels)s then 0 else coming.messages - live.coming end"


def _estimated(name: str) -> str:
    """Return the column that adds the count of the live parcels, the totals, and the mail that only waves count."""
    terms = [f"coalesce(live.{name}, 0)"]
    terms += [f"coalesce(t.{name}, 0)"] if name in _FOLDED else []
    terms += [_NOT_READ] if name in {"accepted", ParcelState.SCHEDULED.label} else []
    return f"{' + '.join(terms)} as {name}"


# The counts of several batches from at most %(parcels)s unfolded parcels of each, those that are due first. Parcels
# beyond that are taken to wait for their first try, as coming waves count them, so a batch of millions that waits for
# its time is counted by a few rows.
ESTIMATE_BATCHES = f"""
select b.id as batch, live.parcels < %(parcels)s as is_exact,
    {", ".join(map(_estimated, (*STATES_COUNTED, *(state.label for state in _PENDING_STATES))))}
from unnest(%(batches)s::bigint[]) as b(id)
cross join lateral (
    select count(*) as parcels,
        {", ".join(f"sum({value}) filter (where not p.is_remainder) as {name}" for name, value in _ADDED.items())},
        {
    ", ".join(
        f"sum({PENDING}) filter (where p.state = {int(state)} and not p.is_remainder) as {state.label}"
        for state in _PENDING_STATES
    )
},
        coalesce(sum({PENDING}) filter (
            where p.state = {SCHEDULED} and p.attempts = 0 and not p.is_remainder), 0) as coming
    from (select * from batches_parcel where batch_id = b.id and not is_folded order by due_at limit %(parcels)s) p
) live
cross join lateral (
    select coalesce(sum(w.messages), 0) as messages
    from (select batch_id, messages from batches_wavecount
          union all select batch_id, messages from batches_wavedelta) w
    where live.parcels >= %(parcels)s and w.batch_id = b.id
) coming
left join batches_batchtotals t on t.batch_id = b.id
"""
