"""The SQL of the audience: sets of contacts in one statement each, and pages that do not count what lies before them.

All that write hold the account's `Audience` row, so no two of them meet in these tables; what a statement has found of
an account's contacts stays true until the transaction ends.
"""

from __future__ import annotations

from typing import Final

from campaigns.audience.models import IDENTIFIERS

LOCK_AUDIENCE: Final = """
insert into campaigns_audience (account_id) values (%s) on conflict (account_id) do nothing;
select from campaigns_audience where account_id = %s for update
"""

TEXT_FIELDS: Final = (
    "first_name",
    "last_name",
    "address_line_1",
    "address_line_2",
    "city",
    "state_province_region",
    "postal_code",
    "country",
    "phone_number",
    "time_zone",
)
"""The columns of a contact that hold one text; empty: none."""
GIVEN: Final = (*IDENTIFIERS, *TEXT_FIELDS, "alternate_emails", "custom")
"""What a row of an upsert can say of a contact; null: nothing, the contact keeps what it has."""

MAKE_ROOM: Final = f"""
create temporary table if not exists campaigns_given (
    number int not null,
    {"".join(f"{name} text," for name in (*IDENTIFIERS, *TEXT_FIELDS))}
    alternate_emails text[],
    custom jsonb,
    contact_id bigint,
    is_new bool,
    outcome text
) on commit delete rows;
delete from pg_temp.campaigns_given
"""
"""The rows of an upsert, by their numbers. Once made it serves its session: a commit empties it."""

COPY_GIVEN: Final = f"copy pg_temp.campaigns_given (number, {', '.join(GIVEN)}) from stdin"

_FOUND = ",\n".join(
    f"""(select c.id from campaigns_contact c where c.account_id = %(account)s and c.{name} = g.{name}) as by_{name}"""
    for name in IDENTIFIERS
)
_FIRST_FOUND = f"coalesce({', '.join(f'by_{name}' for name in IDENTIFIERS)})"
_TAKEN = "\n".join(f"        when by_{name} <> found then '{name}'" for name in IDENTIFIERS)

MATCH: Final = f"""
with probed as materialized (
    select g.number, {_FOUND}
    from pg_temp.campaigns_given g where g.outcome is null
), found as materialized (
    select *, {_FIRST_FOUND} as found from probed
), judged as materialized (
    select number, found, case
{_TAKEN}
    end as taken, row_number() over (partition by found order by number) as turn
    from found
)
update pg_temp.campaigns_given g set
    contact_id = case when j.taken is null then
        coalesce(j.found, nextval('campaigns_contact_id_seq')) end,
    is_new = j.found is null,
    outcome = case when j.taken is not null then 'taken by ' || j.taken else 'matched' end
from judged j where j.number = g.number and (j.found is null or j.turn = 1)
"""
"""Find the contact of each row that has none yet, by the first of its identifiers that one has; or draw an id for a new
one. A row that names two contacts is refused. Of several rows for one contact only the first has its turn: the others
wait for the next round."""

_SETS = ",\n    ".join(
    [f"{name} = coalesce(g.{name}, c.{name})" for name in (*IDENTIFIERS, *TEXT_FIELDS, "alternate_emails")]
    + ["custom = case when g.custom is null then c.custom else jsonb_strip_nulls(c.custom || g.custom) end"]
)
_DIFFERS = "\n    or ".join(
    [
        f"g.{name} is not null and g.{name} is distinct from c.{name}"
        for name in (*IDENTIFIERS, *TEXT_FIELDS, "alternate_emails")
    ]
    + ["g.custom is not null and jsonb_strip_nulls(c.custom || g.custom) <> c.custom"]
)

UPDATE_MATCHED: Final = f"""
with changed as (
    update campaigns_contact c set
    {_SETS},
    updated_at = (select sluice_now())
    from pg_temp.campaigns_given g
    where g.outcome = 'matched' and not g.is_new and c.id = g.contact_id
        and c.id = any(array(
            select contact_id from pg_temp.campaigns_given where outcome = 'matched' and not is_new))
        and ({_DIFFERS})
    returning g.number
)
update pg_temp.campaigns_given g set outcome = case when exists (
    select from changed where changed.number = g.number) then 'updated' else 'unmodified' end
where outcome = 'matched' and not is_new
"""
"""Change the contacts that were found, but for those that stay as they are. By an array of ids, or the planner would
read all contacts for a few thousand."""

_INSERTED = ", ".join(GIVEN)
_INSERTED_VALUES = ", ".join(
    [f"g.{name}" for name in IDENTIFIERS]
    + [f"coalesce(g.{name}, '')" for name in TEXT_FIELDS]
    + ["coalesce(g.alternate_emails, '{}')", "jsonb_strip_nulls(coalesce(g.custom, '{}'))"]
)

INSERT_NEW: Final = f"""
with created as (
    insert into campaigns_contact (id, account_id, {_INSERTED}, created_at, updated_at)
    select g.contact_id, %(account)s, {_INSERTED_VALUES}, n.now, n.now
    from pg_temp.campaigns_given g, (select sluice_now() as now) n
    where g.outcome = 'matched' and g.is_new order by g.contact_id
    returning id
), counted as (
    update campaigns_audience set contacts = contacts + (select count(*) from created) where account_id = %(account)s
)
update pg_temp.campaigns_given set outcome = 'created' where outcome = 'matched' and is_new
"""

LEFT_TO_MATCH: Final = "select count(*) from pg_temp.campaigns_given where outcome is null"

OUTCOMES: Final = "select number, outcome, contact_id from pg_temp.campaigns_given"

