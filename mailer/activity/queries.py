"""Define the SQL that finds messages of an account, the newest first, at a cost that does not grow with the tables."""

from __future__ import annotations

from typing import Final

# The newest parcels of an account below one: of its default batch and its newest batches. A batch whose newest parcel
# is not among the newest parcels of all batches is not needed. Each part is ordered by the columns of one index, so
# that the planner does not walk another index, through rows of other accounts. A retry's base is below its id.
PARCELS_OF_ACCOUNT: Final = """
with batch as (
    (select id from batches_batch where account_id = %(account)s and is_default)
    union
    (select id from batches_batch where account_id = %(account)s order by account_id, id desc limit %(batches)s)
), newest as materialized (
    select batch.id from batch cross join lateral (
        select id from batches_parcel
        where (batch_id, id) >= (batch.id, 0) and (batch_id, id) < (batch.id, %(before)s) and base >= id
        order by batch_id desc, batches_parcel.id desc limit 1
    ) p
    order by p.id desc limit %(limit)s
)
select p.id, p.size from newest cross join lateral (
    select id, size from batches_parcel
    where (batch_id, id) >= (newest.id, 0) and (batch_id, id) < (newest.id, %(before)s) and base >= id
    order by batch_id desc, batches_parcel.id desc limit %(limit)s
) p
order by p.id desc limit %(limit)s
"""

# The account's newest messages below one to some addresses. All messages to these are read by the index of recipients
# first. Otherwise the planner could walk the primary key, through all messages between.
MESSAGES_TO: Final = """
with to_them as materialized (select id from mailer_message where recipient = any(%(recipients)s))
select m.id from to_them m join batches_parcel p on p.id = m.id / %(span)s
where p.account_id = %(account)s and m.id < %(before)s
order by m.id desc limit %(limit)s
"""

# Those of some messages that are the account's.
MESSAGES_OF_ACCOUNT: Final = """
select m.id from unnest(%(ids)s::bigint[]) as m(id) join batches_parcel p on p.id = m.id / %(span)s
where p.account_id = %(account)s and m.id < %(before)s
order by m.id desc limit %(limit)s
"""

# When the mail of the first message from an id on was accepted.
ACCEPTED_AT: Final = """
select mail.created_at from mailer_mail mail
where mail.id = (select mail_id from mailer_message where id >= %s order by id limit 1)
"""
