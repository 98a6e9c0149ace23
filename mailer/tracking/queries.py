"""Define the SQL of late events."""

from __future__ import annotations

from typing import Final

from batches.models import PARCEL_SPAN
from batches.states import Lane
from foundation.postgresql import AdvisoryLock

# The lock is taken before anything else is read, and kept to the end of the transaction. So the ids of late events
# ascend in the order of their commits, and of two opens of a message at the same time only one is the first.
LOCK: Final = f"select pg_advisory_xact_lock({int(AdvisoryLock.LATE_EVENTS)})"

# The mails of some messages, as far as their history is kept, with what late events are stored and counted by.
READ_OWNERS: Final = f"""
select m.id, mail.id, mail.account_id, mail.batch_id, mail.categories, coalesce(p.lane, {int(Lane.BULK)}),
    a.keeps_reader_addresses
from unnest(%(ids)s::bigint[]) as i(id)
join mailer_message m on m.id = i.id
join mailer_mail mail on mail.id = m.mail_id
join accounts_account a on a.id = mail.account_id
left join batches_parcel p on p.id = m.id / {PARCEL_SPAN}
"""

# The number of late events of some messages by kind, and whether one of them is the first of a person.
READ_KNOWN: Final = """
select message_id, kind, count(*), bool_or(is_first) from mailer_lateevent
where message_id = any(%(ids)s::bigint[]) group by 1, 2
"""

# The clicks on links of some messages within a time.
READ_CLICKS: Final = """
select message_id, link, is_html, extract(epoch from at)::float8 from mailer_lateevent
where message_id = any(%(ids)s::bigint[]) and link is not null and at >= %(since)s and at <= %(until)s
"""

# The newest late events of messages by kind, with the number of all of them.
READ_LATE: Final = """
select m.id, e.kind, e.at, e.recipient, e.user_agent, e.number
from unnest(%(ids)s::bigint[]) as m(id)
cross join lateral (
    select kind, at, recipient, user_agent, id, count(*) over of_kind as number,
        row_number() over (of_kind order by at desc, id desc) as place
    from mailer_lateevent where message_id = m.id and not is_machine
    window of_kind as (partition by kind)
) e
where e.place <= %(limit)s
order by m.id, e.at, e.id
"""

# Ids for late events, with the id of the transaction. They are drawn under the lock, and so ascend in the order of the
# commits.
DRAW_IDS: Final = """
select nextval('mailer_lateevent_id'), pg_current_xact_id()::text from generate_series(1, %(number)s)
"""

COPY_LATE_EVENTS: Final = """
copy mailer_lateevent (id, at, message_id, account_id, batch_id, kind, recipient, is_machine, is_first, address,
    user_agent, url, link, is_html)
from stdin
"""

# Whether a transaction is in progress, was committed or was aborted; null if it is too old.
TRANSACTION_STATUS: Final = "select pg_xact_status(%(id)s::xid8)"
