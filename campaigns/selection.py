"""Selection: a campaign's audience as SQL. Lists, segments or everybody, each contact once, in the order of their ids.

Each source is asked for its first contacts after a place and up to a bound, so that a page costs what it holds, and not
what the audience does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection

from audience.query.compiling import compile_condition
from audience.query.conditions import Or
from audience.segments import condition_of
from campaigns.models import Campaign

BOUNDS = "c.id > %(through)s and c.id <= %(last_contact)s"

EVERYBODY = f"select c.id from campaigns_contact c where c.account_id = %(account)s and {BOUNDS}"
LISTED = f"""select m.id from unnest(%(lists)s::int[]) as l(id) cross join lateral (
    select c.contact_id as id from campaigns_membership c
    where c.list_id = l.id and {BOUNDS.replace("c.id", "c.contact_id")} {{page}}) m"""


@dataclass(frozen=True, slots=True)
class Selection:
    """One SELECT of contact ids, and its parameters but `through`, `last_contact` and `limit`."""

    sql: str
    parameters: dict[str, Any]


def select_audience(campaign: Campaign, *, is_paged: bool = True) -> Selection:
    """The contacts the campaign is for, suppressed ones included; with `is_paged` the first `limit` of them."""
    parameters: dict[str, Any] = {"account": campaign.account_id}
    page = "order by 1 limit %(limit)s" if is_paged else ""
    if campaign.is_to_all:
        return Selection(f"{EVERYBODY} {page}", parameters)
    parameters["lists"] = list(campaign.lists.filter(deleted_at=None).order_by("pk").values_list("pk", flat=True))
    sources = [LISTED.format(page=page)]
    conditions = [condition_of(segment) for segment in campaign.segments.order_by("pk")]
    if not conditions and len(parameters["lists"]) == 1:
        return Selection(f"{sources[0]} {page}", parameters)
    if conditions:
        sql, said = compile_condition(Or(tuple(conditions)), account_id=campaign.account_id)
        parameters |= said
        sources.append(f"({EVERYBODY} and ({sql}) {page})")
    return Selection(f"select distinct id from ({' union all '.join(sources)}) audience {page}", parameters)


def count_audience(campaign: Campaign, *, last_contact: int) -> int:
    """How many contacts that is, suppressed ones included."""
    chosen = select_audience(campaign, is_paged=False)
    with connection.cursor() as cursor:
        cursor.execute(
            f"select count(*) from ({chosen.sql}) counted",
            chosen.parameters | {"through": 0, "last_contact": last_contact},
        )
        row = cursor.fetchone()
    return int(row[0]) if row else 0
