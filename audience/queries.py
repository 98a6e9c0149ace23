"""Define the SQL of the audience. A statement works on a set of contacts, or reads a page without counting other rows.

Every writer holds the account's `Audience` row, so no two of them meet in these tables, and what a statement has read
of an account's contacts stays true until the transaction ends.
"""

from __future__ import annotations

from typing import Final

from audience.models import IDENTIFIERS, TEXT_FIELDS, JobStatus
from audience.query.compiling import CONTACTS
from foundation.postgresql import EXPENSIVE_CALL

LOCK_AUDIENCE: Final = """
insert into campaigns_audience (account_id) values (%s) on conflict (account_id) do nothing;
select from campaigns_audience where account_id = %s for update
"""

# The columns that callers fill.
VALUES: Final = (*IDENTIFIERS, *TEXT_FIELDS, "alternate_emails", "custom")

# Finds the contacts that have one of these values as an identifier. Each value is a probe of the index of its
# identifier: a join would make the planner read the contacts of all accounts for a few thousand values.
FIND_BY_IDENTIFIER: Final = {
    name: f"""
select c.id, {", ".join(f"c.{value}" for value in VALUES)}
from unnest(%(values)s::text[]) searched(value)
cross join lateral (
    select * from campaigns_contact where account_id = %(account)s and {name} = searched.value limit 1) c
"""
    for name in IDENTIFIERS
}

DRAW_IDS: Final = "select nextval('campaigns_contact_id_seq') from generate_series(1, %s)"

COPY_NEW: Final = f"copy campaigns_contact (id, account_id, created_at, updated_at, {', '.join(VALUES)}) from stdin"

# Makes an empty table for the new state of contacts. It is created once per session, and a commit empties it.
MAKE_ROOM: Final = f"""
create temporary table if not exists campaigns_changed (
    id bigint not null,
    {"".join(f"{name} text, " for name in (*IDENTIFIERS, *TEXT_FIELDS))}
    alternate_emails text[],
    custom jsonb
) on commit delete rows;
delete from pg_temp.campaigns_changed
"""

COPY_CHANGED: Final = f"copy pg_temp.campaigns_changed (id, {', '.join(VALUES)}) from stdin"

# Frees identifiers that other contacts get: two contacts may swap theirs, and a unique index checks each row
# separately. No caller's identifier begins with a space.
VACATE: Final = {name: f"update campaigns_contact set {name} = ' ' || id where id = any(%s)" for name in IDENTIFIERS}

# The array of ids is redundant, but makes the planner use the primary key.
CHANGE: Final = f"""
update campaigns_contact c set {", ".join(f"{name} = g.{name}" for name in VALUES)}, updated_at = (select sluice_now())
from pg_temp.campaigns_changed g
where c.id = g.id and c.id = any(array(select id from pg_temp.campaigns_changed))
"""

COUNT_NEW: Final = "update campaigns_audience set contacts = contacts + %s where account_id = %s"

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

# Deletes contacts with everything that belongs to them in one statement, and returns their number.
DELETE_CONTACTS: Final = """
with deleted as (
    delete from campaigns_contact where account_id = %(account)s and id = any(%(contacts)s) returning id
), ids as materialized (
    select array(select id from deleted) as deleted_ids
), left_lists as (
    delete from campaigns_membership where contact_id = any((select ids.deleted_ids from ids)::bigint[])
    returning list_id
), counted as (
    select list_id, count(*) as fewer from left_lists group by list_id
), lists as (
    update campaigns_contactlist l set contact_count = l.contact_count - counted.fewer
    from counted where l.id = counted.list_id
), forgotten as (
    delete from campaigns_engagement where contact_id = any((select ids.deleted_ids from ids)::bigint[])
), inactive as (
    delete from campaigns_lasttimes where contact_id = any((select ids.deleted_ids from ids)::bigint[])
), audience as (
    update campaigns_audience set contacts = contacts - cardinality((select ids.deleted_ids from ids))
    where account_id = %(account)s
)
select cardinality(ids.deleted_ids) from ids
"""

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

# Returns the sizes of the chunks without reading them.
CHUNK_SIZES: Final = "select number, octet_length(data) from campaigns_jobchunk where job_id = %s order by number"

