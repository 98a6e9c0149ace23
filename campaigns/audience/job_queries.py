"""The SQL of jobs: pages picked by key and limit, and COPY, which the ORM does not have."""

from __future__ import annotations

from typing import Final

REJECTED_ROWS: Final = "copy campaigns_rejectedrow (job_id, number, text, reason) from stdin"

DELETE_CHUNKS: Final = """
delete from campaigns_jobchunk where job_id = %(job)s and number = any(array(
    select number from campaigns_jobchunk where job_id = %(job)s order by number limit %(page)s))
"""
DELETE_REJECTED: Final = """
delete from campaigns_rejectedrow where job_id = %(job)s and number = any(array(
    select number from campaigns_rejectedrow where job_id = %(job)s order by number limit %(page)s))
"""

LAST_CONTACT: Final = "select coalesce(max(id), 0) from campaigns_contact where account_id = %s"

BOUNDS: Final = "c.id > %(after)s and c.id <= %(last)s"
EVERYBODY: Final = f"select c.id from campaigns_contact c where c.account_id = %(account)s and {BOUNDS}"
ON_LIST: Final = """
select m.contact_id as id from campaigns_membership m
where m.list_id = {list}::int and m.contact_id > %(after)s and m.contact_id <= %(last)s
"""
NEXT_PAGE: Final = "order by id limit %(page)s"
"""Of each source apart, too, so that a page costs what it holds."""

CHUNK_SIZES: Final = "select number, octet_length(data) from campaigns_jobchunk where job_id = %s order by number"
"""Without reading them."""
