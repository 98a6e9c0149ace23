"""Find the parcels that could hold the messages of a list, from a place on, at a bounded cost.

Parcels are walked in the order of their ids: all of them, or those of a batch or an account. A state in which few
parcels are has a separate index, and then only these parcels are read.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from django.db import connection

from batches.claims import bits, to_mask
from batches.models import PARCEL_SPAN
from batches.states import WAITING_STATES, ParcelState
from mailer.listing import queries
from mailer.listing.filters import Filters
from mailer.models import EventKind
from mailer.queries import MAY_HOLD

PARCELS_LOOKED_AT: Final = 20_000
"""The most parcels that one part of a list looks at."""
PARCELS_OF_ACCOUNT: Final = 2_000
"""The most parcels that one part of the list of an account looks at: no index has the parcels of an account."""
BATCHES: Final = 5_000
"""The number of newest batches of an account whose parcels are looked at, in addition to its default batch."""
PARCELS_CHOSEN: Final = 2_000
"""The most parcels whose messages are looked at."""
DISORDER: Final = 500
"""The distance, in parcels, that the ids of two requests accepted at the same moment may have."""
ANY_PARCEL: Final = "true"
"""The condition that all parcels meet."""
NEWEST: Final = sys.maxsize
"""An id that is above those of all messages."""
IN_DOUBT: Final = "in_doubt"
WAITING: Final = {state.label: state for state in (*WAITING_STATES, ParcelState.CLAIMED)}
OF_EVENTS: Final = {"refused": EventKind.REFUSED, "dropped": EventKind.DROPPED, "stopped": EventKind.STOPPED}
"""The states of messages that have an event of this kind, which is never packed."""


class Place(NamedTuple):
    """A place in a list, between two messages: the list continues with lower ids, or with higher ones."""

    message_id: int = NEWEST
    is_upward: bool = False

    @property
    def parcel_id(self) -> int:
        """Return an id beyond which, in the direction of the list, all parcels with messages of it are."""
        if self.is_upward:
            return (self.message_id + 1) // PARCEL_SPAN - 1
        return -(-self.message_id // PARCEL_SPAN)

    @property
    def sql(self) -> dict[str, Any]:
        """Return the words of the direction in a statement."""
        if self.is_upward:
            return {"cmp": ">", "other": "<", "end": 1, "order": "asc", "last": "max"}
        return {"cmp": "<", "other": ">=", "end": 0, "order": "desc", "last": "min"}

    def is_ahead(self, message_id: int) -> bool:
        """Return whether a message is in the part of the list that is still to come."""
        return message_id > self.message_id if self.is_upward else message_id < self.message_id

    def behind_parcel(self, parcel_id: int) -> int:
        """Return the message id of the place that follows all messages of a parcel."""
        return (parcel_id + 1) * PARCEL_SPAN - 1 if self.is_upward else parcel_id * PARCEL_SPAN


class Group(NamedTuple):
    """Messages that are numbered from one parcel, as the mask of their numbers."""

    base: int
    mask: int

    def ids(self, place: Place) -> Iterator[int]:
        """Yield the ids of the messages that are ahead, in the order of the list."""
        numbers = bits(self.mask)
        for n in numbers if place.is_upward else reversed(numbers):
            message_id = self.base * PARCEL_SPAN + n
            if place.is_ahead(message_id):
                yield message_id


@dataclass(frozen=True, slots=True)
class Candidates:
    """The messages that may meet the filters, in the order of the list.

    `end` is the message id of the place that the search has reached, or None at the end of the list. `looked_at` is the
    number of messages of the parcels that were read.
    """

    groups: list[Group]
    end: int | None
    looked_at: int


def find_candidates(filters: Filters, place: Place) -> Candidates:
    """Return the next messages that could meet the filters, whatever their addresses, replies and exact states."""
    if filters.states is not None and not filters.states:
        return Candidates([], None, 0)
    if filters.states is not None and filters.states <= {*WAITING, IN_DOUBT}:
        holders = _find_holders(filters, place)
        if holders is not None:
            return holders
    return _walk(filters, place)


def condition_of(filters: Filters) -> tuple[str, dict[str, Any]]:
    """Return the condition that a message of a parcel may meet the filters, by the parcel's row, and its parameters."""
    parts = [ANY_PARCEL]
    values: dict[str, Any] = {}
    if filters.states is not None:
        parts.append("(" + " or ".join(f"({MAY_HOLD[state]})" for state in sorted(filters.states)) + ")")
    if filters.times is not None:
        # A message that has moved may have been rescheduled.
        parts.append("(moved > 0 or (send_at >= %(since)s and send_at < %(until)s))")
        values |= dict(zip(("since", "until"), filters.times, strict=True))
    if filters.account is not None:
        parts.append("account_id = %(account)s")
        values["account"] = filters.account.pk
    if filters.batch is not None:
        parts.append("batch_id = %(batch)s")
        values["batch"] = filters.batch.pk
    return " and ".join(parts), values


