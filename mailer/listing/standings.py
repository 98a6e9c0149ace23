"""Read the standings of messages: their states, and the times at which they are sent."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from batches.claims import bits, to_mask
from batches.models import PARCEL_SPAN
from batches.states import ParcelState
from mailer.queries import Holder, parcels_that_hold, states_held


class Standing(NamedTuple):
    """The state of a message, and its `send_at`.

    The time is that of the parcel that holds the message, or else that of its first parcel; None if that was removed.
    """

    state: str
    send_at: dt.datetime | None


def read_standings(message_ids: Sequence[int]) -> dict[int, Standing]:
    """Return the standings of messages by id, in two statements."""
    if not message_ids:
        return {}
    masks: defaultdict[int, int] = defaultdict(int)
    for message_id in message_ids:
        masks[message_id // PARCEL_SPAN] |= 1 << message_id % PARCEL_SPAN
    first: dict[int, dt.datetime] = {}
    holders: dict[int, Holder] = {}
    # Parcels first: a message that leaves its parcel between the two reads has its event in the second.
    parcels = parcels_that_hold(masks).values_list("pk", "base", "members", "size", "state", "send_at")
    for pk, base, members, size, state, send_at in parcels:
        if pk == base:
            first[base] = send_at
        for n in bits(to_mask(members, size) & masks[base]):
            holders[base * PARCEL_SPAN + n] = Holder(ParcelState(state), send_at)
    states = states_held(message_ids, holders)
    return {
        each: Standing(states[each], holders[each].send_at if each in holders else first.get(each // PARCEL_SPAN))
        for each in message_ids
    }
