"""Find the messages of a list, a page at a time.

Filters without an index are applied to the messages themselves, and a page looks at a limited number of these. Such a
page may have few messages, or none, without being the last one: it says how far it looked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any, Final

from batches.models import PARCEL_SPAN, Batch
from foundation.addresses import domain_key, spellings
from mailer.listing import queries
from mailer.listing.filters import Filters
from mailer.listing.parcels import (
    ANY_PARCEL,
    DISORDER,
    OF_EVENTS,
    Candidates,
    Group,
    Place,
    condition_of,
    fetch,
    find_candidates,
    groups_of,
)
from mailer.listing.standings import Standing, read_standings
from mailer.models import Classification

MESSAGES_LOOKED_AT: Final = 50_000
"""The most messages whose addresses or events one page looks at."""
CHECKED: Final = 500
"""The most messages whose states one page reads."""
NAMED: Final = 5_000
"""The most messages of one address or id in a page."""
MESSAGE_ID_HEADER: Final = re.compile(r"<?[A-Za-z0-9_-]{22}\.([0-9]{1,18})@[^@>]+>?")


@dataclass(frozen=True, slots=True)
class Matches:
    """Some messages of a list, in its order, with the standings of those whose standing was read.

    `end` is the message id of the place where the list continues, or None at its end. `is_cut` says that the search
    ended before it had found enough messages, and `looked_at` is the number of messages that it had looked at by then.
    """

    ids: list[int]
    standings: dict[int, Standing]
    end: int | None
    is_cut: bool
    looked_at: int


def find_messages(filters: Filters, place: Place, *, limit: int, checked: int = CHECKED) -> Matches:
    """Return the next messages of a list from a place on, at most `limit`; read at most `checked` states."""
    filters, candidates = _begin(filters, place)
    candidates = _match(filters, place, candidates)
    ids = chain.from_iterable(group.ids(place) for group in candidates.groups)
    if filters.states is None and filters.day is None:
        page_ids = list(islice(ids, limit + 1))
        if len(page_ids) > limit:
            return Matches(page_ids[:limit], {}, page_ids[limit - 1], False, candidates.looked_at)
        return Matches(page_ids, {}, candidates.end, candidates.end is not None, candidates.looked_at)
    return _check(filters, list(islice(ids, checked + 1)), candidates, limit=limit, checked=checked)


def _check(filters: Filters, ids: list[int], candidates: Candidates, *, limit: int, checked: int) -> Matches:
    """Return the messages that are in one of the states, with a `send_at` on the day."""
    standings = read_standings(ids[:checked])
    page_ids = list(
        islice((message_id for message_id in ids[:checked] if _is_wanted(filters, standings[message_id])), limit + 1)
    )
    if len(page_ids) > limit:
        return Matches(page_ids[:limit], standings, page_ids[limit - 1], False, candidates.looked_at)
    end = ids[checked - 1] if len(ids) > checked else candidates.end
    return Matches(page_ids, standings, end, end is not None, candidates.looked_at)


def _is_wanted(filters: Filters, standing: Standing) -> bool:
    if filters.states is not None and standing.state not in filters.states:
        return False
    if filters.times is None:
        return True
    since, until = filters.times
    return standing.send_at is not None and since <= standing.send_at < until


# --- the text of a search ---------------------------------------------------------------------------------------------


def _begin(filters: Filters, place: Place) -> tuple[Filters, Candidates]:
    """Return the filters without their text, and the messages that it stands for."""
    text = filters.text.strip()
    if not text:
        return filters, find_candidates(filters, place)
    groups = _named_by(text, place)
    if groups is not None:
        return filters, _within_scope(filters, place, groups)
    batch = Batch.objects.filter(public_id=text).first()
    if batch is None or (filters.batch is not None and filters.batch != batch):
        return filters, Candidates([], None, 0)
    filters = replace(filters, text="", batch=batch)
    return filters, find_candidates(filters, place)


def _named_by(text: str, place: Place) -> list[Group] | None:
    """Return the messages that an address or an id stands for; None if the text may be the id of a batch."""
    if header := MESSAGE_ID_HEADER.fullmatch(text):
        return groups_of([int(header[1])], place)
    if "@" in text:
        statement = queries.TO_ADDRESSES.format(**place.sql)
        values = {"recipients": list(spellings(text)), "place": place.message_id, "most": NAMED}
        return groups_of([message_id for (message_id,) in fetch(statement, values)], place)
    if re.fullmatch("[0-9]{1,18}", text):
        return groups_of([int(text)], place)
    parcels = find_parcels_of_mail(text)
    groups = [Group(parcel, (1 << size) - 1) for parcel, size in parcels]
    return sorted(groups, reverse=not place.is_upward) or None


def _within_scope(filters: Filters, place: Place, named_groups: list[Group]) -> Candidates:
    """Return the named messages whose parcels meet the filters."""
    bases = [group.base * PARCEL_SPAN for group in named_groups]
    number = sum(group.mask.bit_count() for group in named_groups)
    end = _last_of(named_groups[-1], place) if number >= NAMED else None
    condition, values = condition_of(filters)
    if condition == ANY_PARCEL:
        return Candidates(named_groups, end, number)
    statement = queries.SCOPED.format(condition=condition, **place.sql)
    allowed = {message_id // PARCEL_SPAN for (message_id,) in fetch(statement, values | {"ids": bases})}
    groups = [group for group in named_groups if group.base in allowed]
    return Candidates(groups, end, number)


def _last_of(group: Group, place: Place) -> int:
    *_, last = group.ids(place)
    return last


def find_parcels_of_mail(public_id: str) -> list[tuple[int, int]]:
    """Return the parcels that were made with a mail as (id, size), by id."""
    rows = fetch(queries.NEAR_MAIL, {"public_id": public_id})
    if not rows:
        return []
    ((mail_id, near),) = rows
    bounds = {"first": max(near - DISORDER, 0), "last": near + 2 * DISORDER}
    return fetch(queries.PARCELS_OF_MAIL, {"mail": mail_id, **bounds})


# --- addresses and events ---------------------------------------------------------------------------------------------


def _match(filters: Filters, place: Place, candidates: Candidates) -> Candidates:
    """Return the candidates whose addresses and events meet the filters."""
    statements: list[str] = []
    values: dict[str, Any] = {}
    if filters.domain:
        statements.append(queries.OF_DOMAIN)
        values["patterns"] = _patterns(filters.domain)
    if filters.classifications is not None:
        statements.append(queries.WITH_REPLY)
        values["failures"] = list(queries.FAILURES)
        values["classifications"] = [int(classification) for classification in filters.classifications]
        values["unclassified"] = int(Classification.UNCLASSIFIED)
    if filters.states and filters.states <= OF_EVENTS.keys():
        statements.append(queries.OF_KINDS)
        values["kinds"] = [int(OF_EVENTS[state]) for state in filters.states]
    groups, end = _cut(candidates, place) if statements else ([], None)
    if not groups:
        return candidates if not statements else replace(candidates, groups=[])
    looked_at = candidates.looked_at if end == candidates.end else sum(group.mask.bit_count() for group in groups)
    return Candidates(_matching(" intersect ".join(statements), groups, place, values), end, looked_at)


def _cut(candidates: Candidates, place: Place) -> tuple[list[Group], int | None]:
    """Return the first candidates, as many as one page looks at, and the place where the list continues after them."""
    groups: list[Group] = []
    number = 0
    for group in candidates.groups:
        number += group.mask.bit_count()
        if groups and number > MESSAGES_LOOKED_AT:
            return groups, place.behind_parcel(groups[-1].base)
        groups.append(group)
    return groups, candidates.end


def _patterns(domain: str) -> list[str]:
    """Return the patterns of addresses of a domain, in both of its spellings."""
    domains = {each.rpartition("@")[2] for each in spellings(f"a@{domain}")} | {domain_key(domain)}
    return ["%@" + re.sub(r"([\\%_])", r"\\\1", each.lower()) for each in domains]


def _matching(statement: str, groups: Sequence[Group], place: Place, values: dict[str, Any]) -> list[Group]:
    """Return the messages of some groups that a statement finds."""
    if not groups:
        return []
    first = [group.base * PARCEL_SPAN for group in groups]
    last = [group.base * PARCEL_SPAN + group.mask.bit_length() - 1 for group in groups]
    bounds = {"first": first, "last": last, "lowest": min(first), "highest": max(last)}
    matching = {
        group.base: group.mask
        for group in groups_of([message_id for (message_id,) in fetch(statement, values | bounds)], place)
    }
    return [Group(base, mask & matching[base]) for base, mask in groups if base in matching and mask & matching[base]]
