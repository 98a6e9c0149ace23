"""Define the SQL of launches and their pace. One statement turns a page of an audience into messages."""

from __future__ import annotations

from typing import Final

from batches.models import PARCEL_SPAN
from batches.queries import accept_lock, insert_parcels
from batches.states import WAITING_STATES, Lane, ParcelState
from campaigns.states import CampaignStatus
from mailer.models import SuppressionKind
from mailer.outcomes.queries import count_accepted
from mailer.suppressions.queries import is_exempt

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
with locked as materialized (
    select pg_advisory_xact_lock_shared({accept_lock("%(account)s::bigint")})
), moment as materialized (
    select sluice_now() as now from locked
), picked as materialized ({selection}),
examined as materialized (
    select c.id, c.email, {personal} as personal, coalesce((%(zones)s::jsonb ->> c.time_zone)::int, 0) as wave,
        c.email is null as is_invalid, c.email is not null and {IS_SUPPRESSED} as is_suppressed
    from picked
    cross join lateral (select * from campaigns_contact c where c.id = picked.id offset 0) c
), placed as materialized (
    select email, personal, wave, place, place / %(size)s as number
    from (
        select *, (row_number() over (partition by wave order by id) - 1)::int as place
        from examined where not is_invalid and not is_suppressed
    ) reachable
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
    from examined
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
