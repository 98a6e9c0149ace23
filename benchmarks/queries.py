"""Define the SQL of the benchmarks: queries of an operator, and rows that would take long to store over HTTP."""

from __future__ import annotations

from stack.stored_numbers import (
    PARCEL_SIZE,
    PARCEL_SPAN,
    BatchStatus,
    EngagementKind,
    EventKind,
    Lane,
    ParcelState,
    Series,
)

QUARTER = 900
"""The seconds of the counters of batches."""
NEW_PARCEL = {
    **dict.fromkeys(("attempts", "fence", "slice_no"), "0"),
    **dict.fromkeys(("sent", "refused", "dropped", "stopped", "in_doubt", "moved"), "0"),
    **dict.fromkeys(("is_remainder", "is_folded"), "false"),
    "lane": str(int(Lane.BULK)),
}
"""The columns of parcels of which nothing was sent, as they are selected."""


def insert_parcels(**columns: str) -> str:
    """Return the beginning of a statement that inserts parcels from rows p, whose `id` is that of the parcel."""
    values = {"id": "p.id", "base": "p.id", **columns, **NEW_PARCEL}
    return f"insert into batches_parcel ({', '.join(values)}) select {', '.join(values.values())}"


OUTCOMES = f"""
select coalesce(sum(coalesce(bit_count(members), 1)), 0)::bigint from mailer_event where kind = {EventKind.SENT}
"""
"""Count the messages that are sent, on disk."""

DATABASE_BYTES = "select pg_database_size(current_database())"

OF_BATCH = insert_parcels(
    batch_id="b.id",
    account_id="b.account_id",
    state=str(int(ParcelState.SCHEDULED)),
    send_at="at",
    due_at="at",
    size=f"least({PARCEL_SIZE}, %(messages)s - n * {PARCEL_SIZE})",
)
FILL_PARCELS = f"""
{OF_BATCH}
from batches_batch b, (
    select nextval('batches_parcel_id_seq') as id, n, to_timestamp(%(from)s + random() * %(span)s) as at
    from generate_series(0, (%(messages)s - 1) / {PARCEL_SIZE}) as n
    offset 0
) as p
where b.public_id = %(batch)s
"""
"""The rows that accept would write for a number of messages of a batch in the bulk lane.

Each parcel has a different time in the span (seconds; 0: one wave).
"""

FILL_MESSAGES = f"""
insert into mailer_message (id, mail_id, recipient, personal)
select p.id * {PARCEL_SPAN} + n, m.id, format('r%%s@bench.example', p.id * {PARCEL_SIZE} + n),
    jsonb_build_object(
        'substitutions', jsonb_build_object('-name-', 'Name ' || n, '-n-', (p.id * {PARCEL_SIZE} + n)::text))
from batches_batch b
join lateral (select id from mailer_mail where batch_id = b.id order by id limit 1) m on true
join batches_parcel p on p.batch_id = b.id and p.id > %(after)s
cross join lateral generate_series(0, p.size - 1) as n
where b.public_id = %(batch)s
"""
"""Messages of the first mail of a batch, for its parcels after an id."""

IS_PAUSED = "n %% 2 = 1"
OF_BATCHES = insert_parcels(
    batch_id="p.batch_id",
    account_id="p.account_id",
    state=f"case when p.is_paused then {ParcelState.RETAINED} else {ParcelState.SCHEDULED} end",
    send_at="p.at",
    due_at="p.at",
    size="1",
)
FILL_BATCHES = (
    f"""
insert into batches_batch (account_id, public_id, status, version, is_default, is_campaign, label, stopped_at)
select account_id, format('bench-%%s', n),
    case when {IS_PAUSED} then {BatchStatus.PAUSED} else {BatchStatus.OPEN} end, 1, false, false,
    format('Bench newsletter %%s', n), case when {IS_PAUSED} then now() end
from batches_batch, generate_series(1, %(batches)s) n where public_id = %(template)s
""",
    f"""
{OF_BATCHES}
from (
    select nextval('batches_parcel_id_seq') as id, b.id as batch_id, b.account_id,
        b.status = {BatchStatus.PAUSED} as is_paused,
        to_timestamp(%(from)s + case b.status when {BatchStatus.PAUSED} then -1 else 1 end
            * (3600 + random() * 36000)) as at
    from batches_batch b, generate_series(1, %(parcels)s) where b.public_id like 'bench-%%'
    offset 0
) p
""",
    f"""
insert into mailer_message (id, mail_id, recipient)
select p.id * {PARCEL_SPAN}, m.id, format('r%%s@bench.example', p.id)
from batches_parcel p join batches_batch b on b.id = p.batch_id,
    (select mail.id from mailer_mail mail join batches_batch b on b.id = mail.batch_id
     where b.public_id = %(template)s order by mail.id limit 1) m
where b.public_id like 'bench-%%'
""",
)
"""Batches like the template, with parcels of one message: a half of them scheduled, a half paused and retained."""