def _walk(filters: Filters, place: Place) -> Candidates:
    condition, values = condition_of(filters)
    walk, most = queries.WALK_ALL, PARCELS_LOOKED_AT
    if filters.batch is not None:
        walk = queries.WALK_BATCH
    elif filters.account is not None:
        walk, most = queries.WALK_ACCOUNT, PARCELS_OF_ACCOUNT
    if condition == ANY_PARCEL:
        # Every parcel is chosen, so that more need not be looked at.
        most = PARCELS_CHOSEN
    statement = queries.CHOOSE.format(walk=walk.format(**place.sql), condition=condition, **place.sql)
    parcel_id = _skip_later(filters, place)
    (parcels, messages, last), *rows = fetch(
        statement,
        values | {"place": parcel_id, "most": most, "chosen": PARCELS_CHOSEN, "batches": BATCHES},
    )
    groups = [Group(base, (1 << size) - 1) for base, size, _ in rows]
    if len(groups) == PARCELS_CHOSEN:
        return Candidates(groups, place.behind_parcel(groups[-1].base), messages)
    return Candidates(groups, place.behind_parcel(last) if parcels == most else None, messages)


def _skip_later(filters: Filters, place: Place) -> int:
    """Return where the walk begins: mail that was accepted after a day cannot have its send_at on that day."""
    is_waiting = filters.states is not None and filters.states <= WAITING.keys()
    if place.is_upward or filters.times is None or filters.batch is not None or is_waiting:
        return place.parcel_id
    ((first,),) = fetch(queries.FIRST_PARCEL_ACCEPTED_SINCE, {"since": filters.times[1]})
    return min(place.parcel_id, int(first) + DISORDER)


def _find_holders(filters: Filters, place: Place) -> Candidates | None:
    """Return the messages of the parcels that are in the filtered states now; None if there are too many parcels."""
    condition, values = condition_of(Filters(account=filters.account, batch=filters.batch))
    of_batch = "and not is_folded and batch_id = %(batch)s" if filters.batch is not None else ""
    holders = [
        queries.HOLDERS_IN_STATE.format(mask="coalesce(doubtful, '')", state="in_doubt > 0", of_whom="")
        if state == IN_DOUBT
        else queries.HOLDERS_IN_STATE.format(mask="members", state=f"state = {int(WAITING[state])}", of_whom=of_batch)
        for state in sorted(filters.states or ())
    ]
    statement = queries.HOLDERS.format(holders=" union all ".join(holders), condition=condition)
    (parcels, messages, _), *rows = fetch(statement, values | {"most": PARCELS_LOOKED_AT})
    if parcels >= PARCELS_LOOKED_AT:
        return None
    groups: dict[int, int] = defaultdict(int)
    for base, size, mask in rows:
        groups[base] |= to_mask(mask, size)
    items = sorted(groups.items(), reverse=not place.is_upward)
    ahead = [Group(*item) for item in items if _may_be_ahead(item[0], place)]
    return Candidates(ahead, None, messages)


def _may_be_ahead(base: int, place: Place) -> bool:
    return base > place.parcel_id if place.is_upward else base < place.parcel_id


def groups_of(message_ids: Collection[int], place: Place) -> list[Group]:
    """Return messages as groups, in the order of the list."""
    masks: dict[int, int] = defaultdict(int)
    for message_id in message_ids:
        base, n = divmod(message_id, PARCEL_SPAN)
        masks[base] |= 1 << n
    return [Group(*item) for item in sorted(masks.items(), reverse=not place.is_upward)]


def fetch(statement: str, values: dict[str, Any]) -> list[Any]:
    """Return the rows of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
