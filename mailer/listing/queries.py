"""Define the SQL that lists messages: it finds the parcels that may hold them, and the messages in these."""

from __future__ import annotations

from typing import Final

from batches.models import PARCEL_SPAN
from mailer.models import EventKind

# The columns of parcels that the conditions below are about.
COLUMNS: Final = (
    "id, base, size, members, state, send_at, account_id, batch_id, sent, refused, dropped, stopped, in_doubt, moved"
)

# The parcels that messages are numbered from, in the order of their ids, from a place on. `cmp` and `order` are the
# direction. Each statement walks one index, and no rows of other batches or accounts.
WALK_ALL: Final = (
    f"select {COLUMNS} from batches_parcel where id {{cmp}} %(place)s order by id {{order}} limit %(most)s"
)
WALK_BATCH: Final = f"""
    select {COLUMNS} from batches_parcel
    where (batch_id, id) {{cmp}} (%(batch)s, %(place)s) and (batch_id, id) {{other}} (%(batch)s + {{end}}, 0)
    order by batch_id {{order}}, id {{order}} limit %(most)s
"""
# An account has no index of its parcels. The batches are those of its default batch and its newest ones. A batch whose
# first parcel from the place on is not among the first parcels of all batches is not needed.
WALK_ACCOUNT: Final = f"""
    select {COLUMNS} from batches_parcel where id in (
        select p.id from (
            select batch.id from (
                (select id from batches_batch where account_id = %(account)s and is_default)
                union
                (select id from batches_batch where account_id = %(account)s order by account_id, id desc
                limit %(batches)s)
            ) batch cross join lateral (
                select id from batches_parcel
                where (batch_id, id) {{cmp}} (batch.id, %(place)s) and (batch_id, id) {{other}} (batch.id + {{end}}, 0)
                order by batch_id {{order}}, batches_parcel.id {{order}} limit 1
            ) p
            order by p.id {{order}} limit %(most)s
        ) first cross join lateral (
            select id from batches_parcel
            where (batch_id, id) {{cmp}} (first.id, %(place)s) and (batch_id, id) {{other}} (first.id + {{end}}, 0)
            order by batch_id {{order}}, batches_parcel.id {{order}} limit %(most)s
        ) p
        order by p.id {{order}} limit %(most)s
    )
    order by id {{order}}
"""

# The parcels of a walk that meet a condition. The first row says how far the walk went: the number of parcels and of
# messages, and the last id.
CHOOSE: Final = """
with looked as materialized ({walk}), chosen as (
    select base, size from looked where base = id and {condition} order by id {order} limit %(chosen)s
)
select count(*), coalesce(sum(size) filter (where base = id), 0)::bigint, {last}(id) from looked
union all
(select base, size, null from chosen)
"""

# The parcels that are in one state now, by the partial index of this state, with the mask of the messages. The state is
# a literal, or the planner could not tell that the index has all of them, and would read the whole table.
HOLDERS_IN_STATE: Final = f"""
(select {COLUMNS}, {{mask}} as mask from batches_parcel where {{state}} {{of_whom}} limit %(most)s)
"""
# The parcels that are in some states. The first row has the number of parcels that were looked at, and of their
# messages. If there are too many parcels, a walk has to do.
HOLDERS: Final = """
with looked as materialized ({holders})
select count(*), coalesce(sum(size), 0)::bigint, null::bytea from looked
union all
(select base, size, mask from looked where {condition})
"""

# Those of some messages whose parcels meet a condition. Their ids come first in the order.
SCOPED: Final = f"""
select m.id from unnest(%(ids)s::bigint[]) as m(id) join batches_parcel p on p.id = m.id / {PARCEL_SPAN}
where {{condition}}
order by m.id {{order}}
"""
# The messages to some addresses. All messages to these are read by the index of recipients first. Otherwise the planner
# could walk the primary key, through all messages between.
TO_ADDRESSES: Final = """
with to_them as materialized (select id from mailer_message where recipient = any(%(recipients)s))
select id from to_them where id {cmp} %(place)s order by id {order} limit %(most)s
"""

# The messages of some parcels, given as ranges of ids, whose recipient has one of some domains. The outer bounds name
# the partitions. A plan that is made before the ids are known would search them all otherwise.
OF_DOMAIN: Final = """
select m.id from unnest(%(first)s::bigint[], %(last)s::bigint[]) as r(first, last)
cross join lateral (
    select id, recipient from mailer_message
    where id between r.first and r.last and id between %(lowest)s and %(highest)s
) m
where lower(m.recipient) like any(%(patterns)s)
"""
# The messages of some parcels that have an event of some kind. Events of these kinds are never packed.
WITH_EVENT: Final = """
select distinct e.message_id from unnest(%(first)s::bigint[], %(last)s::bigint[]) as r(first, last)
cross join lateral (
    select message_id, kind, classification, account_id from mailer_event
    where message_id between r.first and r.last and message_id between %(lowest)s and %(highest)s
) e
where {event}
"""
OF_KINDS: Final = WITH_EVENT.format(event="e.kind = any(%(kinds)s)")
# A decision to send mail in doubt again is no reply, and has no account.
WITH_REPLY: Final = WITH_EVENT.format(
    event="e.kind = any(%(failures)s) and e.account_id is not null "
    "and coalesce(e.classification, %(unclassified)s) = any(%(classifications)s)"
)
FAILURES: Final = (int(EventKind.REFUSED), int(EventKind.DEFERRED))

# The first parcel id from which on the messages meet a condition that rises with ids, by bisection in one statement.
BISECT: Final = f"""
with recursive halves(low, high) as (
    select 0::bigint, last_value + 1 from batches_parcel_id_seq
    union all
    select case when is_before then middle + 1 else low end, case when is_before then high else middle end
    from (select low, high, (low + high) / 2 as middle from halves where low < high) h
    cross join lateral (
        select coalesce((
            select {{is_before}} from mailer_message m {{joined}}
            where m.id >= h.middle * {PARCEL_SPAN} order by m.id limit 1
        ), false) as is_before
    ) probe
)
"""
# Mail is accepted before its send_at. The messages of a campaign are made later than their mail, so such a message
# seems older than it is, and the id can only be higher than necessary.
FIRST_PARCEL_ACCEPTED_SINCE: Final = (
    BISECT.format(
        is_before="coalesce(mail.created_at < %(since)s, true)",
        joined="left join mailer_mail mail on mail.id = m.mail_id",
    )
    + "select low from halves where low >= high"
)
# A mail by its public id, and the first parcel whose messages may be of it. Mail ids rise with parcel ids, but for a
# little disorder. Below that parcel nothing may be left of the history: then it is the first one that has messages.
NEAR_MAIL: Final = (
    BISECT.format(is_before="m.mail_id < (select id from mailer_mail where public_id = %(public_id)s)", joined="")
    + f"""
select mail.id, coalesce((
    select m.id / {PARCEL_SPAN} from mailer_message m
    where m.id >= (select low from halves where low >= high) * {PARCEL_SPAN} order by m.id limit 1
), 0)
from mailer_mail mail where mail.public_id = %(public_id)s
"""
)
# The parcels of a mail between two ids. The messages of a parcel belong to one mail, so the first one names it.
PARCELS_OF_MAIL: Final = f"""
select p.id, p.size from batches_parcel p join mailer_message m on m.id = p.id * {PARCEL_SPAN}
where p.id between %(first)s and %(last)s
    and m.id between %(first)s::bigint * {PARCEL_SPAN} and %(last)s::bigint * {PARCEL_SPAN} and m.mail_id = %(mail)s
order by p.id
"""