NODES = "select count(*) from batches_node"

LAST_PARCEL = "select coalesce(max(id), 0) from batches_parcel"

FILL_AUDIENCE = """
with account as (
    select account_id as id from accounts_apikey order by id limit 1
), list as (
    insert into campaigns_contactlist (account_id, name, contact_count)
    select id, 'list of ' || %(name)s, %(contacts)s from account returning id, account_id
), sender as (
    insert into campaigns_sender (account_id, nickname, from_email, from_name, reply_to, reply_to_name, address,
        address_2, city, state, zip, country, verified_at)
    select id, 'sender ' || %(name)s, 'bench@sluice.example', 'Bench', 'bench@sluice.example', '', '1 Street', '',
        'Town', '', '', 'Land', now() from account
    returning id
), unsubscribe_group as (
    insert into mailer_unsubscribegroup (account_id, name, description, is_default)
    select id, 'group ' || %(name)s, '', false from account returning id
), contact as (
    insert into campaigns_contact (account_id, email, first_name)
    select account.id, format('r%%s@bench.example', nextval('campaigns_contact_id_seq')), 'Name ' || n
    from account, generate_series(1, %(contacts)s) as n
    returning id
), membership as (
    insert into campaigns_membership (list_id, contact_id) select list.id, contact.id from list, contact
)
select list.id, sender.id, unsubscribe_group.id from list, sender, unsubscribe_group
"""
"""New contacts on a new list, and everything that a campaign to them needs."""

IS_LAUNCHED = "select count(*) from campaigns_campaign where id = %d and launch_id is not null"
IS_EXPANDED = """
select count(*) from campaigns_campaign c join campaigns_launch l on l.id = c.launch_id
where c.id = %d and l.is_complete
"""
UUID_OF_CAMPAIGN = "select uuid from campaigns_campaign where id = %s"

BACKEND = "select pg_backend_pid()"
WAL_POSITION = "select pg_current_wal_insert_lsn() - '0/0'"
MAKE_LAYOUT = """
drop table if exists bench_{layout};
create table bench_{layout} (like mailer_event including defaults including constraints including indexes)
"""
"""An empty table for the events in one layout, with the columns and indexes of the product's."""

COPY_PLAIN = "copy bench_plain (message_id, kind, at, fence, recipient, reply) from stdin"
LAYOUT_BYTES = "select pg_total_relation_size('bench_{layout}')"

FILL_DELIVERY = (
    f"""
update batches_parcel p set state = {ParcelState.DONE}, sent = p.size, finalized_at = now()
from campaigns_campaign c join campaigns_launch l on l.id = c.launch_id
where c.id = %(campaign)s and p.batch_id = l.batch_id
""",
    f"""
insert into mailer_event (message_id, kind, at, fence, reply, members)
select p.base * {PARCEL_SPAN}, {EventKind.SENT}, p.finalized_at, 1, '250 2.0.0 Ok', decode(repeat('ff', p.size / 8)
    || case when p.size %% 8 > 0 then lpad(to_hex((1 << (p.size %% 8)) - 1), 2, '0') else '' end, 'hex')
from campaigns_campaign c join campaigns_launch l on l.id = c.launch_id join batches_parcel p on p.batch_id = l.batch_id
where c.id = %(campaign)s
""",
    f"""
insert into mailer_counter (series, account_id, key, span, at, measure, n)
select {Series.BATCH}, c.account_id, l.batch_id::text, {QUARTER},
    date_bin('15 min', now(), 'epoch') - n * interval '15 min', {EventKind.SENT}, l.recipients / 96
from campaigns_campaign c join campaigns_launch l on l.id = c.launch_id, generate_series(1, 96) n
where c.id = %(campaign)s
""",
    """
insert into mailer_outcomenotice (batch_id, base, fence, at)
select p.batch_id, p.base, 1, p.finalized_at
from campaigns_campaign c join campaigns_launch l on l.id = c.launch_id join batches_parcel p on p.batch_id = l.batch_id
where c.id = %(campaign)s
""",
)
"""The rows that the delivery of an expanded campaign leaves: each parcel is sent in one slice, over a day."""

FILL_RESPONSES = f"""
insert into campaigns_engagement (contact_id, campaign_id, kind, at)
select contact_id, campaign_id, k.kind, now() - random() * interval '1 day'
from campaigns_engagement, (values ({EngagementKind.OPENED}, 4), ({EngagementKind.CLICKED}, 20)) k(kind, one_of)
where campaign_id = %(campaign)s and campaigns_engagement.kind = {EngagementKind.DELIVERED}
    and contact_id %% k.one_of = 0
"""
"""Opens by a quarter of the contacts of a campaign, and clicks by a twentieth."""

COUNT_NOTICES = "select count(*) from mailer_outcomenotice"
COUNT_ENGAGED = (
    f"select count(*) from campaigns_engagement where campaign_id = %d and kind = {EngagementKind.DELIVERED}"
)
