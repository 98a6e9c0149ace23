"""Select the audience of a campaign in SQL: lists, segments or all contacts, each contact once, in the order of ids.

Each source is asked for its first contacts after an id and up to a bound, so that the cost of a page depends on the
page and not on the audience.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection

from audience.models import Segment
from audience.query.compiling import CONTACTS, compile_condition
from audience.query.conditions import Condition, Or
from audience.segments import condition_of
from campaigns.models import Audience, Campaign

BOUNDS = "c.id > %(through)s and c.id <= %(last_contact)s"

EVERYBODY = f"select c.id from {CONTACTS} where c.account_id = %(account)s and {BOUNDS}"
LISTED = f"""select m.id from unnest(%(lists)s::int[]) as l(id) cross join lateral (
    select c.contact_id as id from campaigns_membership c
    where c.list_id = l.id and {BOUNDS.replace("c.id", "c.contact_id")} {{page}}) m"""


@dataclass(frozen=True, slots=True)
class Selection:
    """A SELECT of contact ids, and its parameters except `through`, `last_contact` and `limit`.

    `every` returns an id as often as the contact is found: once for each of the lists, and once for the segments.
    """

    sql: str
    every: str
    parameters: dict[str, Any]


def select_audience(campaign: Campaign, *, is_paged: bool = True) -> Selection:
    """Select the contacts of a campaign, including suppressed ones; with `is_paged`, the first `limit` of them."""
    parameters: dict[str, Any] = {"account": campaign.account_id}
    page = "order by 1 limit %(limit)s" if is_paged else ""
    if campaign.is_to_all:
        return Selection(f"{EVERYBODY} {page}", EVERYBODY, parameters)
    audience = campaign.read_audience()
    parameters["lists"] = list(audience.lists)
    sources = [LISTED.format(page=page)]
    conditions = conditions_of(audience)
    if not conditions and len(parameters["lists"]) == 1:
        return Selection(f"{sources[0]} {page}", sources[0], parameters)
    if conditions:
        sql, condition_parameters = compile_condition(Or(tuple(conditions)), account_id=campaign.account_id)
        parameters |= condition_parameters
        sources.append(f"({EVERYBODY} and ({sql}) {page})")
    every = " union all ".join(sources)
    return Selection(f"select distinct id from ({every}) audience {page}", every, parameters)


def conditions_of(audience: Audience) -> list[Condition]:
    """Return the conditions for the contacts of the segments of an audience."""
    return [condition_of(Segment(list_id=each["list"], condition=each["condition"])) for each in audience.segments]


def count_audience(campaign: Campaign, *, last_contact: int) -> int:
    """Return the number of a campaign's contacts, including suppressed ones."""
    chosen = select_audience(campaign, is_paged=False)
    with connection.cursor() as cursor:
        cursor.execute(
            f"select count(*) from ({chosen.sql}) counted",
            chosen.parameters | {"through": 0, "last_contact": last_contact},
        )
        row = cursor.fetchone()
    return int(row[0]) if row else 0
