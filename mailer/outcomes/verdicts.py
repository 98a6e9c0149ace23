"""Write the events of verdicts: mail that was discarded, expired, retained or held, one row a parcel.

In: the parcels that a verdict has moved. Out, in the same transaction: their events and counters. A release leaves no
event, since what is sent leaves one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from batches.admit import Moved
from batches.states import ParcelState
from mailer.models import EventKind
from mailer.outcomes.writing import Entry, SharedEvent, write_events

KINDS: Final = {
    ParcelState.DISCARDED: EventKind.DISCARDED,
    ParcelState.EXPIRED: EventKind.EXPIRED,
    ParcelState.RETAINED: EventKind.RETAINED,
    ParcelState.HELD: EventKind.HELD,
}
"""The kind of event by the state that a verdict moves parcels into."""
OF_REMAINDER: Final = "; only for the recipients without an outcome"


def write_verdicts(parcels: Sequence[Moved], target: ParcelState, why: str, at: dt.datetime) -> None:
    """Write the event of each parcel that a verdict has moved into this state.

    Mail that ends in doubt instead has no event: it was not discarded, and its doubt has one. Verdicts are not counted
    by category: no statistics show them, and looking up the categories would read each parcel's mail.
    """
    kind = KINDS[target]
    write_events(
        (
            Entry(parcel, parcel.fence, verdict=_event_of(parcel, kind, why), categories=())
            for parcel in parcels
            if not parcel.is_ended_in_doubt(target)
        ),
        at,
    )


def _event_of(parcel: Moved, kind: EventKind, why: str) -> SharedEvent:
    text = f"{why}{OF_REMAINDER}" if parcel.is_remainder else why
    return SharedEvent(kind, parcel.mask, text, is_of_remainder=parcel.is_remainder)
