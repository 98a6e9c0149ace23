"""Reading messages: their states and histories. What a message is doing is never stored with it (design, section 2)."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from batches.claims import to_mask
from batches.models import PARCEL_SPAN, Parcel
from batches.states import ParcelState
from mailer.models import Event, EventKind

FINAL_KINDS = (EventKind.SENT, EventKind.REFUSED, EventKind.DROPPED, EventKind.STOPPED)


def states_of(message_ids: Collection[int]) -> dict[int, str]:
    """The state of each message, in the words of `Counts`.

    Sent, if any recipient was; else the state of the newest parcel that still holds it; else how it ended; else in
    doubt. A refusal of one recipient does not end a message of which another is still tried.
    """
    kinds: dict[int, set[int]] = {}
    for message_id, kind in Event.objects.filter(message_id__in=message_ids).values_list("message_id", "kind"):
        kinds.setdefault(message_id, set()).add(kind)
    holders = _holders(message_ids)
    return {message_id: _state(kinds.get(message_id, set()), holders.get(message_id)) for message_id in message_ids}


def _holders(message_ids: Iterable[int]) -> dict[int, ParcelState]:
    """The state of the newest parcel that still has to send each message."""
    wanted = set(message_ids)
    parcels = Parcel.objects.filter(base__in={message_id // PARCEL_SPAN for message_id in wanted}).order_by("pk")
    holders: dict[int, ParcelState] = {}
    for base, members, size, state in parcels.values_list("base", "members", "size", "state"):
        mask = to_mask(members, size)
        first = base * PARCEL_SPAN
        for message_id in wanted:
            if 0 <= message_id - first < PARCEL_SPAN and mask >> (message_id - first) & 1:
                holders[message_id] = ParcelState(state)
    return holders


def _state(kinds: set[int], holder: ParcelState | None) -> str:
    if EventKind.SENT in kinds:
        return "sent"
    if holder is not None:
        return holder.label
    final = next((kind for kind in FINAL_KINDS if kind in kinds), EventKind.IN_DOUBT)
    return final.name.lower()
