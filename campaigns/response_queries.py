"""The SQL of engagements: what happened to contacts, what they did, and how it is counted."""

from __future__ import annotations

from typing import Final

from audience.models import COUNTED_KINDS, EngagementKind
from batches.models import PARCEL_SPAN
from mailer.models import EventKind, LateKind, SuppressionKind

# Takes the oldest notices that no other consumer has taken, with the accounts and campaigns that they are about. A
# notice without a campaign is deleted, and not returned.
TAKE_NOTICES: Final = """
with taken as (
    delete from mailer_outcomenotice
    where id = any(array(select id from mailer_outcomenotice order by id limit %(page)s for update skip locked))
    returning id, batch_id, base, fence, at
)
select c.account_id, c.id, t.base, t.fence, t.at
from taken t join campaigns_launch l on l.batch_id = t.batch_id join campaigns_campaign c on c.id = l.campaign_id
order by t.id
"""
NOTICE_COLUMNS: Final = ("accounts", "campaigns", "bases", "fences", "times")

LISTED_ADDRESS: Final = f"e.suppression in ({int(SuppressionKind.BOUNCE)}, {int(SuppressionKind.INVALID)})"
# Add the rows of "happened" to the engagements, in the order of their keys. Only the last time of each kind is kept.
ADD_ENGAGEMENTS: Final = """
    insert into campaigns_engagement as g (contact_id, campaign_id, kind, at)
    select contact_id, campaign_id, engagement, at from happened order by 1, 2, 3
    on conflict (contact_id, campaign_id, kind) do update set at = excluded.at where g.at < excluded.at
"""
# The kind of the engagement that an event is, or null. A message that a person dropped was not suppressed.
ENGAGEMENT_OF: Final = f"""case
    when e.kind = {int(EventKind.SENT)} then {int(EngagementKind.DELIVERED)}
    when e.kind = {int(EventKind.REFUSED)} and {LISTED_ADDRESS} then {int(EngagementKind.BOUNCED)}
    when e.kind = {int(EventKind.REFUSED)} then {int(EngagementKind.BLOCKED)}
    when e.kind = {int(EventKind.DROPPED)} and e.suppression is not null then {int(EngagementKind.DROPPED)}
    when e.kind = {int(EventKind.UNSUBSCRIBED)} then {int(EngagementKind.UNSUBSCRIBED)}
end"""

# Adds the events of some notices to the engagements and last times of contacts, and returns the number of events that
# have a contact. Every step is a probe of an index for each row before it: a join could make the planner read all
# contacts. A message of a campaign has one recipient. Only messages that were sent share a row; `case` makes sure that
# no bit beyond the end of the mask is read. Rows are written in the order of their keys.
ENGAGE: Final = f"""
with happened as materialized (
    select c.id as contact_id, n.campaign_id, e.engagement, max(e.at) as at, count(*) as events
    from unnest(%(accounts)s::bigint[], %(campaigns)s::int[], %(bases)s::bigint[], %(fences)s::bigint[],
        %(times)s::timestamptz[]) as n(account_id, campaign_id, base, fence, at)
    cross join lateral (
        select e.message_id, e.members, e.at, {ENGAGEMENT_OF} as engagement from mailer_event e
        where e.message_id >= n.base * {PARCEL_SPAN} and e.message_id < (n.base + 1) * {PARCEL_SPAN}
            and e.fence = n.fence and e.at = n.at
        offset 0
    ) e
    cross join lateral (
        select m.recipient from mailer_message m
        where m.id >= e.message_id and m.id < e.message_id + coalesce(octet_length(e.members) * 8, 1) and case
            when e.members is null then true
            when m.id < e.message_id + octet_length(e.members) * 8
                then get_bit(e.members, (m.id - e.message_id)::int) = 1
            else false
        end
        offset 0
    ) m
    cross join lateral (
        select id from campaigns_contact where account_id = n.account_id and email = m.recipient limit 1
    ) c
    where e.engagement is not null
    group by 1, 2, 3
), engaged as ({ADD_ENGAGEMENTS}), emailed as (
    insert into campaigns_lasttimes as a (contact_id, last_emailed_at)
    select contact_id, max(at) from happened where engagement = {int(EngagementKind.DELIVERED)} group by 1 order by 1
    on conflict (contact_id) do update set last_emailed_at = excluded.last_emailed_at
    where a.last_emailed_at is null or a.last_emailed_at < excluded.last_emailed_at
)
select coalesce(sum(events), 0) from happened
"""