CHOSEN_ALL: Final = """
select c.id from campaigns_contact c
where c.account_id = %(account)s and c.id > %(after)s and c.id <= %(through)s order by c.id limit %(page)s
"""
CHOSEN_LISTED: Final = """
select m.id from unnest(%(lists)s::int[]) l(id) cross join lateral (
    select contact_id as id from campaigns_membership
    where list_id = l.id and contact_id > %(after)s and contact_id <= %(through)s order by contact_id limit %(page)s) m
"""
CHOSEN_MATCHING: Final = f"""
select c.id from {CONTACTS}
where c.account_id = %(account)s and c.id > %(after)s and c.id <= %(through)s and ({{condition}})
order by c.id limit %(page)s
"""
# A page of both sources. Each source gives a page, so that the cost depends on the page and not on the source.
CHOSEN: Final = "select id from (({}) union ({})) chosen order by id limit %(page)s"


def _protect(value: str) -> str:
    """Return the SQL that writes a text as a cell of CSV, as `csv_files.protect` does."""
    return f"case when {value} ~ %(protected)s then concat($$'$$, {value}) else {value} end"


_TIME: Final = """to_char(c.{0} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as {0}"""
_TEXTS: Final = {name: f"nullif(c.{name}, '')" for name in (*IDENTIFIERS, *TEXT_FIELDS)}
_OTHERS: Final = f"c.uuid as contact_id, {', '.join(map(_TIME.format, ('created_at', 'updated_at')))}"
# The columns of an export in order. The custom fields follow them.
SHOWN: Final = (*IDENTIFIERS, *TEXT_FIELDS, "alternate_emails", "contact_id", "created_at", "updated_at")

CONTACTS_AS_CSV: Final = f"""
copy (
    select {", ".join(map(_protect, _TEXTS.values()))},
        {_protect("nullif(array_to_string(c.alternate_emails, ','), '')")}, {_OTHERS}{{custom}}
    from campaigns_contact c where c.account_id = %(account)s and c.id = any(%(contacts)s) order by c.id
) to stdout (format csv)
"""
# A number is not a formula: it is written unchanged, so that a spreadsheet can calculate with it.
CUSTOM_COLUMN: Final = f""",
    case jsonb_typeof(c.custom->%(field_{{0}})s)
        when 'string' then {_protect("c.custom->>%(field_{0})s")} else c.custom->>%(field_{{0}})s
    end"""

CONTACTS_AS_JSON: Final = f"""
select row_to_json(shown)::text from (
    select {", ".join(f"{value} as {name}" for name, value in _TEXTS.items())}, c.alternate_emails, {_OTHERS}, (
        select coalesce(jsonb_object_agg(f.name, v.value), '{{}}')
        from jsonb_each(c.custom) v join campaigns_fielddefinition f on f.id = v.key::int
    ) as custom_fields
    from campaigns_contact c where c.account_id = %(account)s and c.id = any(%(contacts)s) order by c.id
) shown
"""

SELECT_MATCHING: Final = f"""
select c.* from {CONTACTS} where c.account_id = %(account)s and c.id > %(after)s and ({{condition}})
order by c.id limit %(limit)s offset %(offset)s
"""

COUNT_MATCHING: Final = f"""
select count(*) from {CONTACTS} where c.account_id = %(account)s and ({{condition}})
"""

SEGMENTS_OF: Final = f"""
select c.id from {CONTACTS}
where c.account_id = %(account)s and c.id = any(%(contacts)s) and ({{condition}})
"""


JOIN_TURNS: Final = "insert into campaigns_jobturn (account_id) values (%s) on conflict do nothing"
# The accounts that have a job to do and may run another one, in the order of how long they have waited.
ACCOUNTS_IN_TURN: Final = f"""
select j.account_id from campaigns_job j left join campaigns_jobturn t on t.account_id = j.account_id
where j.status = '{JobStatus.PENDING}' and j.uploaded_at is not null
group by j.account_id, t.at
having count(*) filter (where j.leased_until > sluice_now()) < %(running)s
    and bool_or(j.leased_until is null or j.leased_until <= sluice_now())
order by t.at nulls first, min(j.id)
"""

# Sets the limit in milliseconds until the end of the transaction.
LIMIT_SEARCH: Final = "select set_config('statement_timeout', %(milliseconds)s, true)"
# Sets the limit and takes the first of an account's places that is free. Nothing is taken if the account has no limit.
LIMIT_AND_TAKE_PLACE: Final = f"""
{LIMIT_SEARCH}, %(places)s = 0 or exists (
    select from generate_series(0, %(places)s - 1) as place
    where pg_try_advisory_xact_lock(hashtextextended(format('{EXPENSIVE_CALL} %%s %%s', %(account)s, place), 0))
)
"""
