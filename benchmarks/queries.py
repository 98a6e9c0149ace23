"""The SQL of the benchmarks: what an operator would ask the database, and rows for sizes that HTTP would take long to
bring in."""

from __future__ import annotations

OUTCOMES = "select count(*) from mailer_event where kind = 1"
"""Messages that count as sent, on disk."""

DATABASE_BYTES = "select pg_database_size(current_database())"

FILL_PARCELS = """
insert into batches_parcel (id, base, batch_id, account_id, lane, state, send_at, due_at, size, attempts,
    is_remainder, fence, slice_no, sent, refused, dropped, stopped, in_doubt, moved, is_folded)
select p.id, p.id, b.id, b.account_id, 1, 0, at, at, least(500, %(messages)s - n * 500), 0,
    false, 0, 0, 0, 0, 0, 0, 0, 0, false
from batches_batch b, (
    select nextval('batches_parcel_id_seq') as id, n, to_timestamp(%(from)s + random() * %(span)s) as at
    from generate_series(0, (%(messages)s - 1) / 500) as n
    offset 0
) as p
where b.public_id = %(batch)s
"""
"""What accept would write for so many messages of a batch in the bulk lane, each parcel at a time of its own in the
span (seconds; 0: one wave)."""

FILL_MESSAGES = """
insert into mailer_message (id, mail_id, recipient, personal)
select p.id * 512 + n, m.id, format('r%%s@bench.example', p.id * 500 + n),
    jsonb_build_object('substitutions', jsonb_build_object('-name-', 'Name ' || n, '-n-', (p.id * 500 + n)::text))
from batches_batch b
join lateral (select id from mailer_mail where batch_id = b.id order by id limit 1) m on true
join batches_parcel p on p.batch_id = b.id and p.id > %(after)s
cross join lateral generate_series(0, p.size - 1) as n
where b.public_id = %(batch)s
"""
"""Their messages, of the batch's first mail, for the parcels after this id."""

LAST_PARCEL = "select coalesce(max(id), 0) from batches_parcel"
