"""The SQL of campaigns that the ORM cannot express: one statement turns a page of an audience into messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from audience.models import COUNTED_KINDS, EngagementKind
from batches.models import PARCEL_SPAN
from batches.queries import accept_lock, insert_parcels
from batches.states import WAITING_STATES, Lane, ParcelState
from campaigns.states import CampaignStatus
from mailer.models import EventKind, LateKind, SuppressionKind
from mailer.outcomes.queries import count_accepted
from mailer.outcomes.reading import OUTCOMES
from mailer.suppressions.queries import is_exempt

OUTCOME_KINDS: Final = ", ".join(str(int(kind)) for kind in OUTCOMES)
WAITING: Final = ", ".join(str(int(state)) for state in sorted(WAITING_STATES - {ParcelState.HELD}))

PACED: Final = ", ".join(
    str(int(status)) for status in (CampaignStatus.SCHEDULED, CampaignStatus.QUEUED, CampaignStatus.SENDING)
)

LOCK_BATCH_OF_LAUNCH: Final = """
select b.status from batches_batch b join campaigns_launch l on l.batch_id = b.id where l.id = %s for share of b
"""

LAST_CONTACT: Final = "select coalesce(max(id), 0) from campaigns_contact where account_id = %s"

IS_SUPPRESSED: Final = f"""exists (
        select from mailer_suppression s where s.account_id = %(account)s and s.email = c.email
            and s.kind <> {int(SuppressionKind.BLOCK)} and (s.group_id is null or s.group_id = %(group)s)
            and not {is_exempt("%(account)s", "s.email")})"""


def expand(selection: str, personal: str) -> str:
    """Return the statement that expands a page of an audience.

    It makes parcels and a message for each contact that has an address and is not suppressed, and counts them as
    accepted. As one statement it writes all of that or nothing.

    A purge of the account cannot fix its bound meanwhile (`accept_lock`). The caller passes the times of the parcels,
    by wave (a time zone's turn) and number within the page; not all of them have to be used.

    Each row has the last contact and the numbers of contacts that were read, that have no address, and that are
    suppressed. Then it has the id, wave, send_at, size and due flag of one parcel, or nulls if no parcel was made.
    """
    counted = count_accepted(
        "made",
        account="%(account)s",
        lane=str(int(Lane.BULK)),
        recipients="(select messages from made)",
        batch="%(batch)s",
        categories="(select categories from mailer_mail where id = %(mail)s)",
    )
    return f"""
with own as materialized (
    select pg_advisory_xact_lock_shared({accept_lock("%(account)s::bigint")})
), moment as materialized (
    select sluice_now() as now from own
), picked as materialized ({selection}),
found as materialized (
    select c.id, c.email, {personal} as personal, coalesce((%(zones)s::jsonb ->> c.time_zone)::int, 0) as wave,
        c.email is null as is_invalid, c.email is not null and {IS_SUPPRESSED} as is_suppressed
    from picked
    cross join lateral (select * from campaigns_contact c where c.id = picked.id offset 0) c
), placed as materialized (
    select email, personal, wave, place, place / %(size)s as number
    from (
        select *, (row_number() over (partition by wave order by id) - 1)::int as place
        from found where not is_invalid and not is_suppressed
    ) wanted
), drawn as materialized (
    select nextval('batches_parcel_id_seq') as id, s.wave, s.number, s.size, greatest(t.at, now) as send_at, now
    from moment, (select wave, number, count(*)::smallint as size from placed group by 1, 2 order by 1, 2) s
    join unnest(%(waves)s::int[], %(numbers)s::int[], %(times)s::timestamptz[]) as t(wave, number, at)
        on t.wave = s.wave and t.number = s.number
), parcel as (
    {insert_parcels("drawn", batch="%(batch)s", account="%(account)s", lane=str(int(Lane.BULK)))}
), message as (
    insert into mailer_message (id, mail_id, recipient, personal)
    select drawn.id * {PARCEL_SPAN} + placed.place %% %(size)s, %(mail)s, placed.email, placed.personal
    from placed join drawn using (wave, number)
), made as materialized (
    select sum(size) as messages, min(now) as now from drawn having count(*) > 0
), counted as (
    {counted}
), summary as (
    select (select max(id) from picked) as through, (select count(*) from picked) as looked_at,
        count(*) filter (where is_invalid) as invalid, count(*) filter (where is_suppressed) as unsubscribed
    from found
)
select summary.*, drawn.id, wave, send_at, size, send_at <= now from summary left join drawn on true
order by wave, number
"""


def personal_of_addresses(personal: str) -> str:
    """Return the statement that reads `message.personal` for each of some addresses, in their order.

    An address without a contact has the row of a contact that has no values.
    """
    return f"""
select ({personal})::text from unnest(%(addresses)s::text[]) with ordinality as a(email, place)
left join campaigns_contact c on c.account_id = %(account)s and c.email = a.email
order by a.place
"""


def contact_with_personal(personal: str) -> str:
    """Return the statement that reads a contact of an account, with `message.personal` for it as text."""
    return f"""
select c.*, ({personal})::text as personal from campaigns_contact c
where c.id = %(contact)s and c.account_id = %(account)s
"""


def contacts_with_address(selection: str) -> str:
    """Return the statement that reads the contacts of a selection of ids that have an address."""
    return f"""
select c.* from ({selection}) chosen join campaigns_contact c on c.id = chosen.id
where c.email is not null order by c.id
"""


# The time when the last parcel of the account's other campaigns that has a time has been sent, at the account's rate;
# null if no parcel has one. A paused campaign gives its times back: it gets others when it is resumed.
TAKEN_BY_OTHERS: Final = f"""
select max(p.send_at + p.size * interval '1 minute' / t.rate_per_minute)
from campaigns_accountterms t join campaigns_campaign c using (account_id)
join campaigns_launch l on l.id = c.launch_id join batches_parcel p on p.batch_id = l.batch_id
where t.account_id = %(account)s and l.id <> %(launch)s and not p.is_folded and p.state in ({WAITING})
    and c.status in ({PACED})
"""

PARCELS_TO_REPACE: Final = f"""
select id, size, greatest(send_at, %(now)s) from batches_parcel
where batch_id = %(batch)s and not is_folded and state in ({WAITING}) and attempts = 0 and not is_replay
order by send_at, id for update
"""

REPACE: Final = f"""
update batches_parcel p set send_at = t.at, due_at = t.at,
    state = case when t.at > %(now)s then {int(ParcelState.SCHEDULED)} else {int(ParcelState.DUE)} end
from unnest(%(parcels)s::bigint[], %(times)s::timestamptz[]) as t(id, at)
where p.id = t.id
"""

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

# The late events behind a place, in the order of their ids. What machines did, or what is about other mail, has no
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

SEARCHED: Final = """(c.email ilike %(email_pattern)s or c.phone_number ilike %(pattern)s
    or concat_ws(' ', nullif(c.first_name, ''), nullif(c.last_name, '')) ilike %(pattern)s)"""


def reachable(selection: str, *, is_searched: bool) -> str:
    """Return the FROM clause of the contacts of a selection that a mail would reach at this moment."""
    searched = f" and {SEARCHED}" if is_searched else ""
    return f"""
from ({selection}) picked join campaigns_contact c on c.id = picked.id
where c.email is not null and not {IS_SUPPRESSED}{searched}
"""


def count_reach(every: str, ranks: Mapping[SuppressionKind, int]) -> str:
    """Return the statement that counts an audience by the reason for which a contact is left out.

    Each row has the rank of the strongest reason (0 without an address, null for those who get a message), the number
    of contacts, and how often they appear in the lists and segments. The suppressions are joined and not probed as
    `IS_SUPPRESSED` does: for many contacts PostgreSQL reads them once.
    """
    rank = " ".join(f"when {int(kind)} then {rank}" for kind, rank in ranks.items())
    return f"""
with picked as (
    select id, count(*) as appearances from ({every}) every_appearance group by id
), ranked as (
    select c.id, min(picked.appearances) as appearances,
        case when min(c.email) is null then 0 else min(case s.kind {rank} end) end as rank
    from picked join campaigns_contact c on c.id = picked.id
    left join mailer_suppression s on s.account_id = %(account)s and s.email = c.email
        and s.kind <> {int(SuppressionKind.BLOCK)} and (s.group_id is null or s.group_id = %(group)s)
        and not {is_exempt("%(account)s", "s.email")}
    group by c.id
)
select rank, count(*), sum(appearances)::bigint from ranked group by rank
"""


COUNT_REACHABLE: Final = "select count(*) {reachable}"
PAGE_REACHABLE: Final = "select c.* {reachable} order by c.id desc limit %(limit)s offset %(offset)s"

# The messages of a campaign with what happened to each. Without a filter only the parcels of a page are read:
# `is_paged` says so, and the rest of the offset is within the first of them. Packed events are unpacked once a parcel.
RECORDED: Final = f"""
with own as (
    select id, state, sum(size) over (order by id) - size as before, size from batches_parcel
    where (batch_id, id) >= (%(batch)s, 0) and (batch_id, id) < (%(batch)s + 1, 0) and base >= id
), chosen as (
    select id, state from own where not %(is_paged)s or (before < %(offset)s + %(limit)s and before + size > %(offset)s)
), shown as (
    select m.id, m.recipient, c.uuid, coalesce(c.first_name, '') as first_name, coalesce(c.last_name, '') as last_name,
        m.sent_at, case when m.sent_at is not null then 'sent'
            when m.has_failed or chosen.state = {int(ParcelState.EXPIRED)} then 'failed' else 'pending' end as status,
        m.reply, opened.at as opened_at, clicked.at as clicked_at
    from chosen
    cross join lateral (
        select m.id, m.recipient, e.sent_at, e.has_failed, e.reply
        from mailer_message m left join (
            select message_id, min(at) filter (where kind = {int(EventKind.SENT)}) as sent_at,
                bool_or(kind in ({int(EventKind.REFUSED)}, {int(EventKind.DROPPED)})) as has_failed,
                (array_agg(reply order by id desc) filter (where reply is not null))[1] as reply
            from (
                select message_id, id, kind, at, reply from mailer_event
                where message_id >= chosen.id * {PARCEL_SPAN} and message_id < (chosen.id + 1) * {PARCEL_SPAN}
                    and members is null
                union all
                select message_id + member.n, id, kind, at, member_reply
                from mailer_event cross join lateral sluice_unpack(members, reply) member
                where message_id = chosen.id * {PARCEL_SPAN} and members is not null
            ) of_parcel
            where kind in ({OUTCOME_KINDS})
            group by message_id
        ) e on e.message_id = m.id
        where m.id >= chosen.id * {PARCEL_SPAN} and m.id < (chosen.id + 1) * {PARCEL_SPAN}
        offset 0
    ) m
    left join campaigns_contact c on c.account_id = %(account)s and c.email = m.recipient
    left join campaigns_engagement opened on opened.contact_id = c.id and opened.campaign_id = %(campaign)s
        and opened.kind = {int(EngagementKind.OPENED)}
    left join campaigns_engagement clicked on clicked.contact_id = c.id and clicked.campaign_id = %(campaign)s
        and clicked.kind = {int(EngagementKind.CLICKED)}
)
"""

WANTED: Final = """
from shown where (%(status)s::text is null or status = %(status)s)
    and (%(opened)s::bool is null or (opened_at is not null) = %(opened)s)
    and (%(clicked)s::bool is null or (clicked_at is not null) = %(clicked)s)
    and (%(pattern)s::text is null or recipient ilike %(email_pattern)s
        or concat_ws(' ', first_name, last_name) ilike %(pattern)s)
"""
# Each row also has the total number, which costs as much as the page if there is a filter.
PAGE_RECORDED: Final = f"""{RECORDED} select recipient, uuid, first_name, last_name, status, sent_at, reply, opened_at,
    clicked_at, count(*) over () {WANTED} order by id limit %(limit)s offset %(skipped)s"""
COUNT_RECORDED: Final = f"{RECORDED} select count(*) {WANTED}"
OFFSET_WITHIN: Final = """
select coalesce(min(before), 0) from (
    select size, sum(size) over (order by id) - size as before from batches_parcel
    where (batch_id, id) >= (%(batch)s, 0) and (batch_id, id) < (%(batch)s + 1, 0) and base >= id
) own where before + size > %(offset)s
"""
