"""The SQL of recipients: those whom a campaign would reach, and those whom it has messages for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from audience.models import EngagementKind
from batches.models import PARCEL_SPAN
from batches.states import ParcelState
from campaigns.queries import IS_SUPPRESSED
from mailer.models import EventKind, SuppressionKind
from mailer.outcomes.reading import OUTCOMES
from mailer.suppressions.queries import is_exempt

OUTCOME_KINDS: Final = ", ".join(str(int(kind)) for kind in OUTCOMES)

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

MATCHING: Final = """
from shown where (%(status)s::text is null or status = %(status)s)
    and (%(opened)s::bool is null or (opened_at is not null) = %(opened)s)
    and (%(clicked)s::bool is null or (clicked_at is not null) = %(clicked)s)
    and (%(pattern)s::text is null or recipient ilike %(email_pattern)s
        or concat_ws(' ', first_name, last_name) ilike %(pattern)s)
"""
# Each row also has the total number, which costs as much as the page if there is a filter.
PAGE_RECORDED: Final = f"""{RECORDED} select recipient, uuid, first_name, last_name, status, sent_at, reply, opened_at,
    clicked_at, count(*) over () {MATCHING} order by id limit %(limit)s offset %(skipped)s"""
COUNT_RECORDED: Final = f"{RECORDED} select count(*) {MATCHING}"
OFFSET_WITHIN: Final = """
select coalesce(min(before), 0) from (
    select size, sum(size) over (order by id) - size as before from batches_parcel
    where (batch_id, id) >= (%(batch)s, 0) and (batch_id, id) < (%(batch)s + 1, 0) and base >= id
) own where before + size > %(offset)s
"""