# The late events behind a place, in the order of their ids. Events of machines and events of other mail have no
# campaign.
READ_LATE: Final = f"""
select e.id, c.account_id, c.id, e.message_id,
    case e.kind when {int(LateKind.OPENED)} then {int(EngagementKind.OPENED)} else {int(EngagementKind.CLICKED)} end,
    e.at
from (
    select id, batch_id, message_id, kind, at, is_machine from mailer_lateevent
    where id > %(place)s order by id limit %(page)s
) e
left join campaigns_launch l on l.batch_id = e.batch_id and not e.is_machine
left join campaigns_campaign c on c.id = l.campaign_id
order by e.id
"""
LATE_COLUMNS: Final = ("accounts", "campaigns", "messages", "engagements", "times")
# Adds opens and clicks to the engagements and last times of contacts, in the order of their keys.
ENGAGE_LATE: Final = f"""
with happened as materialized (
    select c.id as contact_id, e.campaign_id, e.engagement, max(e.at) as at
    from unnest(%(accounts)s::bigint[], %(campaigns)s::int[], %(messages)s::bigint[], %(engagements)s::smallint[],
        %(times)s::timestamptz[]) as e(account_id, campaign_id, message_id, engagement, at)
    cross join lateral (select recipient from mailer_message where id = e.message_id offset 0) m
    cross join lateral (
        select id from campaigns_contact where account_id = e.account_id and email = m.recipient limit 1
    ) c
    group by 1, 2, 3
), engaged as ({ADD_ENGAGEMENTS}), noted as (
    insert into campaigns_lasttimes as a (contact_id, last_opened_at, last_clicked_at)
    select contact_id, max(at) filter (where engagement = {int(EngagementKind.OPENED)}),
        max(at) filter (where engagement = {int(EngagementKind.CLICKED)})
    from happened group by 1 order by 1
    on conflict (contact_id) do update set
        last_opened_at = greatest(a.last_opened_at, excluded.last_opened_at),
        last_clicked_at = greatest(a.last_clicked_at, excluded.last_clicked_at)
)
select count(*) from happened
"""

CLICKS: Final = "from mailer_lateevent where batch_id = %(batch)s and link is not null and not is_machine"
# The clicks of people on the links of a batch, by address and place, or by address alone.
CLICKS_BY_PLACE: Final = f"""
select url, link, count(*), count(distinct message_id) {CLICKS}
group by url, link, is_html order by 3 desc, url, link limit %(limit)s
"""
CLICKS_BY_LINK: Final = f"""
select url, min(link), count(*), count(distinct message_id) {CLICKS}
group by url order by 3 desc, url limit %(limit)s
"""

# The condition of the partial index, so that a count does not read the engagements of all who were sent a message.
IS_COUNTED: Final = f"kind in ({', '.join(str(int(kind)) for kind in COUNTED_KINDS)})"
# Counts the engagements of campaigns, and the suppressions that batches have caused; the first column tells them apart.
COUNT_RESPONSES: Final = f"""
select true, campaign_id, kind, count(*) from campaigns_engagement
where campaign_id = any(%(campaigns)s) and {IS_COUNTED} group by campaign_id, kind
union all
select false, batch_id, kind, count(*) from mailer_suppression
where batch_id = any(%(batches)s) group by batch_id, kind
"""

# Returns a row per day: its number, from 1, among the days that begin at these midnights, and how many contacts opened,
# clicked, unsubscribed and reported spam on it. The caller computes the midnights, since PostgreSQL may know other time
# zones than Python.
RESPONSES: Final = f"""
with engaged as (
    select width_bucket(at, %(midnights)s::timestamptz[]) as day,
        count(*) filter (where kind = {int(EngagementKind.OPENED)}) as opened,
        count(*) filter (where kind = {int(EngagementKind.CLICKED)}) as clicked
    from campaigns_engagement where campaign_id = %(campaign)s and {IS_COUNTED} group by 1
), suppressed as (
    select width_bucket(created_at, %(midnights)s::timestamptz[]) as day,
        count(*) filter (where kind in ({int(SuppressionKind.GROUP)}, {int(SuppressionKind.GLOBAL)})) as unsubscribed,
        count(*) filter (where kind = {int(SuppressionKind.SPAM)}) as reported_spam
    from mailer_suppression where batch_id = %(batch)s group by 1
)
select day, coalesce(opened, 0), coalesce(clicked, 0), coalesce(unsubscribed, 0), coalesce(reported_spam, 0)
from engaged full join suppressed using (day)
where day between 1 and %(days)s and (opened > 0 or clicked > 0 or unsubscribed > 0 or reported_spam > 0)
"""
