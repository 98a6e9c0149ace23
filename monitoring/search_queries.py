"""Define the SQL of the search for mailings: one statement for each place of a word, and the rows of the result."""

from __future__ import annotations

from typing import Final

from batches.queries import FREEZERS, IS_FROZEN, SCHEDULED
from batches.states import BatchStatus
from campaigns.states import RUNNING, CampaignStatus

IN_SCOPE: Final = "(%(accounts)s::bigint[] is null or {account} = any(%(accounts)s))"
HAS_MAIL: Final = "exists (select from batches_parcel p where p.batch_id = b.id and not p.is_folded)"

# The planner knows too little about the words of labels: it would sometimes read all batches instead of an index.
LIMIT_SEARCH: Final = """
select set_config('statement_timeout', %(milliseconds)s, true), set_config('enable_seqscan', 'off', true)
"""

# The text is the beginning of a batch id.
BY_ID: Final = """
select 1 as kind, b.id as batch_id, null::bigint as campaign_id from batches_batch b
where b.public_id like %(prefix)s
"""

# Labels of the newest batches. So the hits of a frequent word include the newest ones.
BY_NEW_LABEL: Final = """
select 2, b.id, null::bigint from batches_batch b
where b.id > (select max(id) from batches_batch) - %(recent_batches)s and b.label ilike %(pattern)s
"""

# Labels of older batches, by trigrams. If a word has very many hits, an arbitrary part of them is taken.
BY_OLD_LABEL: Final = """
(select 2, b.id, null::bigint from batches_batch b
 where b.label ilike %(pattern)s and b.id <= (select max(id) from batches_batch) - %(recent_batches)s
 limit %(older_batches)s)
"""

# Campaigns that are scheduled or being sent, by title and subject. Others are found by the labels of their batches.
BY_CAMPAIGN: Final = f"""
select 3, null::bigint, c.id from (
    (select * from campaigns_campaign where status = {int(CampaignStatus.SCHEDULED)} order by begins_at
     limit %(campaigns)s)
    union all
    (select * from campaigns_campaign where status in ({", ".join(str(int(status)) for status in sorted(RUNNING))})
     limit %(campaigns)s)
) c
left join campaigns_sender s on s.id = c.sender_id
where c.deleted_at is null and (c.title ilike %(pattern)s or c.subject ilike %(pattern)s
    or s.from_email ilike %(pattern)s or exists (select from unnest(c.categories) word where word ilike %(pattern)s))
"""

# Senders and categories of the newest mails, and of the mail that waits for the next times.
BY_MAIL: Final = """
select case when m.sender ilike %(pattern)s then 4 else 5 end, m.batch_id, null::bigint from (
    (select batch_id, sender, categories from mailer_mail
     where id > (select max(id) from mailer_mail) - %(recent_mails)s)
    union all
    (select w.batch_id, m.sender, m.categories from (
        select distinct batch_id from (
            select batch_id from batches_wavecount order by minute, batch_id limit %(waves)s) next) w
     cross join lateral (select sender, categories from mailer_mail where batch_id = w.batch_id limit 1) m)
) m
where m.sender ilike %(pattern)s or exists (select from unnest(m.categories) word where word ilike %(pattern)s)
"""

# The newest batches of accounts and of keys with this name.
BY_ACCOUNT: Final = """
select 6, b.id, null::bigint from (
    select a.id from accounts_account a
    where a.id > (select max(id) from accounts_account) - %(owners)s and a.username ilike %(pattern)s limit 5) a
cross join lateral (select id from batches_batch where account_id = a.id order by id desc limit %(limit)s) b
"""
BY_KEY: Final = """
select 7, b.id, null::bigint from (
    select k.id from accounts_apikey k
    where k.id > (select max(id) from accounts_apikey) - %(owners)s
        and (k.name ilike %(pattern)s or k.key_id = %(text)s) limit 5) k
cross join lateral (select id from batches_batch where api_key_id = k.id order by id desc limit %(limit)s) b
"""

KINDS: Final = {
    1: "batch id",
    2: "subject or title",
    3: "campaign",
    4: "sender",
    5: "category",
    6: "account",
    7: "API key",
}

