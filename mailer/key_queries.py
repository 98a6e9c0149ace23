"""Define the SQL that finds the waiting mail of an API key. Parcels do not name the key, so their mail is looked up."""

from __future__ import annotations

from batches.models import PARCEL_SPAN
from batches.queries import FINAL, WAITING_MESSAGES

# The next parcels of a batch that are not final, and whether their mail was accepted with the key. The first message of
# a parcel names the mail of all.
READ_PAGE = f"""
with page as materialized (
    select id, due_at, base from batches_parcel
    where batch_id = %(batch)s and not is_folded and state not in ({FINAL})
      and (due_at, id) > (%(after_due)s, %(after_id)s)
    order by due_at, id limit %(limit)s
)
select page.due_at, page.id, coalesce(mail.api_key_id = %(key)s, false)
from page left join mailer_message m on m.id = page.base * {PARCEL_SPAN}
left join mailer_mail mail on mail.id = m.mail_id
order by page.due_at, page.id
"""

# The waiting messages of a key among the first parcels of these batches, and the number of parcels that were looked at.
COUNT = f"""
with page as materialized (
    select p.id, p.base, {WAITING_MESSAGES} as waiting
    from unnest(%(batches)s::bigint[]) as b(id)
    join batches_parcel p on p.batch_id = b.id and not p.is_folded and p.state not in ({FINAL})
    limit %(limit)s
)
select coalesce(sum(page.waiting) filter (where mail.api_key_id = %(key)s), 0), count(*)
from page left join mailer_message m on m.id = page.base * {PARCEL_SPAN}
left join mailer_mail mail on mail.id = m.mail_id
"""