ADD_MEMBERS: Final = """
with added as (
    insert into campaigns_membership (list_id, contact_id)
    select l.id, c.id from unnest(%(lists)s::int[]) l(id), unnest(%(contacts)s::bigint[]) c(id)
    order by 1, 2 on conflict do nothing returning list_id
), counted as (
    select list_id, count(*) as more from added group by list_id
)
update campaigns_contactlist l set contact_count = l.contact_count + counted.more
from counted where l.id = counted.list_id
"""

REMOVE_MEMBERS: Final = """
with removed as (
    delete from campaigns_membership where list_id = %(list)s and contact_id = any(%(contacts)s) returning contact_id
), counted as (
    update campaigns_contactlist set contact_count = contact_count - (select count(*) from removed)
    where id = %(list)s
)
select count(*) from removed
"""

DELETE_CONTACTS: Final = """
with gone as (
    delete from campaigns_contact where account_id = %(account)s and id = any(%(contacts)s) returning id
), ids as materialized (
    select array(select id from gone) as gone_ids
), left_lists as (
    delete from campaigns_membership where contact_id = any((select ids.gone_ids from ids)::bigint[]) returning list_id
), counted as (
    select list_id, count(*) as fewer from left_lists group by list_id
), lists as (
    update campaigns_contactlist l set contact_count = l.contact_count - counted.fewer
    from counted where l.id = counted.list_id
), forgotten as (
    delete from campaigns_engagement where contact_id = any((select ids.gone_ids from ids)::bigint[])
), audience as (
    update campaigns_audience set contacts = contacts - cardinality((select ids.gone_ids from ids))
    where account_id = %(account)s
)
select cardinality(ids.gone_ids) from ids
"""
"""Delete contacts with all that belongs to them, in one statement; returns how many there were."""

PAGE_OF_LIST: Final = """
select contact_id from campaigns_membership where list_id = %(list)s and contact_id > %(after)s
order by contact_id limit %(limit)s offset %(offset)s
"""

EMPTY_LIST: Final = """
delete from campaigns_membership where list_id = %(list)s and contact_id = any(array(
    select contact_id from campaigns_membership where list_id = %(list)s order by contact_id limit %(limit)s))
"""

REJECTED_ROWS: Final = "copy campaigns_rejectedrow (job_id, number, text, reason) from stdin"

DELETE_CHUNKS: Final = """
delete from campaigns_jobchunk where job_id = %(job)s and number = any(array(
    select number from campaigns_jobchunk where job_id = %(job)s order by number limit %(page)s))
"""
DELETE_REJECTED: Final = """
delete from campaigns_rejectedrow where job_id = %(job)s and number = any(array(
    select number from campaigns_rejectedrow where job_id = %(job)s order by number limit %(page)s))
"""

CHUNK_SIZES: Final = "select number, octet_length(data) from campaigns_jobchunk where job_id = %s order by number"
"""Known without reading them."""

CHOSEN_ALL: Final = """
select c.id from campaigns_contact c
where c.account_id = %(account)s and c.id > %(after)s and c.id <= %(through)s order by c.id limit %(page)s
"""
CHOSEN_LISTED: Final = """
select m.id from unnest(%(lists)s::int[]) l(id) cross join lateral (
    select contact_id as id from campaigns_membership
    where list_id = l.id and contact_id > %(after)s and contact_id <= %(through)s order by contact_id limit %(page)s) m
"""
CHOSEN_MATCHING: Final = """
select c.id from campaigns_contact c
where c.account_id = %(account)s and c.id > %(after)s and c.id <= %(through)s and ({condition})
order by c.id limit %(page)s
"""
CHOSEN: Final = "select id from (({}) union ({})) chosen order by id limit %(page)s"
"""A page of both. Each source gives a page of its own, so that one costs what it holds."""

_TIME: Final = """to_char(c.{0} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as {0}"""
_SHOWN: Final = ", ".join(
    [
        *(f"c.{name}" for name in IDENTIFIERS),
        *(f"nullif(c.{name}, '') as {name}" for name in TEXT_FIELDS),
        "{alternates}",
        "c.uuid as contact_id",
        *(_TIME.format(name) for name in ("created_at", "updated_at")),
    ]
)
SHOWN: Final = (*IDENTIFIERS, *TEXT_FIELDS, "alternate_emails", "contact_id", "created_at", "updated_at")
"""What an export tells of a contact, in this order, and then the custom fields."""

CONTACTS_AS_CSV: Final = f"""
copy (
    select {_SHOWN.format(alternates="nullif(array_to_string(c.alternate_emails, ','), '')")}{{custom}}
    from campaigns_contact c where c.account_id = %(account)s and c.id = any(%(contacts)s) order by c.id
) to stdout (format csv)
"""
CUSTOM_COLUMN: Final = ", c.custom->>%(field_{0})s"

CONTACTS_AS_JSON: Final = f"""
select row_to_json(shown)::text from (
    select {_SHOWN.format(alternates="c.alternate_emails")}, (
        select coalesce(jsonb_object_agg(f.name, v.value), '{{}}')
        from jsonb_each(c.custom) v join campaigns_fielddefinition f on f.id = v.key::int
    ) as custom_fields
    from campaigns_contact c where c.account_id = %(account)s and c.id = any(%(contacts)s) order by c.id
) shown
"""

SELECT_MATCHING: Final = """
select c.* from campaigns_contact c where c.account_id = %(account)s and c.id > %(after)s and ({condition})
order by c.id limit %(limit)s
"""

COUNT_MATCHING: Final = """
select count(*) from campaigns_contact c where c.account_id = %(account)s and ({condition})
"""

SEGMENTS_OF: Final = """
select c.id from campaigns_contact c
where c.account_id = %(account)s and c.id = any(%(contacts)s) and ({condition})
"""

LIMIT_SEARCH: Final = "select set_config('statement_timeout', %s, true)"
"""In milliseconds, until the end of the transaction."""