# A mailing is a batch, or a campaign that has none yet. The batch of a campaign belongs to it while it is the current
# one: a withdrawn campaign has another batch, or none.
MAILINGS: Final = f"""
select b.id as batch_id, b.public_id, coalesce(nullif(b.label, ''), c.title, '') as label,
    coalesce(b.is_default, false) as is_default, b.status as batch_status,
    case when b.id is null or c.launch_id = l.id then c.id end as campaign_id, c.uuid as campaign_uuid,
    c.status as campaign_status, l.is_complete, a.id as account_id, a.username as account, k.name as key_name,
    {IS_FROZEN} as is_frozen,
    case when b.id is null then c.begins_at else (
        select p.due_at from batches_parcel p
        where p.batch_id = b.id and not p.is_folded and p.state = {SCHEDULED} and p.due_at >= sluice_now()
        order by p.due_at limit 1) end as next_at,
    hit.kind
from ({{hits}}) hit
left join batches_batch b on b.id = hit.batch_id
left join campaigns_launch l on l.batch_id = b.id
left join campaigns_campaign c on c.id = coalesce(hit.campaign_id, l.campaign_id) and c.deleted_at is null
join accounts_account a on a.id = coalesce(b.account_id, c.account_id)
{FREEZERS}
left join accounts_apikey k on k.id = case when b.id is null then c.api_key_id else b.api_key_id end
where {IN_SCOPE.format(account="a.id")}
"""

# Accounts and living keys whose names have the text in them, the newest ones.
OWNERS: Final = """
(select a.id, a.username as name, '' as of_account, a.frozen_at is not null as is_frozen, false as is_key
 from accounts_account a
 where a.id > (select max(id) from accounts_account) - %(owners)s and a.username ilike %(pattern)s
 order by a.id desc limit %(limit)s)
union all
(select k.id, k.name, a.username, false, true
 from accounts_apikey k join accounts_account a on a.id = k.account_id
 where k.id > (select max(id) from accounts_apikey) - %(owners)s and k.revoked_at is null and k.name ilike %(pattern)s
 order by k.id desc limit %(limit)s)
"""


def search(sources: list[str]) -> str:
    """Return the statement that finds mailings in some sources.

    Mailings that still have mail to send come first, and then mailings that have the text in their names.
    """
    hits = f"""
    select kind, batch_id, campaign_id from (
        select min(kind) as kind, coalesce(source.batch_id, l.batch_id) as batch_id,
            case when coalesce(source.batch_id, l.batch_id) is null then source.campaign_id end as campaign_id
        from ({" union all ".join(sources)}) source(kind, batch_id, campaign_id)
        left join campaigns_campaign c on c.id = source.campaign_id
        left join campaigns_launch l on l.id = c.launch_id
        group by 2, 3
    ) one
    left join batches_batch b on b.id = one.batch_id
    left join campaigns_campaign c on c.id = one.campaign_id
    where {IN_SCOPE.format(account="coalesce(b.account_id, c.account_id)")}
    order by (one.batch_id is null or (b.status <> {int(BatchStatus.CANCELLED)} and {HAS_MAIL})) desc, kind <= 3 desc,
        one.batch_id desc nulls first, one.campaign_id desc
    limit %(limit)s"""
    return f"""{MAILINGS.format(hits=hits)}
order by (b.id is null or (b.status <> {int(BatchStatus.CANCELLED)} and {HAS_MAIL})) desc, hit.kind <= 3 desc,
    b.id desc nulls first, c.id desc
"""


GIVEN: Final = """
    select 0 as kind, coalesce(given.batch_id, l.batch_id) as batch_id, given.campaign_id, given.place
    from unnest(%(batches)s::bigint[], %(campaigns)s::bigint[]) with ordinality as given(batch_id, campaign_id, place)
    left join campaigns_campaign c on c.id = given.campaign_id
    left join campaigns_launch l on l.id = c.launch_id"""

# The mailings with these batches or campaigns, in the order in which they are given.
READ: Final = f"{MAILINGS.format(hits=GIVEN)} order by hit.place"
