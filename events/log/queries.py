"""Define the SQL of the log."""

from __future__ import annotations

from typing import Final

from batches.models import PARCEL_SPAN
from batches.states import ParcelState
from events.models import DeliveryState
from foundation.postgresql import AdvisoryLock

# This lock is taken in a statement before PUBLISH, so that the snapshot of PUBLISH has the commit of the last
# publisher.
LOCK_LOG: Final = f"select pg_try_advisory_xact_lock({int(AdvisoryLock.LOG)})"

# Turn the oldest notices into entries of the log. The places are drawn in the order of the ids of the notices. Of two
# notices of one message the second was written after the commit of the first, so it has a higher id and comes later.
PUBLISH: Final = """
with taken as (
    delete from mailer_lognotice
    where id = any(array(select id from mailer_lognotice order by id limit %(page)s))
    returning id, account_id, at, is_late, bases, fences
), published as (
    insert into events_logentry (account_id, at, is_late, bases, fences)
    select account_id, at, is_late, bases, fences from taken order by id
    returning place
)
select count(*) from published
"""

# Delete the oldest entries that are too old, unless a lane of an endpoint in use still has to read them. The search
# ends at the first entry that is not too old, since times grow with places.
DELETE_OLD: Final = """
delete from events_logentry where place = any(array(
    select g.place from events_logentry g
    where g.place < coalesce(
        (select place from events_logentry where at >= %(before)s order by place limit 1), 9223372036854775807
    ) and not exists (
        select from events_endpoint e join events_lane l on l.endpoint_id = e.id
        where e.account_id = g.account_id and e.is_enabled
            and (l.place < g.place or (l.place = g.place and l."offset" is not null))
    )
    order by g.place limit %(page)s
))
"""

# The entries of an account from one place to another one.
READ_ENTRIES: Final = """
select place, at, is_late, bases, fences from events_logentry
where account_id = %(account)s and place >= %(first)s
    and (%(last)s::bigint is null or place <= %(last)s)
order by place limit %(limit)s
"""

# All events of some parcels. Those with a certain fence and time are marked. The others tell whether an attempt was the
# first one. Their replies are not read.
READ_HAPPENED: Final = f"""
select n.number, e.is_own, e.id, e.message_id, e.kind, extract(epoch from e.at)::float8, e.fence, e.recipient,
    case when e.is_own then e.reply end, e.members, coalesce(e.recipients, 1), e.suppression, e.classification,
    e.is_encrypted
from unnest(%(bases)s::bigint[], %(fences)s::bigint[], %(times)s::timestamptz[])
    with ordinality as n(base, fence, at, number)
cross join lateral (
    select e.*, e.fence = n.fence and e.at = n.at as is_own from mailer_event e
    where e.message_id >= n.base * {PARCEL_SPAN} and e.message_id < (n.base + 1) * {PARCEL_SPAN}
    offset 0
) e
order by n.number, e.id
"""

# Some late events by their ids. The times name their days, so that one partition is read for each.
READ_LATE: Final = """
select n.number, e.id, e.message_id, e.kind, extract(epoch from e.at)::float8, e.recipient,
    e.is_machine, host(e.address), e.user_agent, e.url, e.link, e.is_html
from unnest(%(numbers)s::int[], %(ids)s::bigint[], %(times)s::timestamptz[]) as n(number, id, at)
join mailer_lateevent e on e.id = n.id
    and e.at >= date_trunc('day', n.at, 'UTC') and e.at < date_trunc('day', n.at, 'UTC') + interval '1 day'
"""

# The messages in some ranges of ids, with those of their personal fields that events show.
READ_MESSAGES: Final = """
select m.id, m.mail_id, m.recipient, m.personal
from unnest(%(firsts)s::bigint[], %(lasts)s::bigint[]) as n(first, last)
cross join lateral (
    select id, mail_id, recipient, case when personal is not null then jsonb_strip_nulls(jsonb_build_object(
        'to', personal->'to', 'cc', personal->'cc', 'bcc', personal->'bcc', 'custom_args', personal->'custom_args',
        'from', personal->'from', 'headers', personal->'headers', 'send_at', personal->'send_at'
    ))::text end as personal from mailer_message where id between n.first and n.last
    offset 0
) m
"""

# The values of keys in some messages, by which their Message-IDs are completed.
READ_SUBSTITUTIONS: Final = """
select id, (personal->'substitutions')::text from mailer_message
where id between %(first)s and %(last)s and id = any(%(ids)s::bigint[]) and personal ? 'substitutions'
"""

# The part of some mails that events show.
READ_MAILS: Final = """
select m.id, m.public_id, case when not b.is_default and not b.is_campaign then b.public_id end, m.sender,
    m.headers::text, m.categories, m.custom_args::text, m.unsubscribe_group_id, t.template_id_shown,
    floor(extract(epoch from m.send_at))::bigint, c.id, c.uuid::text, c.title
from mailer_mail m join batches_batch b on b.id = m.batch_id left join content_versioncontent t on t.id = m.template_id
left join campaigns_launch l on b.is_campaign and l.batch_id = b.id
left join campaigns_campaign c on c.id = l.campaign_id
where m.id = any(%(ids)s::bigint[])
"""

# The lanes that have something to do now. While much mail is being delivered, new events wait for a few seconds: mail
# comes first, and the bodies of events that have waited are fuller. At most a thousand parcels are looked at.
DUE_LANES: Final = f"""
with newest as (
    select case when sum(size) < %(much)s or sum(size) is null then 'infinity'
        else sluice_now() - make_interval(secs => %(seconds)s) end as at
    from (select size from batches_parcel where state = {int(ParcelState.CLAIMED)} limit 1000) claimed
)
select l.id
from events_lane l join events_endpoint e on e.id = l.endpoint_id
where e.is_enabled
    and (e.retry_at is null or e.retry_at <= (select sluice_now()))
    and (l.next_at is null or l.next_at <= (select sluice_now()))
    and (l.leased_until is null or l.leased_until < (select sluice_now()))
    and (
        l."offset" is not null
        or (
            select g.at from events_logentry g
            where g.account_id = e.account_id and g.place > l.place order by g.place limit 1
        ) <= (select at from newest)
        or exists (
            select from events_delivery d
            where d.endpoint_id = e.id and d.lane_number = l.number and d.state = {int(DeliveryState.PENDING)}
        )
    )
order by l.next_at nulls first, l.id limit %(limit)s
"""
